"""Import of TensorFlow and Keras without TensorFlow's startup messages.

- `quiet_tensorflow`: import both silently.
"""

import contextlib
import os


def quiet_tensorflow():
    """Import Keras and TensorFlow without TensorFlow's startup messages.

    Call it before the first import of Keras. If ``TF_CPP_MIN_LOG_LEVEL`` is already
    set, it is not changed.

    `siamlab.course.start` and the command line call it.

    Notes
    -----
    TensorFlow writes these messages to file descriptor 2, not to `sys.stderr`. During
    the import, this descriptor is redirected to the null device. Python exceptions are
    raised as usual.

    Examples
    --------
    >>> quiet_tensorflow()
    >>> import keras
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with discard_output(descriptor=2):
        import keras
        import tensorflow  # noqa: F401  on JAX, Keras imports it for its data sets

        # Not on JAX, which cannot join other processes after its first tensor.
        if keras.backend.backend() == "tensorflow":
            keras.ops.zeros(())  # prints the last messages


@contextlib.contextmanager
def discard_output(descriptor):
    """Redirect a file descriptor to the null device."""
    saved = os.dup(descriptor)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
