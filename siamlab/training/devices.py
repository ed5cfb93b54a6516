"""Devices and precision of training.

- `device_report`: backend, GPUs, precision, and whether each LSTM uses cuDNN.

Notebook: 07_gpu_training.
"""

import dataclasses

import keras
import pandas as pd

from ..errors import ArgumentError
from .cudnn import why_not_cudnn

__all__ = ["DeviceReport", "device_report"]


@dataclasses.dataclass(frozen=True, repr=False)
class DeviceReport:
    """Result of `device_report`.

    Parameters
    ----------
    backend : {"tensorflow", "jax", "torch"}
        The backend of Keras.
    gpus : tuple of str
        The GPUs that the backend finds.
    policy : str
        The dtype policy: that of the model, or the global one of Keras.
    layers : pandas.DataFrame
        The recurrent layers of the model, with the columns layer, kind, mask and
        why_not_cudnn, which is empty for a layer that uses cuDNN.

    Attributes
    ----------
    all_on_cudnn : bool
        Whether all recurrent layers use cuDNN, or would on a GPU.
    """

    backend: str
    gpus: tuple
    policy: str
    layers: pd.DataFrame

    @property
    def all_on_cudnn(self):
        """Whether all recurrent layers use cuDNN, or would on a GPU."""
        return bool((self.layers["why_not_cudnn"] == "").all())

    def __repr__(self):
        gpus = ", ".join(self.gpus) or "no GPU"
        text = f"Keras {keras.__version__} on {self.backend}, {gpus}, {self.policy}"
        table = self.layers.replace({"why_not_cudnn": ""}, "(uses cuDNN)")
        return text if table.empty else f"{text}\n{table.to_string(index=False)}"


def device_report(model=None):
    """Report the devices, and whether the recurrent layers of a model use cuDNN.

    Nothing is trained, and no GPU is needed: the choice depends only on the arguments
    of the layer and the mask that it receives. Masks are assumed to be right-padded,
    like those of `layers.SequenceMask`.

    Parameters
    ----------
    model : keras.Model, optional
        A built model; layers of nested models are included.

    Returns
    -------
    DeviceReport
        The report, with a table of the recurrent layers.

    Raises
    ------
    ArgumentError
        If `model` is not a Keras model.

    Examples
    --------
    >>> import siamlab as sl
    >>> report = device_report(sl.networks.blstm_encoder(units=4, output_dim=3))
    >>> report.all_on_cudnn
    True
    """
    if not isinstance(model, keras.layers.Layer | None):
        raise ArgumentError(f"model must be a keras.Model; got {type(model).__name__}")
    rows = []
    for layer in dict.fromkeys(_recurrent_layers(model)):
        kind = type(getattr(layer, "forward_layer", layer)).__name__
        arguments = [node.arguments.kwargs for node in layer._inbound_nodes]
        has_mask = any(each.get("mask") is not None for each in arguments)
        mask = "right-padded" if has_mask else "none"
        rows.append(
            (layer.name, kind, mask, "; ".join(why_not_cudnn(layer, mask=mask)))
        )
    return DeviceReport(
        backend=keras.backend.backend(),
        gpus=_gpus(),
        policy=(model or keras.layers.Identity()).dtype_policy.name,
        layers=pd.DataFrame(rows, columns=["layer", "kind", "mask", "why_not_cudnn"]),
    )


def _gpus():
    if keras.backend.backend() == "torch":
        import torch

        return tuple(f"gpu:{i}" for i in range(torch.cuda.device_count()))
    devices = keras.distribution.list_devices()
    return tuple(name for name in devices if not name.startswith("cpu"))


def _recurrent_layers(layer):
    """Yield the recurrent layers of a model; a Bidirectional is one layer."""
    if isinstance(layer, keras.layers.Bidirectional | keras.layers.RNN):
        yield layer
    elif layer is not None:
        for each in layer._flatten_layers(include_self=False, recursive=False):
            yield from _recurrent_layers(each)
