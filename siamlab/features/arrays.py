"""Where the arrays of a corpus lie: in memory, or on disk."""

import threading
import weakref

import numpy as np

# Of arrays that travel to a worker at a time.
_PIECE_BYTES = 4 * 2**20
# An open map costs an entry in a table of the system, which holds 65,530.
_MOST_OPEN = 16384
# The limit of open files is the process's, whose training and validation set share it.
_WITH_FILES: weakref.WeakSet = weakref.WeakSet()
_MAKING_ROOM = threading.Lock()


class Arrays:
    """Arrays of shape (frames, bands), float32, one for each utterance.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        In memory, or made when they are asked for.
    """

    def __init__(self, arrays):
        self._arrays = arrays

    def __len__(self):
        return len(self._arrays)

    def __getitem__(self, index):
        return self._arrays[index]

    @property
    def lengths(self):
        """Frames of each, shape (utterances,)."""
        return np.array([len(self[i]) for i in range(len(self))], dtype=int)

    def cut(self, index, first, frames):
        """Return a stretch of one; what lies outside of it is not read."""
        return self[index][first : first + frames]

    def take(self, rows):
        """Return those at some positions."""
        return Chosen(self, rows)

    def pieces(self):
        """Deal the rows into pieces for workers; yields the positions of each."""
        size = self.lengths * np.shape(self[0])[-1] * 4
        number = (np.cumsum(size) - size) // _PIECE_BYTES
        yield from np.split(np.arange(len(self)), np.flatnonzero(np.diff(number)) + 1)

    def sent(self, rows):
        """Return some of them as they travel to a worker."""
        return [np.asarray(self[i]) for i in rows]


class Chosen(Arrays):
    """Some of the arrays of another."""

    def __init__(self, arrays, rows):
        self._arrays = arrays
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return self._arrays[int(self._rows[index])]

    @property
    def lengths(self):
        """Frames of each, shape (utterances,)."""
        return self._arrays.lengths[self._rows]

    def cut(self, index, first, frames):
        """Return a stretch of one."""
        return self._arrays.cut(int(self._rows[index]), first, frames)

    def take(self, rows):
        """Return those at some positions."""
        return self._arrays.take(self._rows[rows])


class Mapped(Arrays):
    """Arrays in a `_files.Kept`, mapped on first use.

    Parameters
    ----------
    kept : _files.Kept
        Where they are.
    keys : sequence of str
        Of each.
    lengths : sequence of int
        Frames of each.
    """

    def __init__(self, kept, keys, lengths):
        self._kept = kept
        self._keys = keys
        self._lengths = np.asarray(lengths, dtype=int)
        self._open = OpenFiles(kept.open)

    def __len__(self):
        return len(self._keys)

    def __getitem__(self, index):
        return self._open[self._keys[index]]

    @property
    def lengths(self):
        """Frames of each, shape (utterances,)."""
        return self._lengths


class OpenFiles:
    """Files that are open or mapped: of all, not more than a process may have.

    Parameters
    ----------
    opened : callable
        Opens one by its name.
    """

    def __init__(self, opened):
        self._opened = opened
        self._open = {}

    def __getitem__(self, name):
        file = self._open.get(name)
        if file is None:
            with _MAKING_ROOM:
                _make_room()
                _WITH_FILES.add(self)
            file = self._open[name] = self._opened(name)
        return file

    def __reduce__(self):
        return type(self), (self._opened,)


def _make_room():
    """Close all files, where one more would be too many."""
    # A map holds its file open, too: of 1,024 that most systems allow, half are left
    # to the rest of the program.
    most = min(_MOST_OPEN, _open_files() // 2)
    if sum(len(each._open) for each in _WITH_FILES) < most:
        return
    for each in _WITH_FILES:
        each._open.clear()


def _open_files():
    """How many files this process may have open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 2 * _MOST_OPEN
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * _MOST_OPEN if soft == resource.RLIM_INFINITY else soft
