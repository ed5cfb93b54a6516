"""Pairs that are too easy, too few or too much alike: S24, S25, S26, S27."""

import keras
import numpy as np
from keras import layers, ops
from parts import hinge
from program import pair_data, pairs, scale, siamese, speech, twins


def manhattan_model(base, shape):
    """Two inputs, one base network, Manhattan distance; compiled."""
    a, b = keras.Input(shape), keras.Input(shape)
    d = ops.sum(ops.abs(base(a) - base(b)), axis=-1, keepdims=True)
    model = keras.Model([a, b], d)
    model.compile("adam", hinge(6.0))
    return model


def batch_of(x, drawn):
    """(x_a, x_b), y of a table of pairs."""
    y = drawn["same"].to_numpy("float32")[:, None]
    return (x[drawn["i"].to_numpy()], x[drawn["j"].to_numpy()]), y


def split_in_segments(seed, bands, segments=4):
    """Cut recordings of 160 frames into segments of 40; a row for each segment."""
    x, table = speech(8, 2, 2, 160, bands, seed=seed)
    cut = x.reshape(len(x) * segments, 40, bands)
    rows = table.loc[table.index.repeat(segments)].reset_index(drop=True)
    rows["start"] = np.tile(np.arange(segments) * 0.4, len(x))
    return cut, rows


@twins("positives_of_one_recording", "S24", bands=40)
@twins("positives_of_one_recording_wide", "S24", bands=128)
def positives_of_one_recording(fault, bands):
    x, table = split_in_segments(131, bands)
    rng = np.random.default_rng(131)
    drawn = pairs(table, 48, 131)
    if fault:
        j = drawn["j"].to_numpy().copy()
        for row in np.flatnonzero(drawn["same"] == 1):
            first = int(drawn.loc[row, "i"]) // 4 * 4
            others = [k for k in range(first, first + 4) if k != drawn.loc[row, "i"]]
            j[row] = rng.choice(others)
        drawn["j"] = j
        for column in table.columns:
            drawn[f"{column}_b"] = table.loc[j, column].to_numpy()
    (a, b), y = batch_of(x, drawn)
    base = keras.Sequential([layers.LSTM(16), layers.Dense(16)])
    return siamese(
        manhattan_model(base, (40, bands)),
        (a, b),
        y,
        pairs=drawn,
        note="both halves of every positive pair are cut from the same recording",
    )


@twins("split_by_segment", "S24")
def split_by_segment(fault):
    x, table = split_in_segments(132, 26)
    rng = np.random.default_rng(132)
    if fault:
        chosen = rng.permutation(len(table)) < 96
    else:
        chosen = (table["speaker"] < 6).to_numpy()
    model = keras.Sequential(
        [
            layers.Conv1D(24, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(8, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        x[chosen],
        table["speaker"].to_numpy("int32")[chosen],
        arrays={"train": table[chosen], "test": table[~chosen]},
        note="segments of one recording are drawn for training and for the test",
    )


@twins("pairs_split_at_random", "S24")
def pairs_split_at_random(fault):
    x, table = speech(10, 2, 2, 40, 40, seed=133)
    if fault:
        drawn = pairs(table, 120, 133)
        train, test = drawn[:80], drawn[80:].reset_index(drop=True)
    else:
        known = table["speaker"] < 6
        train = pairs(table, 80, 133, keep=lambda a, b, _: max(a.name, b.name) < 24)
        test = pairs(table, 40, 134, keep=lambda a, b, _: min(a.name, b.name) >= 24)
        assert known.sum() == 24
    (a, b), y = batch_of(x, train)
    base = keras.Sequential([layers.GRU(16), layers.Dense(12)])
    return siamese(
        manhattan_model(base, (40, 40)),
        (a, b),
        y,
        pairs=train,
        arrays={"train": train, "test": test},
        note="train_test_split over pairs: the same recordings on both sides",
    )


class PairSequence(keras.utils.PyDataset):
    """Batches of pairs, drawn anew for each index."""

    def __init__(self, x, table, same_seed):
        super().__init__()
        self.x, self.table, self.same_seed = x, table, same_seed

    def __len__(self):
        return 6

    def indices(self, index):
        """Table of the pairs of a batch."""
        return pairs(self.table, 16, 42 if self.same_seed else 42 + index)

    def __getitem__(self, index):
        return batch_of(self.x, self.indices(index))


@twins("seed_inside_getitem", "S25")
def seed_inside_getitem(fault):
    x, table = speech(8, 2, 2, 40, 30, seed=135)
    data = PairSequence(x, table, same_seed=fault)
    (a, b), y = data[0]
    base = keras.Sequential([layers.GRU(16), layers.Dense(12)])
    batches = [data.indices(k)[["i", "j", "same"]].to_numpy() for k in range(6)]
    return siamese(
        manhattan_model(base, (40, 30)),
        (a, b),
        y,
        arrays={"batches": batches, "dataset": data},
        note="the generator is seeded with 42 for every batch: always the same pairs",
    )


@twins("few_pairs_for_ever", "S25")
def few_pairs_for_ever(fault):
    x, table = speech(10, 2, 4, 30, 20, seed=136)
    epochs = []
    for epoch in range(8):
        drawn = pairs(table, 40, 136 if fault else 136 + epoch)
        epochs.append(drawn[["i", "j", "same"]].to_numpy())
    (a, b), y = batch_of(x, pairs(table, 40, 136))
    base = keras.Sequential(
        [layers.Conv1D(16, 3, activation="relu"), layers.Flatten(), layers.Dense(8)]
    )
    return siamese(
        manhattan_model(base, (30, 20)),
        (a, b),
        y,
        arrays={"epochs": epochs},
        note="40 pairs are drawn once and shown in every epoch",
    )


@twins("workers_with_one_seed", "S25")
def workers_with_one_seed(fault):
    x, table = speech(8, 2, 4, 30, 40, seed=137)
    workers = {}
    for worker in range(4):
        rng = np.random.default_rng(0 if fault else [0, worker])
        seeds = rng.integers(2**31, size=5)
        workers[worker] = [
            pairs(table, 12, int(s))[["i", "j", "same"]].to_numpy() for s in seeds
        ]
    (a, b), y = batch_of(x, pairs(table, 24, 137))
    base = keras.Sequential([layers.LSTM(12), layers.Dense(12)])
    return siamese(
        manhattan_model(base, (30, 40)),
        (a, b),
        y,
        arrays={"workers": workers},
        note="each of four workers starts with seed 0 and delivers the same batches",
    )


@twins("negatives_of_other_sex", "S26", bands=40)
@twins("negatives_of_other_sex_mfcc", "S26", bands=13)
def negatives_of_other_sex(fault, bands):
    x, table = speech(14, 2, 2, 40, bands, seed=138)

    def keep(a, b, same):
        return same or a["sex"] != b["sex"]

    drawn = pairs(table, 64, 138, keep if fault else None)
    (a, b), y = batch_of(x, drawn)
    base = keras.Sequential([layers.Bidirectional(layers.GRU(12)), layers.Dense(12)])
    return siamese(
        manhattan_model(base, (40, bands)),
        (a, b),
        y,
        pairs=drawn,
        note="every negative pair is a man and a woman",
    )


@twins("negatives_of_one_kind", "S26")
def negatives_of_one_kind(fault):
    x, table = speech(10, 2, 4, 30, 64, seed=139)

    def keep(a, b, same):
        return same or {a["speaker"], b["speaker"]} == {0, 1}

    drawn = pairs(table, 48, 139, keep if fault else None)
    (a, b), y = batch_of(x, drawn)
    base = keras.Sequential([layers.LSTM(20), layers.Dense(12)])
    return siamese(
        manhattan_model(base, (30, 64)),
        (a, b),
        y,
        pairs=drawn,
        note="every negative pair is speaker 0 against speaker 1",
    )


@twins("always_the_first_frames", "S27", bands=40)
@twins("always_the_first_frames_fine", "S27", bands=128)
def always_the_first_frames(fault, bands):
    long, table = speech(8, 2, 3, 200, bands, seed=140)
    rng = np.random.default_rng(140)
    start = np.zeros(len(long), int) if fault else rng.integers(0, 160, len(long))
    x = np.stack([one[s : s + 40] for one, s in zip(long, start, strict=True)])
    table["start"] = start * 0.01
    drawn = pairs(table, 40, 140)
    (a, b), y = batch_of(x, drawn)
    base = keras.Sequential([layers.LSTM(16), layers.Dense(12)])
    return siamese(
        manhattan_model(base, (40, bands)),
        (a, b),
        y,
        pairs=drawn,
        arrays={"recordings": long[:8], "starts": start},
        note="only the first 0.4 s of each recording are ever used",
    )


@twins("crop_that_never_moves", "S27")
def crop_that_never_moves(fault):
    long, _ = speech(4, 1, 2, 300, 20, units="dB", seed=141)
    long = scale(long, "z")

    def crop(spectrogram, rng):
        last = len(spectrogram) - 40
        start = 0 if fault else int(rng.integers(last + 1))
        return spectrogram[start : start + 40]

    (a, b), y, _ = pair_data(16, frames=40, bands=20, seed=141)
    base = keras.Sequential([layers.GRU(12), layers.Dense(8)])
    return siamese(
        manhattan_model(base, (40, 20)),
        (a, b),
        y,
        arrays={"crop": crop, "recordings": long},
        note="crop(spectrogram, rng) never asks rng",
    )
