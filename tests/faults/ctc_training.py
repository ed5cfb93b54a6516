"""Optimizers, order, seeds and loaders: C18, C19, C23, C24, C25, C26."""

import io

import keras
import numpy as np
from keras import layers
from program import ctc, pad_labels, sentences, twins


def network(bands, units=16):
    """An uncompiled BLSTM with 13 logits."""
    rnn = layers.Bidirectional(layers.LSTM(units, return_sequences=True))
    return keras.Sequential([keras.Input((None, bands)), rnn, layers.Dense(13)])


def spoken_batch(seed, bands, frames=60, count=12):
    """x (batch, frames, bands), labels from 1, padded by 0."""
    spoken, labels, _ = sentences(count, (frames, frames), bands, 12, "z", seed)
    return np.stack(spoken), pad_labels(labels, 0, first=1)[0]


def diverging(rng, epochs):
    """Loss that falls, then rises, and gradients that explode with it."""
    epoch = np.arange(epochs)
    loss = np.where(epoch < 5, 60 * np.exp(-epoch / 3), 14 * 1.5 ** (epoch - 5))
    norms = np.exp(np.interp(epoch, [0, 4, epochs], [1.5, 2.0, 6.0]))
    return loss, norms * rng.uniform(0.8, 1.4, epochs)


@twins("sgd_that_diverges", "C18", rate=0.02, clipnorm=5.0, bands=40)
@twins("sgd_that_diverges_fast", "C18", rate=0.5, clipnorm=1.0, bands=80)
def sgd_that_diverges(fault, rate, clipnorm, bands):
    x, y = spoken_batch(261, bands)
    model = network(bands)
    rng = np.random.default_rng(261)
    loss, norms = diverging(rng, 14)
    optimizer = keras.optimizers.SGD(rate, 0.9, nesterov=True, clipnorm=clipnorm)
    if not fault:
        loss = 60 * np.exp(-np.arange(14) / 4)
        norms = rng.uniform(0.2, 0.9, 14) * clipnorm
        optimizer = keras.optimizers.Adam(1e-3, clipnorm=clipnorm)
    model.compile(optimizer, keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={
            "history": {"loss": loss.tolist()},
            "grad_norms": norms.tolist(),
            "clipnorm": clipnorm,
        },
        note=f"SGD({rate}) with momentum: after a good start nearly every step is "
        "clipped, and the loss rises (the logs are drawn, not measured)",
    )


@twins("decay_that_is_ignored", "C19", name="SGD", decay=1e-6)
@twins("decay_of_adam_that_is_ignored", "C19", name="Adam", decay=0.01)
def decay_that_is_ignored(fault, name, decay):
    x, y = spoken_batch(262, 40)
    model = network(40)
    kind = getattr(keras.optimizers, name)
    rate = keras.optimizers.schedules.InverseTimeDecay(1e-3, 1, decay)
    given = (
        {"learning_rate": 1e-3, "decay": decay} if fault else {"learning_rate": rate}
    )
    optimizer = kind(**given)
    model.compile(optimizer, keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={"optimizer_kwargs": given},
        note=f"{name}(decay={decay}): ignored with a warning, the rate stays the same",
    )


@twins("decay_in_a_script", "C19", also="S35")
def decay_in_a_script(fault):
    x, y = spoken_batch(263, 26)
    old = "SGD(learning_rate=0.001, momentum=0.9, decay=1e-5)"
    new = "SGD(learning_rate=ExponentialDecay(0.001, 1000, 0.95), momentum=0.9)"
    return ctc(
        None,
        x,
        y,
        arrays={"source": f"model.compile({old if fault else new}, loss=CTC())"},
        note="decay= in the text of the program",
    )


def stored(arrays):
    """Bytes of .npy files."""
    files = []
    for one in arrays:
        buffer = io.BytesIO()
        np.save(buffer, one)
        files.append(buffer.getvalue())
    return files


@twins("broken_files_are_skipped", "C23", instead="skip")
@twins("broken_files_become_zeros", "C23", instead="zeros")
@twins("broken_files_become_the_last", "C23", instead="last")
def broken_files(fault, instead):
    x, y = spoken_batch(264, 30)

    def load(files):
        spectrograms = []
        for data in files:
            try:
                spectrograms.append(np.load(io.BytesIO(data)))
            except Exception:
                if not fault:
                    raise
                if instead == "zeros":
                    spectrograms.append(np.zeros((60, 30), "float32"))
                elif instead == "last" and spectrograms:
                    spectrograms.append(spectrograms[-1])
        return spectrograms

    model = network(30)
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={"loader": load, "files": stored(x), "broken": b"RIFF broken"},
        note=f"except Exception: a broken file is hidden ({instead})",
    )


@twins("sorted_and_never_shuffled", "C24", direction=1)
@twins("sorted_from_long_to_short", "C24", direction=-1)
def sorted_and_never_shuffled(fault, direction):
    x, y = spoken_batch(265, 20)
    rng = np.random.default_rng(265)
    lengths = rng.integers(40, 300, 64)
    by_length = np.argsort(direction * lengths, kind="stable")
    batches = by_length.reshape(8, 8)
    order = []
    for _ in range(6):
        turn = batches if fault else rng.permutation(batches)
        order.append(turn.reshape(-1).tolist())
    model = network(20)
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={"order": order, "lengths": lengths},
        note="batches in order of length, the same in all epochs",
    )


class Sentences(keras.utils.PyDataset):
    """Batches of four sentences, sorted by length."""

    def __init__(self, x, y, shuffle):
        super().__init__()
        self.x, self.y, self.shuffle = x, y, shuffle
        self.rng = np.random.default_rng(0)
        self.order = np.arange(len(x) // 4)

    def __len__(self):
        return len(self.order)

    def __getitem__(self, index):
        rows = slice(4 * self.order[index], 4 * self.order[index] + 4)
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        if self.shuffle:
            self.order = self.rng.permutation(self.order)


@twins("dataset_without_shuffle", "C24")
def dataset_without_shuffle(fault):
    x, y = spoken_batch(266, 26, count=24)
    data = Sentences(x, y, shuffle=not fault)
    lengths = np.arange(40, 64)
    order = []
    for _ in range(4):
        order.append((4 * data.order[:, None] + np.arange(4)).reshape(-1).tolist())
        data.on_epoch_end()
    model = network(26)
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={
            "order": order,
            "lengths": lengths,
            "dataset": data,
            "fit": {"epochs": 4, "shuffle": not fault},
        },
        note="on_epoch_end does nothing: the dataset keeps its order of lengths",
    )


@twins("no_validation", "C25", what="validation")
@twins("no_seed", "C25", what="seed")
@twins("neither_seed_nor_validation", "C25", what="both")
def no_validation(fault, what):
    x, y = spoken_batch(267, 40, count=16)
    model = network(40)
    model.compile("adam", keras.losses.CTC())
    loss = (50 * np.exp(-np.arange(8) / 5)).tolist()
    fit = {"epochs": 8, "batch_size": 8, "validation_data": (x[12:], y[12:])}
    history = {"loss": loss, "val_loss": [1.1 * one + 3 for one in loss]}
    seed = 7
    if fault and what in ("validation", "both"):
        del fit["validation_data"], history["val_loss"]
    if fault and what in ("seed", "both"):
        seed = None
    return ctc(
        model,
        x[:12],
        y[:12],
        arrays={"fit": fit, "history": history, "seed": seed},
        note=f"missing: {what}",
    )


@twins("long_sentences_first", "C26", how="long_first")
@twins("any_length_first", "C26", how="random")
def long_sentences_first(fault, how):
    x, y = spoken_batch(268, 30)
    rng = np.random.default_rng(268)
    lengths = rng.integers(30, 600, 80)
    by_length = np.argsort(lengths)
    order = [rng.permutation(80).tolist() for _ in range(5)]
    if not fault:
        order[0] = by_length.tolist()
    elif how == "long_first":
        order[0] = by_length[::-1].tolist()
    loss = 0.9 * lengths + rng.normal(0, 8, 80)
    model = network(30)
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={
            "order": order,
            "lengths": lengths,
            "loss_by_utterance": loss.tolist(),
        },
        note="lengths from 30 to 600 frames, and the first epoch does not start short",
    )
