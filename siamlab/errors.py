"""What can go wrong, one class per kind.

Every error that siamlab raises on purpose derives from `SiamlabError`; its
sentence says what was expected, what came, and what to do.

- `ArgumentError`: an argument is out of range or of the wrong shape.
- `AudioError`: a recording cannot be read, or holds nothing to work on.
- `CorpusError`: a folder or a table is not the corpus that was expected.
- `NotFittedError`: `transform` before `fit`.
- `StorageError`: a kept file is damaged or cannot be written.
- `WorkerError`: workers of a cluster or of a training are lost or not alike.
"""

__all__ = [
    "ArgumentError",
    "AudioError",
    "CorpusError",
    "NotFittedError",
    "SiamlabError",
    "StorageError",
    "WorkerError",
]


class SiamlabError(Exception):
    """Root of all errors that siamlab raises on purpose."""


class ArgumentError(SiamlabError, ValueError):
    """An argument is out of range or of the wrong shape."""


class AudioError(SiamlabError):
    """A recording cannot be read, or holds nothing to work on.

    Parameters
    ----------
    path : str or os.PathLike
        The recording.
    reason : str
        What is wrong with it, and what to do.
    """

    def __init__(self, path, reason):
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.reason = reason

    def __reduce__(self):
        # Exceptions pickle their message; ours is made of two parts.
        return type(self), (self.path, self.reason)


class CorpusError(SiamlabError):
    """A folder or a table is not the corpus that was expected."""


class NotFittedError(SiamlabError):
    """`transform` or `inverse` was called before `fit`."""


class StorageError(SiamlabError):
    """A kept file is damaged or cannot be written."""


class WorkerError(SiamlabError):
    """Workers of a cluster or of a training are lost, or not like the others."""
