"""Exceptions, one class per kind of problem.

Every error that siamlab raises on purpose derives from `SiamlabError`. Its message
says what was expected, what was received and what to do.

- `ArgumentError`: an argument is out of range or has the wrong shape.
- `AudioError`: a recording cannot be read or is too short.
- `CorpusError`: a folder or table does not contain the expected corpus.
- `StorageError`: a stored file is missing, damaged or cannot be written.
- `WorkerError`: workers died, are unreachable, or run another version of siamlab.
"""

__all__ = [
    "ArgumentError",
    "AudioError",
    "CorpusError",
    "SiamlabError",
    "StorageError",
    "WorkerError",
]


class SiamlabError(Exception):
    """Base class of all errors that siamlab raises on purpose."""


class ArgumentError(SiamlabError, ValueError):
    """An argument is out of range or has the wrong shape."""


class AudioError(SiamlabError):
    """A recording cannot be read or is too short.

    Parameters
    ----------
    path : str or os.PathLike
        The recording.
    reason : str
        What is wrong with the recording, and what to do.
    """

    def __init__(self, path, reason):
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.reason = reason

    def __reduce__(self):
        # An exception is pickled with its message; this one takes two arguments.
        return type(self), (self.path, self.reason)


class CorpusError(SiamlabError):
    """A folder or table does not contain the expected corpus."""


class StorageError(SiamlabError):
    """A stored file is missing, damaged or cannot be written."""


class WorkerError(SiamlabError):
    """Workers died, are unreachable, or run another version of siamlab."""
