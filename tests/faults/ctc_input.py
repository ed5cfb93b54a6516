"""Inputs of a network with CTC: scaling, padding, silence: C1 to C7."""

import keras
import numpy as np
from keras import layers, ops
from program import ctc, pad_frames, pad_labels, scale, sentences, twins


def alike(units, bands, frames, seed, count=16, phones=12):
    """Sentences of one length: x (batch, frames, bands), labels from 1, padded by 0."""
    spoken, labels, _ = sentences(count, (frames, frames), bands, phones, units, seed)
    return np.stack(spoken), pad_labels(labels, 0, first=1)[0]


class CTCEndpoint(layers.Layer):
    """Adds the CTC loss with true lengths; passes the logits through."""

    def call(self, logits, labels, frames, symbols):
        loss = ops.ctc_loss(labels, logits, symbols[:, 0], frames[:, 0])
        self.add_loss(ops.mean(loss / ops.cast(symbols[:, 0], "float32")))
        return logits


class FrameMask(layers.Layer):
    """True for the frames of the utterance, False for the padding."""

    def call(self, x, frames):
        return ops.arange(ops.shape(x)[1])[None, :] < frames


@twins("blstm_ctc_on_natural_log", "C1", also="S30", units="ln", bands=40)
@twins("blstm_ctc_on_natural_log_stft", "C1", also="S30", units="ln", bands=257)
@twins("blstm_ctc_on_decibels", "C1", also="S30", units="dB", bands=80)
@twins("blstm_ctc_on_magnitudes", "C1", also="S30", units="int16", bands=40)
def blstm_ctc_unscaled(fault, units, bands):
    x, y = alike(units if fault else "z", bands, 80, 201)
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(32, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(24, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), loss=keras.losses.CTC())
    return ctc(model, x, y, note=f"{units} as they are saturate the gates")


@twins("gru_ctc_on_minus_twenty", "C1", also="S30", shift=0.0)
@twins("gru_ctc_plus_twenty", "C1", also="S30", shift=20.0)
def gru_ctc_on_minus_twenty(fault, shift):
    x, y = alike("ln", 64, 100, 202)
    x = x + np.float32(shift) if fault else (x / 9.2 + 1).astype("float32")
    inputs = keras.Input((100, 64), name="spektrogramm")
    h = layers.GRU(48, return_sequences=True)(inputs)
    outputs = layers.Dense(13, activation="log_softmax", name="laute")(h)
    model = keras.Model(inputs, outputs)

    def ctc_verlust(y_true, y_pred):
        frames = ops.full((ops.shape(y_pred)[0],), ops.shape(y_pred)[1], "int32")
        symbols = ops.sum(ops.cast(y_true > 0, "int32"), axis=-1)
        return ops.ctc_loss(y_true, y_pred, symbols, frames)

    model.compile("adam", ctc_verlust)
    return ctc(
        model, x, y, note=f"natural log of power, -18 to 0, plus {shift}: far from 0"
    )


@twins("zeros_behind_negative_logs", "C2", also="C14", units="ln")
@twins("zeros_behind_decibels", "C2", also="C14", units="dB")
def zeros_behind_negative_logs(fault, units):
    spoken, labels, _ = sentences(16, (70, 90), 40, 12, units, 203)
    floor = -18.42 if units == "ln" else -80.0
    x, lengths = pad_frames(spoken, 0.0 if fault else floor)
    y, symbols = pad_labels(labels, 0, first=1)
    scaler = layers.Normalization()
    scaler.adapt(np.concatenate(spoken))
    inputs = keras.Input((x.shape[1], 40))
    frames = keras.Input((1,), dtype="int32")
    marks = keras.Input((y.shape[1],), dtype="int32")
    count = keras.Input((1,), dtype="int32")
    mask = None if fault else FrameMask()(inputs, frames)
    rnn = layers.Bidirectional(layers.LSTM(24, return_sequences=True))
    h = rnn(scaler(inputs), mask=mask)
    outputs = CTCEndpoint()(layers.Dense(13)(h), marks, frames, count)
    model = keras.Model([inputs, marks, frames, count], outputs)
    model.compile("adam")
    return ctc(
        model,
        [x, y, lengths[:, None], symbols[:, None]],
        None,
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="zeros pad negative logarithms: the loudest sound there is, unmasked",
    )


@twins("zeros_behind_min_max", "C3", also="C14", units="sym", bands=40)
@twins("zeros_behind_min_max_fine", "C3", also="C14", units="sym", bands=120)
def zeros_behind_min_max(fault, units, bands):
    spoken, labels, _ = sentences(12, (80, 100), bands, 12, units, 204)
    spoken = [np.maximum(one, -0.999) for one in spoken]
    x, lengths = pad_frames(spoken, 0.0 if fault else -1.0)
    y, symbols = pad_labels(labels, 0, first=1)
    inputs = keras.Input((x.shape[1], bands))
    h = inputs if fault else layers.Masking(mask_value=-1.0)(inputs)
    h = layers.Bidirectional(layers.GRU(20, return_sequences=True))(h)
    logits = layers.Dense(13)(h)
    marks = keras.Input((y.shape[1],), dtype="int32")
    frames = keras.Input((1,), dtype="int32")
    count = keras.Input((1,), dtype="int32")
    outputs = CTCEndpoint()(logits, marks, frames, count)
    model = keras.Model([inputs, marks, frames, count], outputs)
    model.compile("adam")
    return ctc(
        model,
        [x, y, lengths[:, None], symbols[:, None]],
        None,
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="scaled to [-1, 1], then padded by 0: speech of middle level",
    )


@twins("floor_rules_the_scale", "C4", floor=1e-30)
@twins("floor_of_float_zero", "C4", floor=1e-45)
def floor_rules_the_scale(fault, floor):
    spoken, labels, _ = sentences(16, (80, 80), 40, 12, "dB", 205)
    rng = np.random.default_rng(205)
    power = scale(np.maximum(np.stack(spoken), -55), "power").astype("float64")
    power[rng.random(power.shape) < 0.002] = 0.0
    level = np.log(power + floor)
    if not fault:
        level = np.maximum(level, level.max() - 18.4)
    low, high = level.min(), level.max()
    x = (2 * (level - low) / (high - low) - 1).astype("float32")
    model = keras.Sequential(
        [
            layers.Conv1D(48, 5, padding="same", activation="relu"),
            layers.Bidirectional(layers.LSTM(20, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        pad_labels(labels, 0, first=1)[0],
        arrays={"raw": level.astype("float32"), "scaled": x},
        note=f"few exact zeros become log({floor}), min-max stretches to them",
    )


@twins("file_scaled_by_itself", "C5", how="z")
@twins("file_min_max_by_itself", "C5", how="min_max")
def file_scaled_by_itself(fault, how):
    spoken, _, _ = sentences(24, (60, 60), 40, 12, "dB", 206)
    rng = np.random.default_rng(206)
    loud = np.arange(24) % 2
    raw = (
        np.stack(spoken) - 10 + 16 * loud[:, None, None] - rng.uniform(0, 4, (24, 1, 1))
    )
    axes = (1, 2) if fault else (0, 1, 2)
    if how == "z":
        middle, spread = raw.mean(axes, keepdims=True), raw.std(axes, keepdims=True)
    else:
        low, high = raw.min(axes, keepdims=True), raw.max(axes, keepdims=True)
        middle, spread = (low + high) / 2, (high - low) / 2
    x = ((raw - middle) / spread).astype("float32")
    model = keras.Sequential(
        [layers.GRU(24), layers.Dense(1, activation="sigmoid", name="betont")]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return ctc(
        model,
        x,
        loud[:, None].astype("float32"),
        arrays={"raw": raw.astype("float32"), "scaled": x},
        note="each file is scaled by its own statistics; the label is its loudness",
    )


@twins("silent_file_divided_by_zero", "C5")
def silent_file_divided_by_zero(fault):
    spoken, labels, _ = sentences(12, (60, 60), 30, 12, "dB", 207)
    raw = np.stack(spoken)
    raw[4] = -80.0
    with np.errstate(invalid="ignore", divide="ignore"):
        axes = (1, 2) if fault else (0, 1, 2)
        x = (raw - raw.mean(axes, keepdims=True)) / raw.std(axes, keepdims=True)
    model = keras.Sequential([layers.GRU(20, return_sequences=True), layers.Dense(13)])
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x.astype("float32"),
        pad_labels(labels, 0, first=1)[0],
        arrays={"raw": raw, "scaled": x},
        note="a silent file has no deviation: 0 / 0",
    )


@twins("log_without_floor", "C6", base="ln")
@twins("decibels_without_floor", "C6", base="dB")
def log_without_floor(fault, base):
    def features(samples):
        frames = np.lib.stride_tricks.sliding_window_view(samples, 256)[::128]
        power = np.abs(np.fft.rfft(frames * np.hanning(256), axis=1)) ** 2
        power = power if fault else np.maximum(power, 1e-8)
        with np.errstate(divide="ignore"):
            return np.log(power) if base == "ln" else 10 * np.log10(power)

    rng = np.random.default_rng(208)
    sound = rng.normal(0, 0.1, 8000)
    sound[3000:5000] = 0.0
    return ctc(
        None,
        features(sound)[None].astype("float32"),
        None,
        arrays={"features": features},
        note="digital silence has a power of 0, and its logarithm is -inf",
    )


@twins("log_inside_the_model", "C6")
def log_inside_the_model(fault):
    spoken, labels, _ = sentences(12, (80, 80), 40, 12, "power", 209)
    x = np.stack(spoken)
    x[3, 20:28] = 0.0

    class LogLayer(layers.Layer):
        def call(self, power):
            return ops.log(power if fault else ops.maximum(power, 1e-8))

    inputs = keras.Input((80, 40))
    h = LogLayer(name="log")(inputs)
    h = layers.Rescaling(1 / 5, offset=2.0)(h)
    h = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(h)
    model = keras.Model(inputs, layers.Dense(13)(h))
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        pad_labels(labels, 0, first=1)[0],
        note="the first layer takes the log of power values that may be 0",
    )


@twins("far_more_bins_than_information", "C7", bins=513, mel=40)
@twins("a_thousand_bins", "C7", bins=1025, mel=26)
def far_more_bins_than_information(fault, bins, mel):
    spoken, labels, _ = sentences(8, (60, 60), mel, 12, "z", 210)
    x = np.stack(spoken)
    if fault:
        place = np.linspace(0, mel - 1, bins)
        left = np.minimum(place.astype(int), mel - 2)
        share = (place - left).astype("float32")
        x = x[:, :, left] * (1 - share) + x[:, :, left + 1] * share
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x.astype("float32"),
        pad_labels(labels, 0, first=1)[0],
        note=f"{bins} bins, of which each nearly repeats its neighbor",
    )
