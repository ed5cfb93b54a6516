"""Labels and their way back from the network: C20, C21, C22."""

import keras
import numpy as np
from keras import layers, ops
from program import ctc, pad_labels, sentences, twins


def collapse(frames):
    """Keep a label where it differs from the one before."""
    frames = np.asarray(frames)
    return frames[np.insert(frames[1:] != frames[:-1], 0, True)]


@twins("doubles_lost", "C20", bands=40, phones=12)
@twins("doubles_lost_many_phones", "C20", bands=80, phones=20)
def doubles_lost(fault, bands, phones):
    spoken, labels, by_frame = sentences(
        12, (90, 90), bands, phones, "z", 281, doubles=True
    )
    used = [collapse(one) for one in by_frame] if fault else labels
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(20, return_sequences=True)),
            layers.Dense(phones + 1),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        np.stack(spoken),
        pad_labels(used, 0, first=1)[0],
        arrays={
            "frame_labels": np.stack(by_frame),
            "segments_table": labels,
            "labels": used,
        },
        note="labels come from frames, repeats removed: true doubles become one",
    )


@twins("doubles_lost_in_function", "C20")
def doubles_lost_in_function(fault):
    words = {"annehmen": "a n n e m e n", "mit_tee": "m i t t e", "see": "s e"}
    segments = [text.split() for text in words.values()]
    by_frame = [np.repeat(one, 5) for one in segments]

    def labels_of(frames, segments):
        return collapse(frames).tolist() if fault else list(segments)

    used = [labels_of(f, s) for f, s in zip(by_frame, segments, strict=True)]
    return ctc(
        None,
        None,
        None,
        arrays={
            "collapse": labels_of,
            "frame_labels": by_frame,
            "segments_table": segments,
            "labels": used,
        },
        note="'mit Tee' has two t, one at the end of a word and one at the start",
    )


def path_with_doubles(rng, labels, blank):
    """Frames that spell the labels: each some frames long, blanks in between."""
    frames = []
    for one in labels:
        frames += [one] * int(rng.integers(1, 4)) + [blank] * int(rng.integers(1, 3))
    return np.array(frames)


@twins("blanks_removed_first", "C21", blank=0)
@twins("blanks_removed_first_blank_last", "C21", blank=12)
def blanks_removed_first(fault, blank):
    rng = np.random.default_rng(282)
    labels = [np.array([3, 3, 5, 1, 1, 2]), np.array([4, 7, 7, 7, 2])]
    posteriors = []
    for one in labels:
        path = path_with_doubles(rng, one, blank)
        posteriors.append(0.05 / 12 + 0.9 * np.eye(13)[path])

    def decode(posterior):
        best = posterior.argmax(axis=-1)
        if fault:
            return collapse(best[best != blank]).tolist()
        best = collapse(best)
        return best[best != blank].tolist()

    return ctc(
        None,
        posteriors[0][None].astype("float32"),
        None,
        arrays={
            "decode": decode,
            "posteriors": posteriors,
            "labels": labels,
            "blank": blank,
        },
        note="blanks are removed, then repeats: doubles are lost",
    )


@twins("repeats_never_collapsed", "C21")
def repeats_never_collapsed(fault):
    spoken, labels, _ = sentences(4, (60, 60), 26, 12, "z", 283)
    model = keras.Sequential([layers.GRU(16, return_sequences=True), layers.Dense(13)])
    model.compile("adam", keras.losses.CTC())

    def decode(posterior):
        best = ops.convert_to_numpy(ops.argmax(posterior, axis=-1))
        best = best if fault else collapse(best)
        return best[best != 0].tolist()

    rng = np.random.default_rng(283)
    truth = [one + 1 for one in labels]
    posteriors = [np.eye(13)[path_with_doubles(rng, one, 0)] for one in truth]
    return ctc(
        model,
        np.stack(spoken),
        pad_labels(labels, 0, first=1)[0],
        arrays={
            "decode": decode,
            "posteriors": posteriors,
            "labels": truth,
            "blank": 0,
        },
        note="repeats are not collapsed at all: every frame is a symbol",
    )


@twins("greedy_where_a_beam_is_better", "C21")
def greedy_where_a_beam_is_better(fault):
    posterior = np.array([[0.6, 0.4], [0.6, 0.4]])  # blank, "a"

    def decode(posterior):
        if fault:
            best = collapse(posterior.argmax(axis=-1))
            return best[best != 0].tolist()
        best, most = [], 0.0
        sums = {}
        for path in np.ndindex(*[posterior.shape[1]] * len(posterior)):
            symbols = collapse(path)
            key = tuple(int(s) for s in symbols[symbols != 0])
            share = float(np.prod(posterior[np.arange(len(path)), list(path)]))
            sums[key] = sums.get(key, 0.0) + share
            if sums[key] > most:
                best, most = list(key), sums[key]
        return best

    return ctc(
        None,
        posterior[None].astype("float32"),
        None,
        arrays={
            "decode": decode,
            "posteriors": [posterior],
            "labels": [np.array([1])],
            "blank": 0,
        },
        note="blank-blank has 0.36, but the paths that spell 'a' have 0.64 together",
    )


def with_gaps(by_frame, classes, seed):
    """One-hot targets with rows of zeros where nobody labeled."""
    rng = np.random.default_rng(seed)
    hot = np.eye(classes, dtype="float32")[np.stack(by_frame)]
    for one in hot:
        for start in rng.integers(0, hot.shape[1] - 8, 2):
            one[start : start + 6] = 0
    return hot


@twins("argmax_of_rows_of_zeros", "C22", classes=12, bands=40)
@twins("argmax_of_rows_of_zeros_fine", "C22", classes=24, bands=128)
def argmax_of_rows_of_zeros(fault, classes, bands):
    spoken, _, by_frame = sentences(8, (60, 60), bands, classes, "z", 284)
    hot = with_gaps(by_frame, classes, 284)
    y = hot.argmax(axis=-1).astype("int32")
    if not fault:
        y[hot.sum(axis=-1) == 0] = classes
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.Dense(classes + 1, activation="softmax"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=classes)
    model.compile("adam", loss)
    return ctc(
        model,
        np.stack(spoken),
        y,
        arrays={"one_hot": hot, "classes": classes},
        note="argmax of a row of zeros is 0: unlabeled frames become class 0",
    )


@twins("accuracy_over_rows_of_zeros", "C22")
def accuracy_over_rows_of_zeros(fault):
    spoken, _, by_frame = sentences(8, (60, 60), 26, 12, "z", 285)
    hot = with_gaps(by_frame, 12, 285)
    if not fault:
        hot = np.concatenate([hot, 1 - hot.sum(axis=-1, keepdims=True)], axis=-1)
    model = keras.Sequential(
        [
            layers.Conv1D(32, 9, padding="same", activation="relu"),
            layers.Dense(hot.shape[-1], activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return ctc(
        model,
        np.stack(spoken),
        hot,
        arrays={"one_hot": hot, "classes": hot.shape[-1]},
        note="categorical accuracy counts a row of zeros as class 0",
    )
