"""Loading a saved network.

- `load_model`: load a network with siamlab's layers, losses and metrics.
"""

import os

import keras

# Importing these modules registers their classes, so that Keras finds them by name.
from .. import layers, losses, networks  # noqa: F401
from ..errors import StorageError
from ..metrics import EER  # noqa: F401


def load_model(path, *, compile=True):
    """Load a network that was saved with ``model.save``.

    Unlike `keras.saving.load_model`, this function registers siamlab's layers, losses
    and metrics, and gives a reason if a file cannot be loaded. Keras' safe mode is on:
    no code from the file is run.

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
        If the file does not exist, is damaged, contains code (a Lambda layer), or needs
        a class that has not been imported.

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
            f"{path} does not exist; expected a file written by model.save"
        )
    try:
        return keras.saving.load_model(path, compile=compile, safe_mode=True)
    except Exception as error:  # a damaged archive raises many kinds
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise StorageError(
            f"{path} cannot be loaded ({reason}). If it uses custom classes, import "
            "them first. If it has a Lambda layer, replace it with a registered layer. "
            "Otherwise the file is damaged: copy it again, or delete it to start again"
        ) from error
