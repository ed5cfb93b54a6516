"""Arrays of shape (time, mel) in ``.npy`` files.

- `StoredArray`: one array, of which only the requested frames are read.
"""

import dataclasses

import numpy as np

from ..errors import StorageError

# Of a .npy file whose array has two axes. NumPy pads the header to a multiple of 64.
HEADER_BYTES = 128
# Integers count hundredths of a decibel.
STEPS_PER_DB = 100


@dataclasses.dataclass(slots=True)
class StoredArray:
    """The array of one utterance, in a ``.npy`` file that holds one or more of them.

    ``array[10:50]`` reads 40 frames, and ``array[:]`` all of them; slices have no step.
    Each access opens the file, reads the frames and closes the file, so neither memory
    usage nor the number of open files grows with the corpus.

    Parameters
    ----------
    path : str
        The file. It holds an array of shape (frames, n_bins).
    first : int
        First frame of the utterance within the file.
    n_frames : int
        Number of frames of the utterance.
    n_bins : int
        Size of the last axis.
    dtype : numpy.dtype
        "<f4" for decibels, "<i2" for hundredths of a decibel.
    """

    path: str
    first: int
    n_frames: int
    n_bins: int
    dtype: np.dtype

    def __len__(self):
        return self.n_frames

    def __getitem__(self, frames):
        start, stop, _ = frames.indices(self.n_frames)
        n_frames = max(stop - start, 0)
        frame_bytes = self.n_bins * self.dtype.itemsize
        try:
            # Without a buffer: half the time of numpy.fromfile for a segment.
            with open(self.path, "rb", buffering=0) as file:
                file.seek(HEADER_BYTES + (self.first + start) * frame_bytes)
                content = file.read(n_frames * frame_bytes)
            values = np.frombuffer(content, self.dtype).reshape(n_frames, self.n_bins)
        except (OSError, ValueError) as error:  # ValueError: too few values
            reason = getattr(error, "strerror", "it is too short")
            raise StorageError(
                f"cannot read {self.path} ({reason}); if it is missing or damaged, "
                "call siamlab.extract again"
            ) from error
        is_integer = self.dtype.kind == "i"
        return values / np.float32(STEPS_PER_DB) if is_integer else values
