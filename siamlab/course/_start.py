"""Preparing a notebook."""

__all__ = ["start"]


def start(seed=0):
    """Prepare a notebook: figure style, random seeds, TensorFlow without its messages.

    Call it in the first cell, before ``import keras``.

    Parameters
    ----------
    seed : int
        Seed for Python, NumPy and Keras.

    Examples
    --------
    >>> import siamlab as sl
    >>> sl.course.start(seed=0)
    >>> import keras
    """
    from .. import plots
    from ..training import quiet_tensorflow

    plots.style()
    quiet_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
