"""What a training runs on, and which of its recurrent layers take the fast path.

- `device_report`: devices, precision, XLA, and each recurrent layer; a `DeviceReport`.

Notebook: 07_gpu_training.
"""

import contextlib
import dataclasses
import html
import importlib.metadata
import os

import keras
import pandas as pd
from keras import ops, tree

from ..errors import ArgumentError
from . import cudnn
from .state import untouched

__all__ = ["DeviceReport", "Gpu", "RecurrentLayer", "device_report"]

_PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
# What is taken for granted where nothing was seen.
_SUPPOSED = {"unknown": "none", "some": "right-padded"}
_HEAD = ("layer", "kind", "mask", "on a GPU", "why", "instead")


@dataclasses.dataclass(frozen=True)
class Gpu:
    """One accelerator.

    Parameters
    ----------
    name : str
        As the backend calls it.
    memory : float or None
        In GB; None where the backend does not tell.
    """

    name: str
    memory: float | None = None


@dataclasses.dataclass(frozen=True)
class RecurrentLayer:
    """A recurrent layer of a model, and what becomes of it on a GPU.

    Parameters
    ----------
    name : str
        With the names of the models and layers around it.
    kind : str
        LSTM, GRU, RNN, Bidirectional LSTM ...
    mask : str
        Which kind of `cudnn.MASKS` reached it; "some" where a dry run shows that there
        is one, and "unknown" where the model could not be called.
    verdict : cudnn.Verdict
        Of `cudnn.decide`.
    """

    name: str
    kind: str
    mask: str
    verdict: cudnn.Verdict


@dataclasses.dataclass(frozen=True, repr=False)
class DeviceReport:
    """What a training runs on; made by `device_report`.

    In a notebook it shows itself as a table, in a terminal as text.

    Parameters
    ----------
    backend : str
        What Keras calculates with.
    versions : dict of str to str
        Of Keras and the backend.
    cores : int
        Of the processor, as many as this process may use.
    gpus : tuple of Gpu
        Those that the backend sees.
    policy : str
        Of precision: Keras' own, or the model's.
    xla : str
        Whether steps are compiled by XLA, and why.
    layers : tuple of RecurrentLayer
        Of the model; none without one.

    Attributes
    ----------
    fast : bool
        Whether all recurrent layers run on cuDNN, or would if there were a GPU.
    """

    backend: str
    versions: dict
    cores: int
    gpus: tuple
    policy: str
    xla: str
    layers: tuple

    @property
    def fast(self):
        """Whether all recurrent layers run on cuDNN, or would if there were a GPU."""
        return all(layer.verdict.fast for layer in self.layers)

    def table(self):
        """Lay out the recurrent layers.

        Returns
        -------
        pandas.DataFrame
            One row each: layer, kind, mask, on a GPU, why, instead.
        """
        rows = [
            (
                layer.name,
                layer.kind,
                layer.mask,
                layer.verdict.path,
                "; ".join(refusal.what for refusal in layer.verdict.refusals),
                "; ".join(r.instead for r in layer.verdict.refusals if r.instead),
            )
            for layer in self.layers
        ]
        return pd.DataFrame(rows, columns=list(_HEAD))

    def _lines(self):
        keras_version, own = self.versions["Keras"], self.versions[self.backend]
        gpus = [
            gpu.name + (f" ({gpu.memory:.0f} GB)" if gpu.memory else "")
            for gpu in self.gpus
        ]
        cores = f"{self.cores} processor core{'' if self.cores == 1 else 's'}"
        yield f"Keras {keras_version} on {self.backend} {own}, {self.policy}"
        yield f"{', '.join(gpus) or 'no GPU'}; {cores}"
        yield f"XLA: {self.xla}"
        if self.layers:
            fast = sum(layer.verdict.fast for layer in self.layers)
            verb = "run" if self.gpus else "would, on a GPU, run"
            yield f"{fast} of {len(self.layers)} recurrent layers {verb} on cuDNN"

    def __repr__(self):
        table = [self.table().to_string(index=False)] if self.layers else []
        return "\n".join([*self._lines(), *table])

    def _repr_html_(self):
        lines = "<br>".join(html.escape(line) for line in self._lines())
        table = self.table().to_html(index=False, border=0) if self.layers else ""
        return f"<p>{lines}</p>{table}"


def device_report(model=None, x=None):
    """Say what a training would run on, and which LSTM of a model is fast there.

    Nothing is trained, and the model stays as it is. Without a GPU it says what would
    be with one: Keras decides by the layer's arguments and by the mask that reaches it,
    so that a dry run tells.

    Parameters
    ----------
    model : keras.Model, optional
        Built. Layers within layers and models within models are found.
    x : array, or structure of arrays, optional
        Inputs of a batch, for the masks in it. By default the model is called with
        zeros, which shows where there are masks, not whether they are right-padded.

    Returns
    -------
    DeviceReport
        Of this process.

    Raises
    ------
    ArgumentError
        If it is no Keras model.

    Examples
    --------
    >>> import siamlab as sl
    >>> net = sl.networks.blstm_encoder(units=4, output_dim=3)
    >>> report = device_report(net)
    >>> report.fast, [layer.name for layer in report.layers][:1]
    (True, ['blstm_1'])
    """
    if model is not None and not isinstance(model, keras.layers.Layer):
        raise ArgumentError(
            f"model must be a keras.Model; got {type(model).__name__}. Leave it out "
            "for a report on the machine alone."
        )
    backend = keras.backend.backend()
    policy = keras.config.dtype_policy() if model is None else model.dtype_policy
    layers = () if model is None else _recurrent_layers(model, x)
    gpus = _gpus(backend)
    return DeviceReport(
        backend=backend,
        versions={
            "Keras": keras.__version__,
            backend: importlib.metadata.version(_PACKAGES[backend]),
        },
        cores=_cores(),
        gpus=gpus,
        policy=policy.name,
        xla=_xla(backend, gpus, model),
        layers=layers,
    )


def _cores():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpus(backend):
    if backend == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(gpu) for gpu in found]
        # TensorFlow tells what it has taken, not what there is.
        return tuple(Gpu(each.get("device_name", "GPU")) for each in details)
    if backend == "jax":
        import jax

        if jax.default_backend() == "cpu":
            return ()
        devices = jax.local_devices()
        limits = [(gpu.memory_stats() or {}).get("bytes_limit") for gpu in devices]
        return tuple(
            Gpu(gpu.device_kind, limit and limit / 1e9)
            for gpu, limit in zip(devices, limits, strict=True)
        )
    import torch

    properties = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return tuple(Gpu(each.name, each.total_memory / 1e9) for each in properties)


def _xla(backend, gpus, model):
    """Say what `compile(jit_compile="auto")` comes to."""
    if backend == "torch":
        return "no; PyTorch has none"
    if backend == "jax":
        return "yes; JAX compiles each step"
    fits = [name for name, layer in _walk(model) if not cudnn.refusals(layer)]
    if fits:
        with_gpu = f"no, as it cannot compile cuDNN, which {fits[0]} is for"
    elif model is not None and not all(
        layer.supports_jit for layer in model._flatten_layers()
    ):
        with_gpu = "no; a layer does not support it"
    else:
        with_gpu = "yes"
    if gpus:
        return with_gpu
    return f"no, without a GPU; with one: {with_gpu}"


def _walk(layer, path=()):
    """Recurrent layers in a layer, each once, with the names on the way."""
    return {id(each): (name, each) for name, each in _found(layer, path)}.values()


def _found(layer, path):
    if layer is None:
        return
    wrapped = getattr(layer, "forward_layer", layer)
    if isinstance(wrapped, keras.layers.RNN):
        yield "/".join(path) or layer.name, layer
        return
    for each in layer._layers:
        yield from _found(each, (*path, each.name))


def _recurrent_layers(model, x):
    found = list(_walk(model))
    masks = _masks(model, [layer for _, layer in found], x)
    rows = []
    for (name, layer), mask in zip(found, masks, strict=True):
        kind = " ".join(dict.fromkeys(type(each).__name__ for each in _kinds(layer)))
        verdict = cudnn.decide(layer, mask=_SUPPOSED.get(mask, mask))
        rows.append(RecurrentLayer(name, kind, mask, verdict))
    return tuple(rows)


def _kinds(layer):
    pair = cudnn.directions(layer)
    return pair if len(pair) == 1 else (layer, *pair)


def _masks(model, layers, x):
    """Kind of mask that reaches each layer; the worst over all of its calls."""
    kinds: dict = {}

    def noting(layer, loop):
        def inner_loop(sequences, initial_state, mask, training=False):
            array = (
                None if mask is None else ops.convert_to_numpy(tree.flatten(mask)[0])
            )
            kinds.setdefault(id(layer), []).append(cudnn.mask_kind(array))
            return loop(sequences, initial_state, mask, training=training)

        return inner_loop

    with untouched(model), contextlib.ExitStack() as stack:
        for layer in layers:
            for each in cudnn.directions(layer):
                # Where Keras decides, too. A Bidirectional that JAX or PyTorch run in
                # one piece does not come by: it has no mask.
                loop = noting(each, each.inner_loop)
                object.__setattr__(each, "inner_loop", loop)
                stack.callback(object.__delattr__, each, "inner_loop")
        called = [part(inputs, training=False) for part, inputs in _calls(model, x)]
    return [_worst(layer, kinds, x, called) for layer in layers]


def _worst(layer, kinds, x, called):
    pair = cudnn.directions(layer)
    found = [kind for each in pair for kind in kinds.get(id(each), ())]
    if not called or (not found and len(pair) == 1):
        return "unknown"
    mask = max(found, key=cudnn.MASKS.index, default="none")
    return "some" if x is None and mask != "none" else mask


def _calls(model, x):
    """Yield the model with x, or each of its functional parts with zeros."""
    if x is not None:
        yield model, tree.map_structure(ops.convert_to_tensor, x)
    elif getattr(model, "inputs", None):
        one = isinstance(model, keras.Sequential)
        inputs = model.inputs[0] if one else model.input
        yield model, tree.map_structure(_zeros, inputs)
    else:
        for layer in model._layers:
            yield from _calls(layer, None)


def _zeros(tensor):
    shape = [size or (2 if axis == 0 else 8) for axis, size in enumerate(tensor.shape)]
    return ops.zeros(shape, dtype=tensor.dtype)
