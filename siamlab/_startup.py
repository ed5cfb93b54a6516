"""What has to happen around the import of TensorFlow and of Keras.

Three promises cannot be kept from inside siamlab's own modules, because a person
may well write ``import keras`` first and touch siamlab later:

- TensorFlow's start-up lines, which its C++ part writes straight to file
  descriptor 2, never reach a notebook;
- `keras.saving.load_model` opens a saved siamlab network after nothing more than
  ``import siamlab``, although that import loads no Keras;
- TensorFlow keeps the memory of a training step on a CPU for the next one.

So `install` puts one finder in front of the import system. It steps aside for
every module but these two, and for good once both were seen.
"""

import contextlib
import importlib.util
import os
import sys

__all__ = ["install", "quiet_start"]


@contextlib.contextmanager
def quiet_start(descriptor=2):
    """Send a file descriptor to nowhere for a while: 1 is output, 2 is errors.

    Python's own exceptions are not affected: they travel as exceptions.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        saved = os.dup(descriptor)
    except OSError:  # a process without a standard error has no noise either
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
        os.close(nowhere)


# Settings that TensorFlow reads when it starts; a person's own come first.
_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Its own allocator keeps what a step gives back. That of the C library returns
    # large tensors to the system, which hands out zeroed pages for the next step:
    # a quarter of the time on one core, a third on two (benchmarks/README.md).
    "TF_CPU_ALLOCATOR_USE_BFC": "1",
    # As good as none; by default 64 GB, on whatever machine.
    "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(2**24),
}


def _exec_tensorflow(loader, module):
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with quiet_start():
        loader.exec_module(module)
        # The last start-up lines come with the first tensor.
        module.constant(0.0)


def _exec_keras(loader, module):
    loader.exec_module(module)
    _register()


def _register():
    # Importing them registers their classes with Keras. One of ours may be half
    # loaded here, because it asked for Keras: so they import each other as modules,
    # whose names are looked up when they are needed.
    from . import layers, losses, networks, posts  # noqa: F401
    from .metrics import running  # noqa: F401


_EXEC = {"tensorflow": _exec_tensorflow, "keras": _exec_keras}


class _Loader:
    def __init__(self, loader, exec_module):
        self._loader = loader
        self._exec = exec_module

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        # From here on the module is an ordinary one.
        module.__loader__ = module.__spec__.loader = self._loader
        self._exec(self._loader, module)


class _Finder:
    """Finds `tensorflow` and `keras` once each, and wraps their loader."""

    def __init__(self):
        self._waiting = {name for name in _EXEC if name not in sys.modules}

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self._waiting:
            return None
        self._waiting.discard(fullname)  # so that the search below passes us by
        if not self._waiting and self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, _EXEC[fullname])  # type: ignore[assignment]
        return spec


def install():
    """Watch for the import of TensorFlow and Keras; done once, by siamlab itself."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder())
    if "keras" in sys.modules:
        _register()
