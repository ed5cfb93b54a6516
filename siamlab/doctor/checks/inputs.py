"""Faults of the input: S29, S30, C1, C2, C3, C6."""

import contextlib

import keras
import numpy as np

from .. import recorder
from ..arrays import flatten, to_arrays
from ..check import check
from ..report import Skip
from ..towers import has_kernel


@check("S30", "serious", "02_normalizing_spectrograms")
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


@check("C1", "fatal", "02_normalizing_spectrograms")
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
    with contextlib.suppress(Skip):
        padding = program.transcription.is_padding[: len(values)]
        if values.shape[:2] == padding.shape:
            values = values[~padding]
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
    said = f"; {gates or 0:.0%} of the gates of the first LSTM are saturated"
    return mean if is_far else deviation, (
        f"the first layer with weights receives values with mean {mean:.3g} and "
        f"standard deviation {deviation:.3g} ({values.min():.3g} to {values.max():.3g})"
        + (said if gates else "")
    )


@check("S29", "serious", "01_sound_to_spectrogram")
def s29_exchanged_axes(program):
    """Frequency is taken for time.

    Symptom: The LSTM runs from low to high frequencies.
    Cause: librosa returns (bands, time), networks take (time, bands).
    Fix: transpose each spectrogram: spectrogram.T

    Compare two halves of at least 16 recordings along both axes.

    What depends on the frequency, such as the level of a band and its correlation with
    its neighbors, is the same in both halves; what depends on the time is not, if
    segments begin anywhere. The axes are exchanged if the halves agree along the first
    axis (a correlation above 0.5), and clearly less along the second one (by more than
    0.4). Words that all begin at frame 0 agree along both axes. In 576 batches of
    sentences and words with their axes in order, four kinds of spectrograms in four
    scalings, the time never agreed so much more than the frequency.
    """
    if not _first_layer_runs_along_time(program):
        raise Skip("the first layer does not run along the first axis of its input")
    x = np.unique(_spectrograms(program), axis=0)
    if len(x) < 16:
        raise Skip("there are fewer than 16 different recordings")
    first, second = _agreement(x), _agreement(x.swapaxes(1, 2))
    if first < 0.5 or first - second < 0.4:
        return None
    return first, (
        "two halves of the recordings agree in what depends on axis 1 (a correlation "
        f"of {first:.2f}), and less in what depends on axis 2 ({second:.2f})"
    )


def _agreement(x):
    """Return the correlation of two halves of recordings along axis 1.

    Compared are products of values up to six steps apart: as they are, which shows the
    level along the axis, and standardized, which shows how neighbors are correlated.
    The greater correlation counts.
    """
    x = x[:, (np.ptp(x, axis=2) == 0).mean(axis=0) < 0.1]  # without padding
    if x.shape[1] < 8:
        raise Skip("the recordings are constant or padded")
    found = []
    for axis in (None, (0, 2)):
        profiles = []
        for half in (x[0::2], x[1::2]):
            z = half - half.mean(axis, keepdims=True)
            z = z / np.maximum(z.std(axis, keepdims=True), 1e-9)
            steps = range(1, min(7, z.shape[1] - 4))
            products = [np.mean(z[:, k:] * z[:, :-k], axis=(0, 2)) for k in steps]
            profiles.append(np.concatenate([p - p.mean() for p in products]))
        found.append(np.corrcoef(profiles[0], profiles[1])[0, 1])
    return max(found)


def _spectrograms(program):
    arrays = [a for a in program.inputs.sounds if a.ndim in (3, 4)]
    arrays = [a[..., 0] if a.ndim == 4 and a.shape[-1] == 1 else a for a in arrays]
    if not arrays or arrays[0].ndim != 3:
        raise Skip("the batch holds no spectrograms (batch, time, bands)")
    return np.concatenate(arrays)


def _first_layer_runs_along_time(program):
    along = keras.layers.RNN | keras.layers.Bidirectional | keras.layers.Conv1D
    first = next(filter(has_kernel, program.calls), None)
    return first is not None and isinstance(first.layer, along)


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
    t, share = program.transcription, _share_not_finite(program.x)
    if share:
        return share, f"{share:.2%} of the values of the batch are infinite or NaN"
    with contextlib.suppress(Skip):
        if not np.isfinite(program.first_values).all():
            return 1.0, "the first layer with weights receives infinite values or NaN"
    usual = float(np.median(t.spectrogram[~t.padding])) or 1e-3
    fails = [
        _share_not_finite(_output_of_constant(program, value)) for value in (0.0, usual)
    ]
    if fails[0] <= max(fails[1], _share_not_finite(program.output)):
        return None
    return fails[0], "an utterance of zeros makes the outputs infinite or NaN"


def _output_of_constant(program, value):
    """Return the output if all values of the first utterance are the same."""
    t = program.transcription
    spectrogram = t.spectrogram.copy()
    spectrogram[0] = value
    x = t.with_spectrogram(spectrogram)
    return to_arrays(recorder.call_model(program.model, x))


def _share_not_finite(structure):
    values = [np.ravel(each) for each in flatten((structure,))]
    return float(np.mean(~np.isfinite(np.concatenate(values))))


@check("C2", "serious", "02_normalizing_spectrograms", follows="C1")
def c2_loud_padding(program):
    """The padding is the loudest sound of the batch.

    Symptom: Outputs near the end of short utterances are wrong, and the loss is
        noisy.
    Cause: Zeros were appended to logarithms that are all negative.
    Fix: scale first, then pad, and pass the true lengths or a mask

    Compare the value of the padding with those of the sound, if the network reads it.

    Louder than 95 % of the sound: zeros behind logarithms of speech are louder than
    about 98 %. The padding is read if replacing it by the smallest value of each band
    changes 2 % of the outputs that the loss reads, or that belong to sound.
    """
    value, below = _padding_read(program)
    if below < 0.95:
        return None
    return below, (
        f"the padding has the value {value:.3g}, louder than {below:.1%} of the sound, "
        "and the network reads it"
    )


@check("C3", "serious", "02_normalizing_spectrograms", follows="C1")
def c3_medium_padding(program):
    """The padding looks like speech of medium level.

    Symptom: The network recognizes something in the silence behind short
        utterances.
    Cause: Zeros were appended to scaled spectrograms, in which 0 is the mean.
    Fix: pass the true lengths or a mask; without them, no padding is neutral

    As C2, if the padding is above 10 % and below 95 % of the sound.

    In no band may it be below 20 % of the sound: silence is at the floor, at least in
    the first coefficient of an MFCC, while zeros are above 35 % in every band. The
    zeros behind a waveform are silence.
    """
    value, below = _padding_read(program)
    t = program.transcription
    sound, pad = t.spectrogram[~t.is_padding], t.spectrogram[t.is_padding]
    if below < 0.1 or below >= 0.95 or sound.shape[1] == 1:
        return None
    bands = zip(np.sort(sound, axis=0).T, pad.T - 1e-6 * np.ptp(sound), strict=True)
    if min(np.searchsorted(*band).mean() for band in bands) < 0.2 * len(sound):
        return None
    return below, (
        f"the padding has the value {value:.3g}, above {below:.1%} of the sound, "
        "and the network reads it"
    )


def _padding_read(program):
    """Return the value of the padding and the share of the sound below it.

    The share is 0 if there is no padding, or if the network does not read it.
    """
    t = program.transcription
    values, pad = (
        each[np.isfinite(each)]
        for each in (t.spectrogram[~t.is_padding], t.spectrogram[t.is_padding])
    )
    if not len(pad) or not len(values):
        return 0.0, 0.0
    value, span = float(np.median(pad)), max(float(np.ptp(values)), 1e-12)
    below = float(np.mean(values < value - 1e-6 * span))
    return value, below if below >= 0.1 and _reads_padding(program) else 0.0


def _reads_padding(program):
    """Return whether other padding changes the outputs of sound, or of the loss."""
    t = program.transcription
    s, padding = t.spectrogram, t.is_padding
    if _is_masked(program, padding):
        return False
    floor = np.nanmin(np.where(padding[..., None], np.nan, s), axis=(0, 1))
    other = t.with_spectrogram(np.where(padding[..., None], floor, s))
    before, after = t.outputs, t.run(other)[0].outputs
    read = np.maximum(t.true_outputs, t.frames_read)
    there = np.arange(before.shape[1]) < read[:, None]
    if padding[:, 0].any():  # it stands in front
        there = np.ones_like(there)
    moved = np.abs(after - before).max(axis=2)
    scale = max(float(np.std(before[there])), 1e-9)
    return bool(np.mean(moved[there] > 0.01 * scale) >= 0.02)


def _is_masked(program, padding):
    """Return whether a layer that looks along time knows where the padding is."""
    attention = keras.layers.MultiHeadAttention
    looks = keras.layers.RNN | keras.layers.Bidirectional | attention
    calls = program.calls if program.is_keras else ()
    masks = [call.mask for call in calls if isinstance(call.layer, looks)]
    return any(m[padding].mean() < 0.1 for m in masks if np.shape(m) == padding.shape)
