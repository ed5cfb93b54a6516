"""Segments of a fixed length from spectrograms of any length."""

import numpy as np

from ..errors import ArgumentError
from ._arguments import check_minimum


def segment(array, n_frames, rng):
    """Cut a segment at a random position.

    Random positions matter: a network that is trained only on the first frames of
    recordings learns how recordings begin (fault S27, `docs/doctor.md#s27`).

    Parameters
    ----------
    array : numpy.ndarray
        Shape (time, mel). Repeated if it is shorter than a segment.
    n_frames : int
        Length of the segment in frames.
    rng : numpy.random.Generator
        Random generator for the position.

    Returns
    -------
    numpy.ndarray
        Shape (n_frames, mel).

    Raises
    ------
    ArgumentError
        If the array is empty.

    Examples
    --------
    >>> segment(np.zeros((100, 128)), 40, np.random.default_rng(0)).shape
    (40, 128)
    """
    start = random_start(len(array), n_frames, rng)
    return repeat(array, n_frames)[start : start + n_frames]


def segments(array, n_frames, hop_frames=None):
    """Cut a spectrogram into segments of the same length.

    Parameters
    ----------
    array : numpy.ndarray
        Shape (time, mel). Repeated if it is shorter than a segment.
    n_frames : int
        Length of a segment in frames.
    hop_frames : int, optional
        Distance between the starts of adjacent segments; by default `n_frames`, so that
        segments do not overlap.

    Returns
    -------
    numpy.ndarray
        A view of shape (segments, time, mel). An incomplete segment at the end is
        dropped.

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
    check_minimum(n_frames=(n_frames, 1), hop_frames=(hop_frames, 1))
    array = repeat(array, n_frames)
    windows = np.lib.stride_tricks.sliding_window_view(array, n_frames, axis=0)
    return windows[::hop_frames].transpose(0, 2, 1)


def random_start(length, n_frames, rng):
    """Draw the first frame of a segment in a recording of `length` frames."""
    return rng.integers(max(length - n_frames, 0) + 1)


def repeat(array, n_frames):
    """Repeat an array that is shorter than a segment until it has `n_frames`."""
    if not len(array):
        raise ArgumentError(f"array must have at least one frame; got {array.shape}")
    if len(array) >= n_frames:
        return array
    return np.resize(array, (n_frames, *array.shape[1:]))
