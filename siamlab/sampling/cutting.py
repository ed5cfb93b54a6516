"""Stretches of a fixed length."""

import numpy as np

from ..errors import ArgumentError


def long_enough(array, frames):
    """Repeat a recording that is shorter than a segment until it is one."""
    if len(array) >= frames:
        return array
    if not len(array):
        raise ArgumentError(
            f"there is nothing to cut segments from; got shape {array.shape}"
        )
    return np.tile(array, (-(-frames // len(array)), 1))[:frames]


def segment(array, n_frames, rng):
    """Cut a stretch of a spectrogram at a random place.

    Parameters
    ----------
    array : numpy.ndarray
        Shape (frames, bands). A shorter one than asked for is repeated.
    n_frames : int
        Length of the stretch.
    rng : numpy.random.Generator
        Draws the place: always the first 0.4 s would teach how people begin
        (FAULTS S27).

    Returns
    -------
    numpy.ndarray
        Shape (frames, bands).

    Raises
    ------
    ArgumentError
        If the array is empty.

    Examples
    --------
    >>> segment(np.zeros((100, 128)), 40, np.random.default_rng(0)).shape
    (40, 128)
    """
    return stretch(array, draw_place(len(array), n_frames, rng), n_frames)


def draw_place(length, frames, rng):
    """Draw where a segment begins in a recording of so many frames."""
    return rng.integers(max(length - frames, 0) + 1)


def stretch(array, first, frames):
    """Cut out `frames` frames from the first one on."""
    return long_enough(array, frames)[first : first + frames]


def segments(array, n_frames, hop_frames=None):
    """Cut a spectrogram into stretches of the same length.

    Parameters
    ----------
    array : numpy.ndarray
        Shape (frames, bands). A shorter one than a segment is repeated.
    n_frames : int
        Length of a stretch.
    hop_frames : int, optional
        From one to the next; `n_frames` by default, so that they do not overlap.

    Returns
    -------
    numpy.ndarray
        A view of shape (segments, frames, bands). What is left at the end is not
        in it.

    Raises
    ------
    ArgumentError
        If the array is empty, or a number is below 1.

    Examples
    --------
    >>> segments(np.zeros((100, 128)), 40).shape, segments(np.zeros((7, 128)), 40).shape
    ((2, 40, 128), (1, 40, 128))
    """
    hop_frames = n_frames if hop_frames is None else hop_frames
    for name, value in (("frames", n_frames), ("hop", hop_frames)):
        if value < 1:
            raise ArgumentError(f"{name} must be at least 1; got {value}")
    array = long_enough(array, n_frames)
    windows = np.lib.stride_tricks.sliding_window_view(array, n_frames, axis=0)
    return windows[::hop_frames].transpose(0, 2, 1)
