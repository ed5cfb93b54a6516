"""Loading a saved network.

- `load_model`: a network with siamlab's layers, losses and metrics.
"""

import os

import keras

# Importing them registers their classes, so that Keras finds them by name.
from .. import layers, losses, networks  # noqa: F401
from ..errors import StorageError
from ..metrics import EER  # noqa: F401

__all__ = ["load_model"]


def load_model(path, *, compile=True):
    """Load a network that ``model.save`` wrote.

    `keras.saving.load_model` does the same after ``import siamlab.networks``. Here
    siamlab's metrics are known too, and a file that cannot be loaded is reported with
    a reason. Keras' safe mode is on: no code from the file is run.

    Parameters
    ----------
    path : str or os.PathLike
        A file with the extension ``.keras``.
    compile : bool
        Whether to restore the loss, the metrics and the optimizer with its state.

    Returns
    -------
    keras.Model
        The network, ready to predict or to continue training.

    Raises
    ------
    StorageError
        If the file does not exist, is damaged, runs code of its own (a Lambda layer)
        or needs a class that is not imported.

    Examples
    --------
    >>> import tempfile
    >>> net = networks.blstm_encoder(n_mels=8, units=2, output_dim=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/net.keras")
    ...     again = load_model(f"{folder}/net.keras")
    >>> again.output_shape
    (None, 4)
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise StorageError(
            f"{path} does not exist; expected a file that model.save wrote"
        )
    try:
        return keras.saving.load_model(path, compile=compile, safe_mode=True)
    except Exception as error:  # a damaged archive raises one of many
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise StorageError(
            f"{path} cannot be loaded ({reason}). If it uses classes of your own, "
            "import them first; if it has a Lambda layer, replace it by a registered "
            "layer; otherwise the file is damaged: save the model again, or copy the "
            "file again"
        ) from error
