"""What stands behind short utterances (C2, C3)."""

import keras
import numpy as np

from .. import rows, trace
from ..rule import NotExamined, rule

_NOTEBOOK = "02_scaling"


def _padding_read(case):
    """Percentile of the padding value among the sound's, if padding is read at all.

    Returns
    -------
    tuple of (float, float) or None
        (padding value, share of the sound below it).
    """
    phones = case.phones
    s, padding = phones.spectrogram, phones.is_padding
    if not padding.any():
        return None
    values = s[~padding]
    pad = s[padding]
    pad = pad[np.isfinite(pad)]
    values = values[np.isfinite(values)]
    if not len(pad) or not len(values):
        raise NotExamined("padding or sound has no finite value")
    # Its own values are compared with those of the sound in the same band and as a
    # whole; the median of padding is its value.
    value = float(np.median(pad))
    span = max(float(np.ptp(values)), 1e-12)
    below = float(np.mean(values < value - 1e-6 * span))
    if below < 0.1:
        return None
    if not reads_padding(case):
        return None
    return value, below


def reads_padding(case):
    """Whether what is in the padding changes outputs of sound, or the loss."""
    phones = case.phones
    s, padding = phones.spectrogram, phones.is_padding
    if _masked(case, padding):
        return False
    floor = np.nanmin(np.where(padding[..., None], np.nan, s), axis=(0, 1))
    array = phones.signal_slot.array
    other = np.where(padding[..., None], floor, s).reshape(array.shape)
    x = phones.signal_slot.put(phones.x, other.astype(array.dtype))
    before, out = phones.outputs, None
    calls = trace.record(case.model, x)[1] if phones.style == "inside" else None
    if calls is not None:
        out = calls[phones.place].output
    else:
        out = trace.arrays(trace.call(case.model, x))
        flat = [a for a in rows.flat((out,)) if a.shape == before.shape]
        if not flat:
            raise NotExamined("the model gives no outputs (batch, frames, classes)")
        out = flat[0]
    there = np.arange(before.shape[1]) < phones.true_outputs[:, None]
    if padding[:, 0].any():  # it stands in front
        there = np.ones_like(there)
    moved = np.abs(np.asarray(out) - before).max(axis=2)
    scale = max(float(np.std(before[there])), 1e-9)
    if np.mean(moved[there] > 0.01 * scale) >= 0.02:
        return True
    try:
        one, two = phones.whole(before), phones.whole(out)
    except NotExamined:
        return False
    one, two = float(np.mean(one)), float(np.mean(two))
    return abs(one - two) > 5e-3 * abs(one)


def _masked(case, padding):
    """Whether a layer that looks along time is told where padding is."""
    looks = (
        keras.layers.RNN,
        keras.layers.Bidirectional,
        keras.layers.MultiHeadAttention,
    )
    told = [c.mask for c in case.calls if isinstance(c.layer, looks)]
    told = [m for m in told if m is not None and m.shape == padding.shape]
    return any(not m[padding].any() or m[padding].mean() < 0.1 for m in told)


@rule(
    "C2",
    "ctc",
    "serious",
    title="the padding is the loudest sound there is",
    symptom="outputs near the end of short utterances are wrong, and the loss is noisy",
    cause="zeros were appended to logarithms that are all negative",
    fix="scale first, pad with the floor afterwards, and mask",
    notebook=_NOTEBOOK,
)
def c2_loud_padding(case):
    """Compare the padding's value with those of the sound; accuse if it is read.

    Louder than 95 % of the sound: zeros on logarithms of speech, of which about 98 %
    are negative, are beyond that. Padding is read if its value, changed to the floor,
    changes 2 % of the outputs at sound, or the loss by 0.5 %. With a mask, or with true
    lengths and a network that does not look ahead, it is not.
    """
    found = _padding_read(case)
    if found is None or found[1] < 0.95:
        return None
    value, below = found
    return below, (
        f"padding has the value {value:.3g}, louder than {below:.1%} of the sound, "
        "and the network reads it"
    )


@rule(
    "C3",
    "ctc",
    "serious",
    title="the padding is speech of medium level",
    symptom="the network says something in the silence behind short utterances",
    cause="zeros were appended to scaled spectrograms in which 0 is not the floor",
    fix="pad with the floor, and mask",
    notebook=_NOTEBOOK,
)
def c3_medium_padding(case):
    """As for C2, where the padding is above 10 % and below 95 % of the sound.

    The floor has next to nothing below it. The 10 % leave room for
    padding at a floor that noise undercuts.
    """
    found = _padding_read(case)
    if found is None or found[1] >= 0.95:
        return None
    value, below = found
    return below, (
        f"padding has the value {value:.3g}, above {below:.1%} of the sound, and the "
        "network reads it"
    )
