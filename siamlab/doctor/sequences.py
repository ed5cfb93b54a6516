"""Utterances and their labels in a batch: lengths, padding, and true labels.

- `Slot`, `find_slots`: the role of each array of a batch.
- `constant_ends`: the frames before or behind an utterance that are padding.
- `true_labels`: labels without their padding.
"""

import dataclasses

import numpy as np
from keras import tree

from .arrays import is_whole


@dataclasses.dataclass(frozen=True)
class Slot:
    """One array of a batch.

    Parameters
    ----------
    side : {"x", "y"}
        Inputs or targets.
    place : int
        Number of the array among those of that side.
    array : numpy.ndarray
        The array.
    columns : slice, optional
        If lengths are packed into one array with the labels: the columns of this part.
    """

    side: str
    place: int
    array: np.ndarray
    columns: slice | None = None

    def put(self, structure, array):
        """Return a structure with another array in this place."""
        leaves = tree.flatten(structure)
        if self.columns is not None:
            whole = leaves[self.place].copy()
            whole[:, self.columns] = array
            array = whole
        leaves[self.place] = array
        return tree.pack_sequence_as(structure, leaves)


def find_slots(x, y):
    """Find the role of each array of a batch from its shape and its values.

    Returns
    -------
    signal : Slot or None
        The spectrogram or the sound, the largest array of the inputs.
    labels : Slot or None
        From the inputs if there are any, otherwise from y.
    lengths : list of Slot
        Whole numbers, one for each utterance.
    """
    found = [
        Slot(side, i, leaf)
        for side, structure in (("x", x), ("y", y))
        if structure is not None
        for i, leaf in enumerate(tree.flatten(structure))
        if isinstance(leaf, np.ndarray) and leaf.ndim
    ]
    inputs = [s for s in found if s.side == "x"]
    deep = [s for s in inputs if s.array.ndim >= 3] or [
        s for s in inputs if s.array.ndim == 2 and not is_whole(s.array)
    ]
    signal = max(deep, key=lambda s: s.array.size, default=None)
    if signal is None:
        return None, None, []
    n, n_frames = signal.array.shape[:2]
    others = [s for s in found if s is not signal and len(s.array) == n]
    whole = [s for s in others if is_whole(s.array)]
    labels = _find_labels(others, whole, n_frames)
    lengths = [
        s
        for s in whole
        if s is not labels
        and (s.array.ndim == 1 or (s.array.ndim == 2 and s.array.shape[1] == 1))
        # A target that is not used is all zeros.
        and s.array.any()
    ]
    if labels is not None and not lengths:
        labels, lengths = _unpack(labels, n_frames)
    return signal, labels, lengths


def _find_labels(others, whole, n_frames):
    wide = [
        s
        for s in whole
        if s.array.ndim == 2 and s.array.shape[1] > 1 and not _is_mask(s, n_frames)
    ]
    of_x = [s for s in wide if s.side == "x"]
    if of_x:
        return of_x[0]
    of_y = [s for s in others if s.side == "y"]
    candidates = [s for s in of_y if s in wide]
    candidates += [s for s in of_y if s.array.ndim == 3]
    if len(of_y) == 1:
        candidates += [s for s in of_y if s.array.ndim == 2 and s in whole]
    return next(iter(candidates), None)


def _unpack(slot, n_frames):
    """Separate labels from lengths in their last two columns, or in their last one."""
    array = slot.array
    if array.ndim != 2 or array.shape[1] < 3 or not is_whole(array):
        return slot, []
    width = array.shape[1]
    labels = array[:, :-2]
    for of_labels, of_input in ((-1, -2), (-2, -1)):
        n, t = array[:, of_labels], array[:, of_input]
        if (
            width >= 4
            and (n > 0).all()
            and (t >= n).all()
            and (t <= n_frames).all()
            and float(np.median(t)) > labels.shape[1]
            and ends_labels(n, labels)
            and not labels[np.arange(labels.shape[1]) >= n[:, None]].clip(0).any()
        ):
            return _parts(slot, width - 2, (width + of_input, width + of_labels))
    last, rest = array[:, -1], array[:, :-1]
    # A constant last column may be a symbol for the end, unless it counts all frames.
    is_length = np.ptp(last) > 0 or last[0] == n_frames
    if is_length and (last <= n_frames).all() and last.min() > rest.max():
        return _parts(slot, width - 1, (width - 1,))
    return slot, []


def _parts(slot, width, columns):
    lengths = [
        Slot(slot.side, slot.place, slot.array[:, c : c + 1], slice(c, c + 1))
        for c in columns
    ]
    part = slice(0, width)
    return Slot(slot.side, slot.place, slot.array[:, part], part), lengths


def _is_mask(slot, n_frames):
    array = slot.array
    return (
        slot.side == "x"
        and array.shape[1] == n_frames
        and (array.dtype == bool or bool(np.isin(array, (0, 1)).all()))
    )


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
        before zeros at the end, or else before a value greater than all others that
        occurs at the ends only.

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
    pad = 0
    if not (labels[:, -1] == 0).any():
        pad = labels.max()
        ends = [_n_trailing(row, pad) for row in labels]
        if (
            max(ends) < 2
            or sum(ends) != np.sum(labels == pad)
            or min(ends) == max(ends)
        ):
            return list(labels)
    return [row[: len(row) - _n_trailing(row, pad)] for row in labels]


def _n_trailing(row, value):
    other = np.flatnonzero(row != value)
    return len(row) - (other[-1] + 1 if len(other) else 0)


def length_roles(lengths, labels):
    """Tell the lengths of the inputs from those of the labels.

    Parameters
    ----------
    lengths : list of Slot
        All lengths of the batch.
    labels : Slot or None
        The labels.

    Returns
    -------
    tuple of (Slot or None, Slot or None)
        Of the inputs, of the labels.
    """
    if not lengths:
        return None, None
    array = labels.array if labels is not None and labels.array.ndim == 2 else None
    fits = [array is not None and ends_labels(s.array, array) for s in lengths]
    if len(lengths) == 1:
        return (None, lengths[0]) if fits[0] else (lengths[0], None)
    mean = [float(np.mean(s.array)) for s in lengths]
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
    padded = seen < n_frames
    choices = [given, given * stride]
    if padded.any():
        off = [np.median(np.abs(c - seen)[padded]) for c in choices]
        best = int(np.argmin(off))
        if off[best] > max(2 * stride, 0.05 * n_frames):
            return seen
        return np.minimum(choices[best], n_frames).astype(int)
    # The longest utterance fills the array.
    best = min(choices, key=lambda c: abs(c.max() - n_frames))
    if abs(best.max() - n_frames) > max(2 * stride, 0.1 * n_frames):
        return seen
    return np.minimum(best, n_frames).astype(int)
