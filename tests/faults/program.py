"""What a test program is, the register of all of them, and synthetic speech.

Public names:

- `Program`: one program with what is wrong with it; `siamese`, `ctc` make one.
- `twins`: registers a function (fault: bool) -> Program as NAME_bad and NAME_good.
- `healthy`: registers a function () -> Program as NAME.
- `REGISTRY`: name -> function without arguments that returns a Program.
- `speech`, `pairs`, `pair_data`: recordings of speakers, and pairs of them.
- `sentences`, `pad_frames`, `pad_labels`: utterances with phones, for CTC.
- `scale`: decibels -> other units.

`build` calls keras.utils.set_random_seed with a number that comes from the name
without its ending, so that twins start from the same weights.

Keys of `Program.arrays` (only those that a program needs):

margin                  of the hinge, in units of the distance
n_mels, bands, frames   what the axes of the input should be
original, model_input   a spectrogram (bands, frames) and what the network receives
raw, scaled             the same utterances before and after scaling
features                function: samples -> log spectrogram
linkage_input           what goes to scipy.cluster.hierarchy.linkage, linkage_method
embeddings, speakers    one row and one label for each recording or segment
segments, utterances    embeddings of segments and the utterance of each
averaged                one embedding for each utterance
trained_with, clustered_with    names of distances
layout                  2-D picture of `embeddings`
callbacks, history      of training: history is a dict of lists, one value an epoch
train, test             tables of the two sides of a split
epochs, batches, workers        index pairs of each epoch / batch / worker
order, lengths          order of utterances in each epoch, frames of each utterance
loader, files, broken   function: list of files -> spectrograms; bytes; a broken one
crop, recordings        function: long spectrogram -> segment; long spectrograms
decode, posteriors, blank, labels, frame_labels, segments_table   of CTC labels
collapse                function: frame labels -> labels
input_lengths, label_lengths    as the loss receives them
one_hot, classes        framewise targets before they were turned into numbers
source                  text of the program, where it cannot run today
config, saved_weights   of a file that an older Keras wrote
optimizer_kwargs        arguments of the optimizer, as written
raises                  the program's own error, where it does not run at all
blank_rate, grad_norms, clipnorm, loss_by_utterance   what was logged
fit                     arguments of model.fit; `seed` the seed, or None
metric                  function (y_true, y_pred) -> a number
tower_a, tower_b        the two networks of a pair
"""

import dataclasses
import functools
import zlib
from typing import Any

import keras
import numpy as np
import pandas as pd


@dataclasses.dataclass(frozen=True)
class Program:
    """One program: what it builds, what it trains on, and what is wrong with it."""

    name: str
    kind: str
    faults: frozenset
    also: frozenset
    model: Any
    batch: tuple
    loss: Any = None
    metrics: tuple = ()
    optimizer: Any = None
    extractor: Any = None
    distance: Any = None
    pairs: Any = None
    arrays: dict = dataclasses.field(default_factory=dict)
    note: str = ""


REGISTRY = {}


def siamese(model, x, y, **more):
    """Make a Program of speaker embeddings; `twins` or `healthy` fill in the rest."""
    return Program("", "siamese", frozenset(), frozenset(), model, (x, y), **more)


def ctc(model, x, y, **more):
    """Make a Program of phone recognition; `twins` or `healthy` fill in the rest."""
    return Program("", "ctc", frozenset(), frozenset(), model, (x, y), **more)


def twins(name, faults, /, also="", **settings):
    """Register a program with a fault and its healthy twin."""

    def register(function):
        for fault in (True, False):
            REGISTRY[f"{name}_{'bad' if fault else 'good'}"] = functools.partial(
                _build, function, name, fault, faults, also, settings
            )
        return function

    return register


def healthy(name, /, also="", **settings):
    """Register a program that no honest diagnosis would accuse."""

    def register(function):
        REGISTRY[name] = functools.partial(
            _build, function, name, None, "", also, settings
        )
        return function

    return register


def _build(function, name, fault, faults, also, settings):
    keras.backend.clear_session()
    keras.utils.set_random_seed(zlib.crc32(name.encode()) % 2**31)
    given = settings if fault is None else {"fault": fault, **settings}
    program = function(**given)
    note = program.note
    if fault is False:
        name, faults, also = f"{name}_good", "", ""
        note = f"Healthy twin of: {note}"
    elif fault:
        name = f"{name}_bad"
    return dataclasses.replace(
        program,
        name=name,
        faults=frozenset(faults.split()),
        also=frozenset(also.split()),
        note=note,
    )


# ---------------------------------------------------------------- synthetic speech

PHONES = 24
_inventory = np.random.default_rng(7)
_FORMANTS = np.sort(_inventory.uniform(0.04, 0.9, (PHONES, 3)), axis=1)
_LEVEL = _inventory.uniform(-8, 6, PHONES)
_VOICED = _inventory.random(PHONES) < 0.75


def _smooth(rng, bands, spread):
    """Draw a smooth curve over frequency, in dB."""
    knots = rng.normal(0, spread, 8)
    return np.interp(np.linspace(0, 7, bands), np.arange(8), knots)


def _voice(rng, bands):
    male = bool(rng.random() < 0.5)
    return {
        "sex": "m" if male else "f",
        "pitch": rng.uniform(95, 135) if male else rng.uniform(175, 240),
        "tract": rng.uniform(0.84, 0.94) if male else rng.uniform(0.98, 1.1),
        "tilt": rng.uniform(12, 24),
        "gain": _smooth(rng, bands, 4.0),
    }


def _spectrogram(rng, voice, phones, bands, channel):
    """Decibels, (frames, bands): formants, harmonics, energy, channel, noise."""
    frequency = np.linspace(0, 1, bands)
    time = np.arange(len(phones))[:, None]
    centers = (_FORMANTS[phones] * voice["tract"])[:, :, None]
    peaks = 30 * np.exp(-0.5 * ((frequency - centers) / 0.05) ** 2).max(axis=1)
    pitch = voice["pitch"] * (1 + 0.08 * np.sin(time / 17 + rng.uniform(0, 6)))
    ripple = (6 if bands > 100 else 2) * np.cos(2 * np.pi * 8000 * frequency / pitch)
    energy = 4 * np.sin(time / 11 + rng.uniform(0, 6)) + _LEVEL[phones][:, None]
    level = -60 + peaks + ripple * _VOICED[phones][:, None] + energy
    level = level - voice["tilt"] * frequency + voice["gain"] + channel
    return np.clip(level + rng.normal(0, 2.5, level.shape), -80, 0)


def _phone_sequence(rng, frames, phones, duration, doubles):
    """Draw phones and their durations until the frames are full."""
    sequence, each = [], []
    while sum(each) < frames:
        new = int(rng.integers(phones))
        if sequence and (new == sequence[-1]) and not doubles:
            continue
        if doubles and sequence and rng.random() < 0.3:
            new = sequence[-1]
        sequence.append(new)
        each.append(int(rng.integers(duration[0], duration[1] + 1)))
    return np.array(sequence), np.repeat(sequence, each)[:frames]


def scale(db, units):
    """Turn decibels (-80 to 0) into other units.

    "dB", "ln" (natural log of power), "z" (mean 0, deviation 1 over all of it), "unit"
    [0, 1], "sym" [-1, 1], "byte" [0, 255], "int16" (magnitudes up to 32767), "power".
    """
    db = np.asarray(db, "float64")
    values = {
        "dB": lambda: db,
        "ln": lambda: db * np.log(10) / 10,
        "z": lambda: (db - db.mean()) / db.std(),
        "unit": lambda: (db + 80) / 80,
        "sym": lambda: (db + 80) / 40 - 1,
        "byte": lambda: np.round((db + 80) / 80 * 255),
        "int16": lambda: 32767 * 10 ** (db / 20),
        "power": lambda: 10 ** (db / 10),
    }[units]()
    return values.astype("float32")


def speech(
    speakers=8, sessions=2, takes=4, frames=40, bands=40, units="z", seed=0, mic=None
):
    """Record speakers: x (recordings, frames, bands), and a table of the recordings.

    Each session has a channel of its own (3 dB). With `mic` in dB each speaker has one
    channel of that spread instead, the same in all of his sessions.
    """
    rng = np.random.default_rng(seed)
    x, rows = [], []
    for speaker in range(speakers):
        voice = _voice(rng, bands)
        place = _smooth(rng, bands, mic or 0.0)
        for session in range(sessions):
            channel = place if mic else _smooth(rng, bands, 3.0) + rng.normal(0, 2)
            for take in range(takes):
                phones = _phone_sequence(rng, frames, PHONES, (4, 8), False)[1]
                x.append(_spectrogram(rng, voice, phones, bands, channel))
                recording = f"s{speaker:02d}_d{session}_t{take}"
                start = round(float(rng.uniform(0, 9)), 2)
                rows.append((speaker, session, recording, voice["sex"], start))
    columns = ["speaker", "session", "recording", "sex", "start"]
    return scale(np.stack(x), units), pd.DataFrame(rows, columns=columns)


def pairs(table, count, seed=0, keep=None):
    """Draw balanced pairs: i, j, same, and both recordings' columns (_a, _b).

    Positive pairs come from two recordings, of two sessions if there are two. `keep`
    (row_a, row_b, same) -> bool may reject a pair.
    """
    rng = np.random.default_rng(seed)
    speaker = table["speaker"].to_numpy()
    session = table["session"].to_numpy()
    several = table["session"].nunique() > 1
    rows, seen, tries = [], set(), 0
    while len(rows) < count:
        tries += 1
        if tries > 500 * count:
            raise ValueError(f"only {len(rows)} of {count} pairs could be drawn")
        same = len(rows) % 2
        i, j = (int(k) for k in rng.integers(len(table), size=2))
        if i == j or (i, j) in seen or (speaker[i] == speaker[j]) != bool(same):
            continue
        if same and several and session[i] == session[j]:
            continue
        if keep and not keep(table.loc[i], table.loc[j], same):
            continue
        seen.add((i, j))
        rows.append((i, j, same))
    drawn = pd.DataFrame(rows, columns=["i", "j", "same"])
    drawn = drawn.sample(frac=1, random_state=seed).reset_index(drop=True)
    for side, column in (("_a", "i"), ("_b", "j")):
        half = table.loc[drawn[column]].reset_index(drop=True).add_suffix(side)
        drawn = pd.concat([drawn, half], axis=1)
    return drawn


def pair_data(count=32, label="same", shape=2, seed=0, **recording):
    """Return (x_a, x_b), y, table of pairs; y is 1 for `label`, of rank `shape`."""
    x, table = speech(seed=seed, **recording)
    drawn = pairs(table, count, seed)
    y = drawn["same"].to_numpy("float32")
    y = y if label == "same" else 1 - y
    y = y[:, None] if shape == 2 else y
    return (x[drawn["i"]], x[drawn["j"]]), y, drawn


def sentences(
    count=16,
    frames=(80, 80),
    bands=40,
    phones=12,
    units="z",
    seed=0,
    duration=(6, 10),
    doubles=False,
):
    """Speak sentences: lists of spectrograms, labels (from 0), and frame labels."""
    rng = np.random.default_rng(seed)
    db, labels, by_frame = [], [], []
    voices = [_voice(rng, bands) for _ in range(4)]
    for index in range(count):
        length = int(rng.integers(frames[0], frames[1] + 1))
        sequence, each = _phone_sequence(rng, length, phones, duration, doubles)
        channel = _smooth(rng, bands, 3.0)
        db.append(_spectrogram(rng, voices[index % 4], each, bands, channel))
        labels.append(sequence)
        by_frame.append(each)
    flat = scale(np.concatenate(db), units)
    ends = np.cumsum([len(one) for one in db])[:-1]
    return np.split(flat, ends), labels, by_frame


def pad_frames(spectrograms, value, total=None):
    """Pad at the end: (batch, frames, bands), and the true lengths (batch,)."""
    lengths = np.array([len(one) for one in spectrograms], "int32")
    total = total or int(lengths.max())
    bands = spectrograms[0].shape[1]
    x = np.full((len(lengths), total, bands), value, "float32")
    for row, one in zip(x, spectrograms, strict=True):
        row[: len(one)] = one
    return x, lengths


def pad_labels(labels, value, first=0):
    """Pad at the end: (batch, labels) counted from `first`, and the true lengths."""
    lengths = np.array([len(one) for one in labels], "int32")
    y = np.full((len(labels), int(lengths.max())), value, "int32")
    for row, one in zip(y, labels, strict=True):
        row[: len(one)] = one + first
    return y, lengths
