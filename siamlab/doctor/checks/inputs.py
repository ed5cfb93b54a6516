"""Faults of the input: S29, S30, C1, C2, C3, C6."""

import keras
import numpy as np

from .. import recorder
from ..arrays import flatten, to_arrays
from ..check import check
from ..report import Skip
from ..towers import has_kernel


@check("S30", "serious", "02_scaling")
def s30_unscaled(program):
    """The input is not scaled.

    Symptom: The loss hardly changes, and all embeddings are nearly alike.
    Cause: Log spectrograms lie far from 0, where the gates of an LSTM are
        saturated.
    Fix: scale with the mean and the standard deviation of the training set:
        siamlab.scaling.StandardScaler().fit(features)

    Mean and standard deviation of what the first layer with weights receives.

    See `unscaled` for the limits.
    """
    return unscaled(program, program.first_values)


@check("C1", "fatal", "02_scaling")
def c1_unscaled(program):
    """The input is not scaled.

    Symptom: The loss falls to a level, and all utterances have the same output.
    Cause: Log spectrograms lie far from 0, where the gates of an LSTM are
        saturated.
    Fix: scale with the mean and the standard deviation of the training set:
        siamlab.scaling.StandardScaler().fit(features)

    Mean and standard deviation of what the first layer with weights receives.

    Without the padding. See `unscaled` for the limits.
    """
    values = program.first_values
    try:
        padding = program.transcription.is_padding[: len(values)]
        if values.shape[:2] == padding.shape:
            values = values[~padding]
    except Skip:
        pass
    return unscaled(program, values)


def unscaled(program, values):
    """Decide whether the input of a network is scaled.

    Scaled input of any convention, to [0, 1] or [-1, 1] or standardized, has a mean
    within 1.5 of 0 and a standard deviation between 0.05 and 4. Decibels (mean -50,
    standard deviation 15), natural logarithms (-9, 3), bytes (100, 50), samples of 16
    bits (1,000) and powers (1e-3) are well beyond that. A mean up to 3 is allowed if it
    is below 2 standard deviations.

    Parameters
    ----------
    program : Program
        For the evidence.
    values : array
        What the first layer receives.

    Returns
    -------
    tuple of (float, str) or None
        The result of the check.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        raise Skip("the input holds no finite numbers")
    mean, deviation = float(values.mean()), float(values.std())
    is_far = abs(mean) > 3 or (abs(mean) > 1.5 and abs(mean) > 2 * deviation)
    is_tiny = float(np.sqrt(np.mean(values**2))) < 0.02
    if not (is_far or deviation > 4 or is_tiny):
        return None
    gates = program.saturated_gates()
    return mean if is_far else deviation, (
        f"the first layer with weights receives values with mean {mean:.3g} and "
        f"standard deviation {deviation:.3g} ({values.min():.3g} to {values.max():.3g})"
        + (
            f"; {gates:.0%} of the gates of the first LSTM are saturated"
            if gates
            else ""
        )
    )


_USUAL_BANDS = (13, 20, 26, 39, 40, 64, 80, 96, 128, 257, 513, 1025)


@check("S29", "serious", "01_sound_to_spectrogram")
def s29_exchanged_axes(program):
    """Frequency is taken for time.

    Symptom: The LSTM runs from low to high frequencies.
    Cause: librosa returns (bands, time), networks take (time, bands).
    Fix: transpose each spectrogram: spectrogram.T

    Compare the means along both axes of at least 8 recordings.

    Along the bands they follow the average spectrum of speech; along the frames of
    random segments they are nearly flat. The axes are exchanged if the means along the
    first axis vary 20 times as much as those along the second, and make up 10 % of the
    whole variance. If one of them is flat by construction (below 2e-3 of the variance),
    because each band or each frame was standardized, nothing can be said.
    """
    x = _spectrograms(program)
    if not _first_layer_runs_along_time(program):
        raise Skip("the first layer does not run along the first axis of its input")
    if len(x) < 8:
        raise Skip("there are fewer than 8 recordings")
    if x.shape[2] in _USUAL_BANDS and x.shape[1] not in _USUAL_BANDS:
        return None
    is_padded = (np.ptp(x, axis=2) == 0).mean(axis=0) > 0.1
    if is_padded.mean() > 0.4:
        raise Skip("the recordings are padded")
    x = x[:, ~is_padded]
    mean = x.mean(axis=0, dtype=np.float64)
    whole = float(x.var(dtype=np.float64))
    first, last = (float(mean.mean(axis=axis).var()) for axis in (1, 0))
    if not whole > 0 or min(first, last) < 2e-3 * whole:
        raise Skip("the means along one axis are equal by construction")
    if first < 20 * last or first < 0.1 * whole:
        return None
    return first / last, (
        f"means along axis 1 vary {first / last:.0f} times as much as those along axis "
        "2: they follow the average spectrum of speech"
    )


def _spectrograms(program):
    arrays = [a for a in program.sounds if a.ndim in (3, 4)]
    if not arrays:
        raise Skip("the batch holds no spectrograms")
    arrays = [a[..., 0] if a.ndim == 4 and a.shape[-1] == 1 else a for a in arrays]
    if arrays[0].ndim != 3:
        raise Skip("the batch holds no spectrograms (batch, time, bands)")
    return np.concatenate(arrays)


def _first_layer_runs_along_time(program):
    along = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.Conv1D)
    for call in program.calls:
        if not call.is_model and has_kernel(call.layer):
            return isinstance(call.layer, along)
    return False


# ------------------------------------------------------------------------------ padding


@check("C6", "fatal", "01_sound_to_spectrogram")
def c6_log_of_zero(program):
    """The logarithm of exactly 0 is taken.

    Symptom: The loss is NaN or infinite as soon as a file has digital silence.
    Cause: The logarithm has no floor.
    Fix: add a floor inside the logarithm: np.log(np.maximum(power, 1e-10))

    Look for values that are not finite; give an utterance of zeros to the model.

    One infinite value, or NaN, is enough, in the batch or where the first layer with
    weights receives it. An utterance of zeros must not make the outputs infinite or NaN
    while an utterance of another constant does not.
    """
    arrays = [a for a in flatten((program.x,)) if a.dtype.kind == "f"]
    wrong = sum(int(np.sum(~np.isfinite(a))) for a in arrays)
    if wrong:
        return wrong, f"{wrong} values of the batch are infinite or NaN"
    if program.model is None:
        return None
    try:
        if not np.isfinite(program.first_values).all():
            return 1.0, "the first layer with weights receives infinite values or NaN"
    except Skip:
        pass
    t = program.transcription
    s = t.spectrogram
    median = float(np.median(s[~t.padding])) or 1e-3
    if _constant_is_not_finite(program, 0.0):
        if not _constant_is_not_finite(program, median):
            return 1.0, "an utterance of zeros makes the outputs infinite or NaN"
    return None


def _constant_is_not_finite(program, value):
    """Return whether an utterance of one constant value gives outputs not finite."""
    t = program.transcription
    array = t.signal_slot.array.copy()
    array[0] = np.asarray(value).astype(array.dtype)
    out = to_arrays(recorder.call_model(program.model, t.signal_slot.put(t.x, array)))
    return any(
        one.ndim and np.isfinite(two).all() and not np.isfinite(one).all()
        for one, two in zip(flatten((out,)), flatten((program.output,)), strict=False)
    )


@check("C2", "serious", "02_scaling", follows="C1")
def c2_loud_padding(program):
    """The padding is the loudest sound of the batch.

    Symptom: Outputs near the end of short utterances are wrong, and the loss is
        noisy.
    Cause: Zeros were appended to logarithms that are all negative.
    Fix: scale first, pad with the scaled floor, and pass the true lengths or a mask

    Compare the value of the padding with those of the sound, if the network reads it.

    Louder than 95 % of the sound: zeros behind logarithms of speech are louder than
    about 98 %. The padding is read if replacing it by the smallest value of each band
    changes 2 % of the outputs that the loss reads, or that belong to sound.
    """
    found = _padding_read(program)
    if found is None or found[1] < 0.95:
        return None
    value, below = found
    return below, (
        f"the padding has the value {value:.3g}, louder than {below:.1%} of the sound, "
        "and the network reads it"
    )


@check("C3", "serious", "02_scaling", follows="C1")
def c3_medium_padding(program):
    """The padding looks like speech of medium level.

    Symptom: The network recognizes something in the silence behind short
        utterances.
    Cause: Zeros were appended to scaled spectrograms, in which 0 is the mean.
    Fix: pad with the scaled floor, and pass the true lengths or a mask

    As C2, if the padding is above 10 % and below 95 % of the sound.

    Next to nothing lies below a floor; noise may undercut it by a few percent. If the
    last frames of the utterances differ from it by less than half a standard deviation,
    the padding continues their silence.
    """
    found = _padding_read(program)
    if found is None or found[1] >= 0.95:
        return None
    value, below = found
    t = program.transcription
    # The last frame of each utterance may be the same silence.
    s, padding = t.spectrogram, t.is_padding
    spread = float(s[~padding].std())
    last = [row[~pad][-1] for row, pad in zip(s, padding, strict=True) if pad[-1]]
    if last and np.sqrt(np.mean((np.asarray(last) - value) ** 2)) < 0.5 * spread:
        return None
    return below, (
        f"the padding has the value {value:.3g}, above {below:.1%} of the sound, "
        f"and the network reads it"
    )


def _padding_read(program):
    """Return the value of the padding and the share of the sound below it, or None."""
    t = program.transcription
    s, padding = t.spectrogram, t.is_padding
    if not padding.any():
        return None
    values, pad = s[~padding], s[padding]
    pad, values = pad[np.isfinite(pad)], values[np.isfinite(values)]
    if not len(pad) or not len(values):
        raise Skip("padding or sound has no finite value")
    value = float(np.median(pad))
    span = max(float(np.ptp(values)), 1e-12)
    below = float(np.mean(values < value - 1e-6 * span))
    if below < 0.1 or not _reads_padding(program):
        return None
    return value, below


def _reads_padding(program):
    """Return whether other padding changes the outputs of sound, or of the loss."""
    t = program.transcription
    s, padding = t.spectrogram, t.is_padding
    if _is_masked(program, padding):
        return False
    floor = np.nanmin(np.where(padding[..., None], np.nan, s), axis=(0, 1))
    array = t.signal_slot.array
    other = np.where(padding[..., None], floor, s).reshape(array.shape)
    before = t.outputs
    after = t.run(t.signal_slot.put(t.x, other.astype(array.dtype)))[0].outputs
    read = np.maximum(t.true_outputs, t.frames_read)
    there = np.arange(before.shape[1]) < read[:, None]
    if padding[:, 0].any():  # it stands in front
        there = np.ones_like(there)
    moved = np.abs(after - before).max(axis=2)
    scale = max(float(np.std(before[there])), 1e-9)
    return bool(np.mean(moved[there] > 0.01 * scale) >= 0.02)


def _is_masked(program, padding):
    """Return whether a layer that looks along time knows where the padding is."""
    if not program.is_keras:
        return False
    looks = (
        keras.layers.RNN,
        keras.layers.Bidirectional,
        keras.layers.MultiHeadAttention,
    )
    masks = [c.mask for c in program.calls if isinstance(c.layer, looks)]
    masks = [m for m in masks if m is not None and m.shape == padding.shape]
    return any(m[padding].mean() < 0.1 for m in masks)
