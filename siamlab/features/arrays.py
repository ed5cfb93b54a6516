"""Arrays of shape (time, mel), one per utterance, in memory or in files.

- `Arrays`: in memory.
- `StoredArrays`: in ``.npy`` files, of which only the requested frames are read.
"""

import numpy as np

from ..errors import StorageError

# Of a .npy file whose array has two axes. NumPy pads the header to a multiple of 64.
HEADER_BYTES = 128
# Integers count hundredths of a decibel.
STEPS_PER_DB = 100


class Arrays:
    """One array per utterance, in memory.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Shape (time, mel) each.
    """

    def __init__(self, arrays):
        self._arrays = arrays

    def __len__(self):
        return len(self._arrays)

    def __getitem__(self, index):
        return self._arrays[index]

    @property
    def lengths(self):
        """Number of frames of each utterance, shape (utterances,)."""
        return np.array([len(self[i]) for i in range(len(self))], dtype=int)

    def cut(self, index, first, n_frames):
        """Return `n_frames` frames of one utterance, from frame `first` on."""
        return self[index][first : first + n_frames]

    def take(self, rows):
        """Return the utterances at some positions."""
        return Arrays([self[i] for i in rows])


class StoredArrays(Arrays):
    """One array per utterance, in ``.npy`` files that hold one or more of them.

    Each access opens a file, reads the frames and closes the file, so neither memory
    usage nor the number of open files grows with the corpus.

    Parameters
    ----------
    paths : sequence of str
        The file of each utterance. It holds an array of shape (frames, n_bins).
    first : array_like of int
        First frame of each utterance within its file, shape (utterances,).
    lengths : array_like of int
        Number of frames of each utterance, shape (utterances,).
    n_bins : int
        Size of the last axis.
    dtype : str
        "<f4" for decibels, "<i2" for hundredths of a decibel.
    """

    def __init__(self, paths, first, lengths, n_bins, dtype):
        self._paths = np.asarray(paths, dtype=object)
        self._first = np.asarray(first, dtype=np.int32)
        self._lengths = np.asarray(lengths, dtype=np.int32)
        self._n_bins, self._dtype = n_bins, np.dtype(dtype)

    def __len__(self):
        return len(self._lengths)

    def __getitem__(self, index):
        return self.cut(index, 0, self._lengths[index])

    @property
    def lengths(self):
        """Number of frames of each utterance, shape (utterances,)."""
        return self._lengths

    def cut(self, index, first, n_frames):
        """Read `n_frames` frames of one utterance, from frame `first` on."""
        start, stop, _ = slice(first, first + n_frames).indices(self._lengths[index])
        n_frames = max(stop - start, 0)
        frame_bytes = self._n_bins * self._dtype.itemsize
        offset = HEADER_BYTES + (int(self._first[index]) + start) * frame_bytes
        path = self._paths[index]
        try:
            # Without a buffer: half the time of numpy.fromfile for a segment.
            with open(path, "rb", buffering=0) as file:
                file.seek(offset)
                content = file.read(n_frames * frame_bytes)
            frames = np.frombuffer(content, self._dtype)
            frames = frames.reshape(n_frames, self._n_bins)
        except (OSError, ValueError) as error:  # ValueError: too few values
            reason = getattr(error, "strerror", "it is too short")
            raise StorageError(
                f"cannot read {path} ({reason}); if it is missing or damaged, call "
                "siamlab.extract again"
            ) from error
        is_integer = self._dtype.kind == "i"
        return frames / np.float32(STEPS_PER_DB) if is_integer else frames

    def take(self, rows):
        """Return the utterances at some positions."""
        paths, first, lengths = self._paths[rows], self._first[rows], self.lengths[rows]
        return StoredArrays(paths, first, lengths, self._n_bins, self._dtype)
