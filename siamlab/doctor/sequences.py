"""Utterances and their labels in a batch: lengths, padding, and true labels.

- `find_roles`: the role of each array of a batch.
- `constant_ends`: the frames before or behind an utterance that are padding.
- `true_labels`: labels without their padding.
"""

import numpy as np
from keras import tree

from .arrays import flatten, is_matrix, is_whole


def find_roles(x, y):
    """Find the role of each array of a batch from its shape and its values.

    Returns
    -------
    place : int or None
        Number of the spectrogram or the sound, the largest array of the inputs.
    labels : numpy.ndarray or None
        From the inputs if there are any, otherwise from y.
    input_lengths, label_lengths : numpy.ndarray or None
        Whole numbers, one for each utterance.
    """
    arrays = enumerate(tree.flatten(x))
    inputs = [(i, a) for i, a in arrays if isinstance(a, np.ndarray) and a.ndim]
    deep = [each for each in inputs if each[1].ndim >= 3]
    deep = deep or [(i, a) for i, a in inputs if a.ndim == 2 and not is_whole(a)]
    if not deep:
        return None, None, None, None
    place, signal = max(deep, key=lambda each: each[1].size)
    n, n_frames = signal.shape[:2]
    of_x = [a for i, a in inputs if i != place and len(a) == n]
    of_y = [a for a in flatten((y,)) if a.ndim and len(a) == n]
    labels = _find_labels(of_x, of_y, n_frames)
    lengths = [
        a
        for a in (*of_x, *of_y)
        # A target that is not used is all zeros.
        if a is not labels and a.size == n and a.any() and is_whole(a)
    ]
    return place, labels, *_length_roles(lengths, labels)


def _find_labels(of_x, of_y, n_frames):
    whole_x, whole_y = (
        [a for a in arrays if is_matrix(a) and is_whole(a)] for arrays in (of_x, of_y)
    )
    masks = [a for a in whole_x if a.shape[1] == n_frames and np.isin(a, (0, 1)).all()]
    found = [a for a in whole_x if a.shape[1] > 1 and not any(a is m for m in masks)]
    found += [a for a in whole_y if a.shape[1] > 1]
    found += [a for a in of_y if a.ndim == 3]
    found += whole_y if len(of_y) == 1 else []
    return found[0] if found else None


def constant_ends(spectrogram, least=3):
    """Find the frames at the ends of utterances that do not change: the padding.

    Sound never repeats a frame exactly, padding does. An utterance that is constant
    throughout has no padding: it is silence.

    Parameters
    ----------
    spectrogram : numpy.ndarray
        Shape (batch, time, bands).
    least : int
        Number of equal frames that make padding; one is enough if its value pads
        another utterance.

    Returns
    -------
    numpy.ndarray
        Booleans, shape (batch, time).
    """
    s = np.asarray(spectrogram, np.float64)
    s = np.where(np.isfinite(s), s, np.median(s[np.isfinite(s)]))
    behind = _constant_run(s, least)
    before = _constant_run(s[:, ::-1], least)[:, ::-1]
    # A batch is padded on one side only: the one that explains more.
    return behind if behind.sum() >= before.sum() else before


def _constant_run(s, least):
    n_frames = s.shape[1]
    tolerance = 1e-6 * max(float(np.ptp(s)), 1e-30)
    same = (np.abs(s - s[:, -1:]) <= tolerance).all(axis=2)
    run = np.where(same.all(axis=1), n_frames, np.argmin(same[:, ::-1], axis=1))
    run = np.where(run == n_frames, 0, run)
    pads = [s[i, -1] for i in np.flatnonzero(run >= least)]
    for i in np.flatnonzero((run > 0) & (run < least)):
        if not any((np.abs(s[i, -1] - pad) <= tolerance).all() for pad in pads):
            run[i] = 0
    return np.arange(n_frames) >= n_frames - run[:, None]


def ends_labels(lengths, labels):
    """Return whether one and the same value, the padding, stands behind the lengths."""
    lengths = np.asarray(lengths).reshape(-1).astype(int)
    if (lengths < 0).any() or (lengths > labels.shape[1]).any():
        return False
    behind = labels[np.arange(labels.shape[1]) >= lengths[:, None]]
    if not len(behind):
        return True
    within = labels[np.arange(labels.shape[1]) < lengths[:, None]]
    pad = behind[0]
    return bool((behind == pad).all()) and float(np.mean(within == pad)) < 0.5


def true_labels(labels, lengths=None):
    """Remove the padding of labels.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (batch, labels).
    lengths : array, optional
        How many are true. Without them, labels end at the first negative one, or else
        before a value greater than all others that occurs at the ends only, or else
        before zeros at the end.

    Returns
    -------
    list of numpy.ndarray
        Integers, one array for each utterance.
    """
    labels = np.asarray(np.round(labels)).astype(int)
    if lengths is not None:
        lengths = np.asarray(lengths).reshape(-1).astype(int)
        return [row[:n] for row, n in zip(labels, np.maximum(lengths, 0), strict=True)]
    if (labels < 0).any():
        return [row[: np.argmax(np.append(row, -1) < 0)] for row in labels]
    pad = labels.max()
    ends = [_n_trailing(row, pad) for row in labels]
    if max(ends) < 2 or sum(ends) != np.sum(labels == pad) or min(ends) == max(ends):
        pad = 0
    return [row[: len(row) - _n_trailing(row, pad)] for row in labels]


def _n_trailing(row, value):
    other = np.flatnonzero(row != value)
    return len(row) - (other[-1] + 1 if len(other) else 0)


def _length_roles(lengths, labels):
    """Tell the lengths of the inputs from those of the labels."""
    fits = [is_matrix(labels) and ends_labels(n, labels) for n in lengths]
    if not lengths:
        return None, None
    if len(lengths) == 1:
        return (None, lengths[0]) if fits[0] else (lengths[0], None)
    mean = [float(np.mean(n)) for n in lengths]
    # If both fit: there are fewer labels than frames.
    of_labels = min(range(len(lengths)), key=lambda i: (not fits[i], mean[i]))
    rest = [i for i in range(len(lengths)) if i != of_labels]
    return lengths[max(rest, key=lambda i: mean[i])], lengths[of_labels]


def in_frames(given, seen, n_frames, stride):
    """Return lengths in frames of the spectrogram, whichever frames they count.

    Parameters
    ----------
    given : numpy.ndarray
        As the program gives them, in frames of the spectrogram or of the outputs.
    seen : numpy.ndarray
        Frames before what looks like padding. It decides if both disagree.
    n_frames : int
        Of the spectrogram.
    stride : float
        Frames of the spectrogram for each output.
    """
    if len(given) != len(seen) or (given <= 0).any():
        return seen
    # The longest utterance fills the array.
    best = min(given, given * stride, key=lambda c: abs(c.max() - seen.max()))
    off = np.abs(best - seen)[(seen < n_frames) | (best == best.max())]
    if np.median(off) > max(2 * stride, 0.1 * n_frames):
        return seen
    return np.minimum(best, n_frames).astype(int)
