"""Loading a saved model without trusting the file."""

import os
import pathlib
import warnings
import zipfile

import keras

from ..errors import ArgumentError
from ..training import saving  # noqa: F401  registers those of siamlab
from .arrays import first_line

# Weights are compressed to a tenth at best.
_MAX_UNPACKED_BYTES, _MAX_RATIO = 2**28, 100


def load(path, unsafe=False):
    """Load a model, with its loss if that is possible.

    Parameters
    ----------
    path : str or os.PathLike
        As `keras.Model.save` wrote it.
    unsafe : bool
        Load Lambda layers, which run code from the file.

    Returns
    -------
    keras.Model

    Raises
    ------
    ArgumentError
        If it cannot be loaded; says why.
    """
    if not pathlib.Path(path).is_file():
        raise ArgumentError(f"there is no file {path}; save it with model.save")
    if zipfile.is_zipfile(path):  # and not the .h5 of Keras 2, which has no checksums
        check_zip(path)
    for compiled in (True, False):
        try:
            with warnings.catch_warnings():
                # A model that was saved before its first training step.
                warnings.filterwarnings("ignore", "Skipping variable loading")
                return keras.saving.load_model(
                    path, compile=compiled, safe_mode=False if unsafe else None
                )
        except Exception as error:
            reason = str(error)
    hint = "import the file that defines its layers with --import FILE.py"
    if "ambda" in reason and not unsafe:
        hint = "its Lambda layers run code from the file; allow them with --unsafe"
    raise ArgumentError(
        f"{path} cannot be loaded: {hint}. Keras says: {first_line(reason)}"
    )


def check_zip(path):
    """Refuse a ZIP archive that is damaged, or that would fill the memory.

    Not every library that reads archives compares checksums.
    """
    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            too_large = unpacked > max(_MAX_UNPACKED_BYTES, _MAX_RATIO * size)
            damaged = None if too_large else archive.testzip()
    except Exception as error:  # a damaged archive raises one of many
        raise ArgumentError(f"{path} is damaged ({error}); copy it again") from error
    if too_large:
        raise ArgumentError(
            f"{path} would unpack from {size:,} to {unpacked:,} bytes; it may have "
            "been made to fill the memory, and is not opened"
        )
    if damaged is not None:
        raise ArgumentError(
            f"{path} is damaged: the checksum of {damaged} is wrong; copy it again"
        )
