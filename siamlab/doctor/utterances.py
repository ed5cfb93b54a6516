"""Where utterances and their labels end: lengths, padding, and true labels.

- `Slot`, `slots`: what each array of a batch is.
- `constant_ends`: frames before and behind an utterance that are padding.
- `true_labels`: labels without what pads them.
"""

import dataclasses

import numpy as np
from keras import tree


@dataclasses.dataclass(frozen=True)
class Slot:
    """One array of a batch.

    Parameters
    ----------
    side : str
        "x" or "y".
    place : int
        Among the leaves of that structure.
    array : numpy.ndarray
        What is there.
    columns : slice, optional
        Where lengths are packed into one array with the labels: the part that this is.
    """

    side: str
    place: int
    array: np.ndarray
    columns: slice | None = None

    def put(self, structure, array):
        """Make a structure with another array in this place."""
        leaves = tree.flatten(structure)
        if self.columns is not None:
            whole = leaves[self.place].copy()
            whole[:, self.columns] = array
            array = whole
        leaves[self.place] = array
        return tree.pack_sequence_as(structure, leaves)


def is_whole(array):
    """Whether an array holds whole numbers, whatever its type is."""
    array = np.asarray(array)
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        return True
    return (
        np.issubdtype(array.dtype, np.floating)
        and array.size > 0
        and bool(np.isfinite(array).all())
        and bool((array == np.round(array)).all())
    )


def slots(x, y):
    """Tell what each array of a batch is: by its shape and its values.

    Returns
    -------
    signal : Slot or None
        The spectrogram (or sound): the largest array of the inputs.
    labels : Slot or None
        From the inputs if there are any, else from y.
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
    n, frames = signal.array.shape[:2]
    others = [s for s in found if s is not signal and len(s.array) == n]
    whole = [s for s in others if is_whole(s.array)]
    wide = [
        s
        for s in whole
        if s.array.ndim == 2 and s.array.shape[1] > 1 and not _is_mask(s, frames)
    ]
    within = [s for s in wide if s.side == "x"]
    labels = within[0] if within else None
    if labels is None:
        of_y = [s for s in others if s.side == "y"]
        labels = next((s for s in of_y if s in wide), None)
        labels = labels or next((s for s in of_y if s.array.ndim == 3), None)
        labels = labels or next(
            (s for s in of_y if s.array.ndim == 2 and s in whole and len(of_y) == 1),
            None,
        )
    lengths = [
        s
        for s in whole
        if s is not labels
        and (s.array.ndim == 1 or (s.array.ndim == 2 and s.array.shape[1] == 1))
        # A dummy target is all zeros.
        and s.array.any()
    ]
    if labels is not None and not lengths:
        labels, lengths = _unpacked(labels, frames)
    return signal, labels, lengths


def _unpacked(slot, frames):
    """Labels whose last two columns are lengths, apart; others as they are."""
    array = slot.array
    if array.ndim != 2 or array.shape[1] < 4 or not is_whole(array):
        return slot, []
    labels = array[:, :-2]
    for of_labels, of_input in ((-1, -2), (-2, -1)):
        n, t = array[:, of_labels], array[:, of_input]
        if (
            (n > 0).all()
            and (t >= n).all()
            and (t <= frames).all()
            and float(np.median(t)) > labels.shape[1]
            and ends_labels(n, labels)
            and not labels[np.arange(labels.shape[1]) >= n[:, None]].clip(0).any()
        ):
            width = array.shape[1]
            parts = [
                Slot(slot.side, slot.place, array[:, c], slice(c, c + 1))
                for c in (width + of_input, width + of_labels)
            ]
            return Slot(slot.side, slot.place, labels, slice(0, width - 2)), [
                Slot(p.side, p.place, p.array[:, None], p.columns) for p in parts
            ]
    return slot, []


def _is_mask(slot, frames):
    array = slot.array
    return (
        slot.side == "x"
        and array.shape[1] == frames
        and (array.dtype == bool or bool(np.isin(array, (0, 1)).all()))
    )


def constant_ends(spectrogram, least=3):
    """Find frames at the ends of utterances that do not change: padding.

    Sound never repeats a frame exactly; what was filled up does. A row that is
    constant throughout has no padding: it is silence.

    Parameters
    ----------
    spectrogram : numpy.ndarray
        Shape (batch, frames, bands).
    least : int
        Frames that make it padding; one is enough if it is what pads another row.

    Returns
    -------
    numpy.ndarray
        Booleans, shape (batch, frames).
    """
    s = np.nan_to_num(np.asarray(spectrogram, np.float64), posinf=1e30, neginf=-1e30)
    behind = _run(s, least)
    before = _run(s[:, ::-1], least)[:, ::-1]
    # One convention for the whole batch: the one that explains more.
    return behind if behind.sum() >= before.sum() else before


def _run(s, least):
    frames = s.shape[1]
    tolerance = 1e-6 * max(float(np.ptp(s)), 1e-30)
    last = s[:, -1:]
    same = (np.abs(s - last) <= tolerance).all(axis=2)
    run = np.where(same.all(axis=1), frames, np.argmin(same[:, ::-1], axis=1))
    run = np.where(run == frames, 0, run)
    pads = [s[i, -1] for i in np.flatnonzero(run >= least)]
    for i in np.flatnonzero((run > 0) & (run < least)):
        if not any((np.abs(s[i, -1] - pad) <= tolerance).all() for pad in pads):
            run[i] = 0
    return np.arange(frames) >= frames - run[:, None]


def ends_labels(lengths, labels):
    """Whether behind these lengths stands one and the same value: what pads labels."""
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
    """Take away what pads labels.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (batch, labels).
    lengths : array_like, optional
        How many are true. Without them, labels end at the first one that is
        negative, or else before zeros at their end, or else before a value above all
        others that stands at the ends alone.

    Returns
    -------
    list of numpy.ndarray
        int, one for each utterance.
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
        ends = [_trailing(row, pad) for row in labels]
        if (
            max(ends) < 2
            or sum(ends) != np.sum(labels == pad)
            or min(ends) == max(ends)
        ):
            return list(labels)
    return [row[: len(row) - _trailing(row, pad)] for row in labels]


def _trailing(row, value):
    other = np.flatnonzero(row != value)
    return len(row) - (other[-1] + 1 if len(other) else 0)


def length_roles(lengths, labels):
    """Tell lengths of the input from those of the labels, by what they say.

    Parameters
    ----------
    lengths : list of Slot
        All of them.
    labels : Slot or None
        Labels.

    Returns
    -------
    tuple of (Slot or None, Slot or None)
        Of the input, of the labels.
    """
    if not lengths:
        return None, None
    array = labels.array if labels is not None and labels.array.ndim == 2 else None
    fits = [array is not None and ends_labels(s.array, array) for s in lengths]
    if len(lengths) == 1:
        one = lengths[0]
        return (None, one) if fits[0] else (one, None)
    mean = [float(np.mean(s.array)) for s in lengths]
    # Two that fit: labels are fewer than frames.
    of_labels = min(range(len(lengths)), key=lambda i: (not fits[i], mean[i]))
    rest = [i for i in range(len(lengths)) if i != of_labels]
    return lengths[max(rest, key=lambda i: mean[i])], lengths[of_labels]


def in_frames(given, seen, frames, stride):
    """Lengths as frames of the spectrogram, whether they count these or outputs.

    Parameters
    ----------
    given : numpy.ndarray
        As the program gives them.
    seen : numpy.ndarray
        Frames before what looks like padding. It decides where both disagree.
    frames : int
        Of the spectrogram.
    stride : float
        Frames for each output.
    """
    if len(given) != len(seen) or (given <= 0).any():
        return seen
    padded = seen < frames
    choices = [given, given * stride]
    if padded.any():
        off = [np.median(np.abs(c - seen)[padded]) for c in choices]
        best = int(np.argmin(off))
        if off[best] > max(2 * stride, 0.05 * frames):
            return seen
        return np.minimum(choices[best], frames).astype(int)
    of_outputs = stride > 1.2 and given.max() <= np.ceil(frames / stride)
    return np.minimum(choices[int(of_outputs)], frames).astype(int)
