"""Inputs in the wrong units, order or room: S28, S29, S30, S38."""

import keras
import numpy as np
from keras import layers, ops
from parts import hinge
from program import pair_data, pairs, scale, siamese, speech, twins


def compiled(base, shape, margin=2.0):
    """Two inputs, one base network, Euclidean distance."""
    a, b = keras.Input(shape), keras.Input(shape)
    difference = base(a) - base(b)
    d = ops.sqrt(ops.sum(difference**2, axis=-1, keepdims=True) + 1e-8)
    model = keras.Model([a, b], d)
    model.compile("adam", hinge(margin))
    return model


@twins("blstm_on_decibels", "S30", units="dB", offset=0.0)
@twins("blstm_on_natural_log", "S30", units="ln", offset=0.0)
@twins("blstm_on_magnitudes", "S30", units="int16", offset=0.0)
@twins("blstm_on_positive_decibels", "S30", units="dB", offset=120.0)
@twins("blstm_on_offset_thousand", "S30", also="S10 S11", units="z", offset=1000.0)
def blstm_unscaled(fault, units, offset):
    x, table = speech(frames=40, bands=64, units=units if fault else "z", seed=121)
    x = x + np.float32(offset) if fault else x
    drawn = pairs(table, 32, 121)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(24, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(16)),
            layers.Dense(16),
        ]
    )
    return siamese(
        compiled(base, (40, 64)),
        (x[drawn["i"]], x[drawn["j"]]),
        drawn["same"].to_numpy("float32")[:, None],
        pairs=drawn,
        extractor=base,
        note=f"{units} + {offset} go into the gates as they are",
    )


@twins("tanh_net_on_bytes", "S30", units="byte")
@twins("tanh_net_on_int16", "S30", units="int16")
def tanh_net_unscaled(fault, units):
    x, table = speech(speakers=6, frames=20, bands=40, seed=122, units="dB")
    x = scale(x, units if fault else "sym")
    model = keras.Sequential(
        [
            layers.Flatten(),
            layers.Dense(64, activation="tanh"),
            layers.Dense(6, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        note=f"{units}: every tanh is at -1 or 1 from the start",
    )


@twins("gru_on_power", "S30", factor=1e9)
@twins("gru_on_tiny_power", "S30", also="S10 S11", factor=1e-6)
def gru_on_power(fault, factor):
    x, table = speech(frames=50, bands=40, seed=123, units="dB")
    x = scale(x, "power") * np.float32(factor) if fault else scale(x, "z")
    drawn = pairs(table, 32, 123)
    base = keras.Sequential([layers.GRU(32), layers.Dense(16)])
    return siamese(
        compiled(base, (50, 40), 5.0),
        (x[drawn["i"]], x[drawn["j"]]),
        drawn["same"].to_numpy("float32")[:, None],
        pairs=drawn,
        note=f"power values, neither in decibels nor scaled, times {factor}",
    )


def original_of(seed, frames, bands):
    """A spectrogram as librosa gives it: (bands, frames)."""
    return speech(2, 1, 1, frames, bands, seed=seed)[0][0].T.copy()


@twins("rot90_for_transpose", "S28", turns=1, frames=40, bands=128)
@twins("rot90_the_other_way", "S28", turns=-1, frames=100, bands=40)
def rot90_for_transpose(fault, turns, frames, bands):
    x, y, table = pair_data(24, frames=frames, bands=bands, seed=124)
    original = x[0][0].T.copy()
    if fault:
        x = tuple(
            np.stack([np.rot90(one.T, turns) for one in side]).copy() for side in x
        )
    base = keras.Sequential([layers.LSTM(20), layers.Dense(16)])
    return siamese(
        compiled(base, (frames, bands)),
        x,
        y,
        pairs=table,
        arrays={"original": original, "model_input": x[0][0]},
        note="np.rot90 turns (bands, frames): the shape is right, an axis is reversed",
    )


@twins("flip_for_transpose", "S28")
def flip_for_transpose(fault):
    original = original_of(125, 60, 26)
    turned = np.flipud(original.T) if fault else original.T
    model = keras.Sequential(
        [
            keras.Input((60, 26)),
            layers.Conv1D(16, 5, activation="relu"),
            layers.GRU(12),
        ]
    )
    return siamese(
        model,
        turned[None].copy(),
        None,
        extractor=model,
        arrays={"original": original, "model_input": turned.copy()},
        note="the transpose is flipped upside down: time runs backwards",
    )


@twins("mel_bands_as_time_blstm", "S29", cell="blstm", frames=40, bands=128)
@twins("mel_bands_as_time_gru", "S29", cell="gru", frames=100, bands=40)
@twins("mel_bands_as_time_conv", "S29", cell="conv", frames=60, bands=80)
def mel_bands_as_time(fault, cell, frames, bands):
    x, y, table = pair_data(24, frames=frames, bands=bands, seed=126)
    original = x[0][0].T.copy()
    if fault:
        x = tuple(side.transpose(0, 2, 1).copy() for side in x)
    shape = x[0].shape[1:]
    first = {
        "blstm": layers.Bidirectional(layers.LSTM(16)),
        "gru": layers.GRU(24),
        "conv": keras.Sequential(
            [layers.Conv1D(24, 5, activation="relu"), layers.GlobalMaxPooling1D()]
        ),
    }[cell]
    base = keras.Sequential([first, layers.Dense(16)])
    return siamese(
        compiled(base, shape, 3.0),
        x,
        y,
        pairs=table,
        arrays={
            "n_mels": bands,
            "frames": frames,
            "original": original,
            "model_input": x[0][0],
        },
        note=f"(bands, frames) = {(bands, frames)} is read as (frames, bands)",
    )


@twins("one_microphone_each", "S38", mic=12.0, bands=40)
@twins("one_microphone_each_fine", "S38", mic=15.0, bands=128)
def one_microphone_each(fault, mic, bands):
    place = mic if fault else None
    x, table = speech(8, 3, 3, 40, bands, units="dB", seed=127, mic=place)
    if not fault:
        x = x - x.mean(axis=1, keepdims=True)
    x = scale(x, "z")
    drawn = pairs(table, 40, 127)
    drawn["place_a"] = drawn["speaker_a"] if fault else drawn["session_a"]
    drawn["place_b"] = drawn["speaker_b"] if fault else drawn["session_b"]
    base = keras.Sequential([layers.Bidirectional(layers.LSTM(16)), layers.Dense(16)])
    return siamese(
        compiled(base, (40, bands)),
        (x[drawn["i"]], x[drawn["j"]]),
        drawn["same"].to_numpy("float32")[:, None],
        pairs=drawn,
        extractor=base,
        note="every speaker has a microphone of his own: the mean spectrum tells",
    )


@twins("one_session_each", "S38")
def one_session_each(fault):
    place = 14.0 if fault else None
    sessions = 1 if fault else 3
    takes = 6 if fault else 2
    x, table = speech(10, sessions, takes, 50, 40, units="dB", seed=128, mic=place)
    if not fault:
        x = x - x.mean(axis=1, keepdims=True)
    model = keras.Sequential(
        [
            layers.Conv1D(32, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        scale(x, "z"),
        table["speaker"].to_numpy("int32"),
        pairs=table,
        arrays={"speakers": table["speaker"].to_numpy()},
        note="one session, one room for each speaker: the room is enough",
    )
