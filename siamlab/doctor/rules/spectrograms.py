"""What is wrong with the input: S28 turned, S29 axes exchanged, S30 not scaled."""

import keras
import numpy as np

from .. import rows
from ..rule import NotExamined, rule
from ..towers import has_kernel


def _spectrograms(case):
    """The spectrograms of the batch, shape (segments, frames, bands)."""
    arrays = [a for a in rows.flat((case.x,)) if a.ndim in (3, 4)]
    if not arrays:
        raise NotExamined("the batch holds no spectrograms")
    arrays = [a[..., 0] if a.ndim == 4 and a.shape[-1] == 1 else a for a in arrays]
    arrays = [a.reshape(-1, *a.shape[-2:]) if a.ndim == 4 else a for a in arrays]
    return np.concatenate([a for a in arrays if a.shape[1:] == arrays[0].shape[1:]])


@rule(
    "S28",
    "siamese",
    "serious",
    title="Time runs backwards",
    symptom="It works as long as everything is turned alike, and on nobody else's "
    "data.",
    cause="np.rot90 was taken for a transpose; it also reverses an axis.",
    fix="spectrogram.T",
    notebook="01_sound_to_spectrogram",
)
def s28_turned(case):
    """What the network receives against the transpose of the spectrogram.

    Correlations of the two: with the transpose as it is, reversed in time, in
    frequency, or in both. Another than the first has to be above 0.9 and ahead by 0.1.
    """
    original = np.asarray(case.fact("original"), float)
    given = np.asarray(case.fact("model_input"), float)
    if original.ndim != 2 or given.ndim != 2:
        raise NotExamined("original= and model_input= are one spectrogram each")
    upright = given.shape == original.shape and given.shape != original.T.shape
    bases = {"": original} if upright else {"": original.T}
    if given.shape == original.shape == original.T.shape:
        bases["straight"] = original
    ways: dict[str, list] = {}
    for base in bases.values():
        if base.shape != given.shape:
            raise NotExamined(
                f"the network receives {given.shape}, the spectrogram is "
                f"{original.shape}"
            )
        ways.setdefault("right", []).append(base)
        ways.setdefault("reversed along the first axis", []).append(base[::-1])
        ways.setdefault("reversed along the second axis", []).append(base[:, ::-1])
        ways.setdefault("reversed along both axes", []).append(base[::-1, ::-1])
    found = {
        name: max(float(np.corrcoef(g.ravel(), given.ravel())[0, 1]) for g in each)
        for name, each in ways.items()
    }
    best = max(found, key=found.__getitem__)
    if best == "right" or found[best] < 0.9 or found[best] - found["right"] < 0.1:
        return None
    return found[best], (
        f"what the network receives is the spectrogram {best}: correlation "
        f"{found[best]:.2f}, with the plain transpose {found['right']:.2f}"
    )


@rule(
    "S29",
    "siamese",
    "serious",
    title="Frequency is taken for time",
    symptom="The LSTM runs from low to high frequencies; length is fixed by the bands.",
    cause="librosa gives (bands, frames), a network takes (frames, bands).",
    fix="transpose, and name the axes where they are made",
    notebook="01_sound_to_spectrogram",
)
def s29_axes(case):
    """Number of bands, where it was given, against the last axis of the input.

    Without it, the means over all segments: along the bands they follow the average
    spectrum of speech, along the frames of random crops they are nearly flat. Where the
    first axis has 20 times the variance of the second, and a tenth of all variance, the
    axes are exchanged.
    """
    x = _spectrograms(case)
    if not _runs_along_time(case):
        raise NotExamined("the first layer does not take its first axis for time")
    frames, last = x.shape[1:]
    for name in ("n_mels", "bands"):
        if case.facts.get(name) is not None:
            bands = int(case.facts[name])
            if last == bands:
                return None
            if frames == bands:
                return float(frames), (
                    f"the input is (batch, {frames}, {last}), and {bands} is the "
                    "number "
                    "of bands: it stands where frames should"
                )
            raise NotExamined(f"no axis of the input has {bands} bands")
    if len(x) < 8:
        raise NotExamined("fewer than 8 segments, and n_mels= was not given")
    mean = x.mean(axis=0, dtype=np.float64)
    whole = float(x.var(dtype=np.float64))
    along_first = float(mean.mean(axis=1).var())
    along_last = float(mean.mean(axis=0).var())
    if whole <= 0:
        raise NotExamined("the input is constant")
    ratio = along_first / max(along_last, 1e-12)
    if ratio > 20 and along_first > 0.1 * whole and not _padded(x):
        return ratio, (
            f"means along axis 1 vary {ratio:.0f} times as much as those along axis 2: "
            "they follow the average spectrum of speech"
        )
    return None


def _runs_along_time(case):
    """Whether the first layer with a kernel has one axis for time: the first."""
    along = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.Conv1D)
    for call in case.calls:
        if not call.is_model and has_kernel(call.layer):
            return isinstance(call.layer, along)
    return False


def _padded(x):
    """Whether frames at an end of segments are constant: silence or padding."""
    flat = np.ptp(x, axis=2) == 0
    return bool(flat[:, 0].any() or flat[:, -1].any())


@rule(
    "S30",
    "siamese",
    "serious",
    title="The input is not scaled",
    symptom="The loss hardly moves; everything is embedded nearly alike.",
    cause="Log spectrograms lie far from 0, where gates are saturated.",
    fix="scale with the mean and deviation of the training set "
    "(siamlab.scaling.StandardScaler)",
    notebook="02_scaling",
)
def s30_unscaled(case):
    """Mean and deviation of what the first layer with weights is given.

    See `unscaled` for the thresholds.
    """
    return unscaled(case)


def unscaled(case, valid=None):
    """Judge the numbers that reach the first layer with weights.

    Scaled input has a mean within 1.5 of 0 and a deviation of 0.05 to 4: min-max to
    [0, 1] or [-1, 1] and standardization are well inside, decibels (-50, 15), natural
    logarithms (-10, 3), bytes (100, 50), samples (1,000) and powers (1e-3) well
    outside. A mean up to 3 is let pass while it is below 2 deviations.

    Parameters
    ----------
    case : Case
        Which.
    valid : numpy.ndarray, optional
        Shape (batch, frames), which frames count.

    Returns
    -------
    tuple or None
        As of a rule.
    """
    seen = np.asarray(case.first_seen, np.float64)
    if valid is not None and seen.shape[:2] == valid[: len(seen)].shape:
        seen = seen[valid[: len(seen)]]
    seen = seen[np.isfinite(seen)]
    if not seen.size:
        raise NotExamined("the input holds no numbers")
    mean, deviation = float(seen.mean()), float(seen.std())
    low, high = float(seen.min()), float(seen.max())
    far = abs(mean) > 3 or (abs(mean) > 1.5 and abs(mean) > 2 * deviation)
    wide = deviation > 4
    tiny = float(np.sqrt(np.mean(seen**2))) < 0.02
    if not (far or wide or tiny):
        return None
    said = (
        f"the first layer with weights is given values of mean {mean:.3g} and "
        "deviation "
        f"{deviation:.3g} ({low:.3g} to {high:.3g})"
    )
    gates = case.gates_shut(8)
    return (gates if gates is not None else mean), said + (
        f"; {gates:.0%} of the gates of its first LSTM are beyond 4" if gates else ""
    )
