"""What does the CTC network of the post say, epoch by epoch?

    python benchmarks/ctc.py                    one of the synthetic German voices
    python benchmarks/ctc.py --textgrid ROOT    recordings beside TextGrids

`siamlab.posts.ctc`, trained as it was posted, and with one thing changed in each row:
the scaling, the optimizer, fragments that grow by one phone in each epoch, or a label
for each frame in place of CTC. Spectrograms are padded with zeros in all rows. The
seeds determine the weights, the order of the sentences and the split. Figures are saved
after each training, so that a run can be interrupted.
"""

import dataclasses
from functools import partial
from pathlib import Path

import keras
import numpy as np
from _report import Runs, argument_parser, machine, publish, table

import siamlab as sl
from siamlab.posts import ctc

ENDS = "[", "]"  # the symbols of the post for the pauses at both ends
SR = 16000  # hertz, of the voices
SHOWN = 40  # phones of a decoded sentence
FIGURES = {
    "loss": "loss",
    "train": "error, training",
    "test": "error, test",
    "blanks": "blanks",
    "different": "different",
    "dependence": "dependence",
}
HEAD = "row", "epoch", *FIGURES.values(), "a test sentence, seed 0"


@dataclasses.dataclass(frozen=True)
class Row:
    scaler: object
    optimizer: object = ctc.sgd
    kind: str = "CTC"


def rows(raw):
    """Return the rows; `raw` scales decibels to natural logarithms, as posted."""
    plus_20 = sl.scaling.AffineScaler(raw.shift - 20 * raw.scale, raw.scale)
    min_max = sl.scaling.MinMaxScaler(per="utterance")
    standard = sl.scaling.StandardScaler()
    adam = partial(keras.optimizers.Adam, 0.001, global_clipnorm=5.0)
    return {
        "as posted": Row(raw),
        "+20": Row(plus_20),
        "min-max": Row(min_max),
        "standardized": Row(standard),
        "as posted, Adam": Row(raw, adam),
        "standardized, Adam": Row(standard, adam),
        "as posted, growing": Row(raw, kind="growing"),
        "standardized, growing": Row(standard, kind="growing"),
        "as posted, framewise": Row(raw, kind="framewise"),
        "standardized, framewise": Row(standard, kind="framewise"),
    }


def read(arguments, spectrogram):
    """Return the features of all sentences, with symbols for the pauses at the ends."""
    if arguments.textgrid:
        corpus = sl.corpora.textgrid(arguments.textgrid, tier=arguments.tier)
    else:
        n = arguments.sentences
        corpus = sl.corpora.voices("de", 1, n_utterances=n, rooms=False)
    features = sl.extract(corpus, spectrogram)
    features.table["phones"] = features.table.apply(with_ends, axis=1)
    return features


def with_ends(row):
    """Replace the pauses at both ends of a sentence by the symbols of the post."""
    spoken = [phone for phone in row.phones if phone[0] != "sil"]
    start, end = spoken[0][1], spoken[-1][2]
    inside = [phone for phone in row.phones if start <= phone[1] < end]
    return [(ENDS[0], 0.0, start), *inside, (ENDS[1], end, row.duration)]


class Frames(sl.sampling.UtteranceBatches):
    """Batches with a label for each frame; -1 where there is none."""

    _padding = ctc.Batches._padding

    def __getitem__(self, index):
        inputs, labels = super().__getitem__(index)
        return inputs["spectrogram"], labels


def fragments(features, labels, n_phones):
    """Cut each sentence into fragments of so many phones."""
    arrays, cut = [], []
    for i, phones in enumerate(features.table["phones"]):
        for first in range(0, len(phones), n_phones):
            part = phones[first : first + n_phones]
            ends = (
                np.array([part[0][1], part[-1][2]]) / features.spectrogram.hop_seconds
            )
            frames = slice(*np.round(ends).astype(int))
            symbols = labels[i][first : first + n_phones]
            if len(features[i][frames]) >= sl.ctc.min_frames(symbols):
                arrays.append(features[i][frames])
                cut.append(symbols)
    return arrays, cut


def outputs(network, arrays, batch_size):
    """Return what the network says to each sentence, padded as in training."""
    padded, frames = sl.sampling.pad(arrays, value=0.0)
    y_pred = network.predict(padded, batch_size, verbose=0)
    return [y[:n] for y, n in zip(y_pred, frames, strict=True)]


def measure(row, features, arguments, seed):
    """Train once; return figures after each epoch, of training and test sentences."""
    keras.utils.set_random_seed(seed)
    order = np.random.default_rng(seed).permutation(len(features))
    n_train = round(0.8 * len(order))
    scaler = row.scaler.fit(features.select(order[:n_train]))
    both = scaler.transform(features.select(order))
    is_ctc = row.kind != "framewise"
    truth = both.transcripts(without=())
    vocabulary = sl.ctc.Vocabulary.from_sequences(truth, blank=-1 if is_ctc else None)
    network = ctc.build_network(features[0].shape[1], len(vocabulary), arguments.units)
    if is_ctc:
        labels = [vocabulary.encode(phones) for phones in truth]
        model, batches = ctc.build_model(network), ctc.Batches
        loss = model.loss
    else:
        _, labels = sl.sampling.frame_labels(both, vocabulary)
        model, batches = network, Frames
        loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    model.compile(loss=loss, optimizer=row.optimizer())
    found = {}
    for epoch in range(1, arguments.epochs + 1):
        data = both.select(np.arange(n_train)), labels[:n_train]
        if row.kind == "growing":
            data = fragments(*data, n_phones=epoch)
        data = batches(*data, arguments.batch, seed=seed + 1000 * epoch)
        figures = {"loss": model.fit(data, verbose=0).history["loss"][0]}
        y_pred = outputs(network, both, arguments.batch)
        figures["dependence"] = sl.metrics.input_dependence(y_pred)
        if is_ctc:
            figures |= heard(y_pred, truth, n_train, vocabulary)
        else:
            best = [y.argmax(axis=1) for y in y_pred]
            figures["train"] = share_wrong(best[:n_train], labels[:n_train])
            figures["test"] = share_wrong(best[n_train:], labels[n_train:])
        for name, value in figures.items():
            value = value if isinstance(value, str) else round(float(value), 4)
            found.setdefault(name, []).append(value)
    return found


def share_wrong(found, labels):
    """Return the share of frames with a wrong label, among those that have one."""
    found, labels = np.concatenate(found), np.concatenate(labels)
    return np.mean((found != labels)[labels >= 0])


def heard(y_pred, truth, n_train, vocabulary):
    """Return error rates, and what the network says."""
    said = [
        vocabulary.decode(sl.ctc.greedy_decode(np.log(y + 1e-7), vocabulary.blank))
        for y in y_pred
    ]
    best = np.concatenate([y.argmax(axis=1) for y in y_pred])
    return {
        "train": sl.metrics.phone_error_rate(truth[:n_train], said[:n_train]),
        "test": sl.metrics.phone_error_rate(truth[n_train:], said[n_train:]),
        "blanks": np.mean(best == vocabulary.blank),
        "different": len(set(map(tuple, said))),
        "said": " ".join(said[n_train]),
    }


def constant_loss(features):
    """Return the lowest loss of outputs that do not depend on the input."""
    truth = features.transcripts(without=())
    vocabulary = sl.ctc.Vocabulary.from_sequences(truth)
    encoded = [vocabulary.encode(phones) for phones in truth]
    p = np.full(len(vocabulary), 1 / len(vocabulary))
    for _ in range(5):  # expectation maximization; the loss settles in three rounds
        counts, losses = np.zeros(len(p)), []
        for array, labels in zip(features, encoded, strict=True):
            logits = np.tile(np.log(p + 1e-9), (len(array), 1))
            posteriors, loss = sl.ctc.lattice(logits, labels, vocabulary.blank)
            np.add.at(counts, labels, posteriors[:, 1::2].sum(axis=0))
            counts[vocabulary.blank] += posteriors[:, ::2].sum()
            losses.append(loss)
        p = counts / counts.sum()
    return np.mean(losses)


def exchanged(features, scaler, arguments):
    """Return what `ctc_batch_cost` answers if two of its arguments are exchanged."""
    keras.utils.set_random_seed(0)
    x = scaler.transform(features)
    truth = x.transcripts(without=())
    vocabulary = sl.ctc.Vocabulary.from_sequences(truth)
    labels = [vocabulary.encode(phones) for phones in truth]
    network = ctc.build_network(x[0].shape[1], len(vocabulary), arguments.units)
    inputs, _ = ctc.Batches(x, labels, arguments.batch)[0]
    y_true, y_pred = inputs["labels"], network.predict_on_batch(inputs["spectrogram"])
    lengths = inputs["input_length"], inputs["label_length"]
    orders = {
        "y_true, y_pred, input_length, label_length": (y_true, y_pred, *lengths),
        "y_pred, y_true, input_length, label_length": (y_pred, y_true, *lengths),
        "y_true, y_pred, label_length, input_length": (y_true, y_pred, *lengths[::-1]),
    }
    for order, given in orders.items():
        try:
            cost = np.mean(keras.ops.convert_to_numpy(ctc.ctc_batch_cost(*given)))
            yield order, f"{cost:.1f} nats per sentence"
        except Exception as error:
            yield order, f"{type(error).__name__}: {str(error).split('}} ')[-1]}"


def said_at(run, epoch):
    """Return the beginning of what is said to a test sentence after an epoch."""
    if "said" not in run:
        return ""
    return " ".join(run["said"][epoch].split()[:SHOWN]) or "(nothing)"


def stages(run):
    """Return five epochs from the first to the last."""
    return np.unique(np.geomspace(1, len(run["loss"]), 5).round().astype(int)) - 1


def report(name, runs):
    """Return a line of the table for each stage."""
    for epoch in stages(runs[0]):
        cells = [
            f"{np.median([run[key][epoch] for run in runs]):.3g}"
            if key in runs[0]
            else ""
            for key in FIGURES
        ]
        yield name, epoch + 1, *cells, said_at(runs[0], epoch)


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--textgrid", metavar="ROOT", help="sounds beside TextGrids")
    parser.add_argument("--tier", help="that holds the phones; by default the first")
    parser.add_argument("--sentences", type=int, default=100, help="of the voice")
    parser.add_argument("--hop", type=float, default=0.003, help="of frames, seconds")
    parser.add_argument("--units", type=int, nargs="+", default=ctc.UNITS)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8, help="sentences in each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", help="some of the rows")
    arguments = parser.parse_args()

    hop = arguments.hop
    spectrogram, raw = ctc.log_magnitudes(SR, 5 / 3 * hop, hop)
    features = read(arguments, spectrogram)
    names = "sentences", "hop", "units", "epochs", "batch", "tier"
    settings = {name: getattr(arguments, name) for name in names}
    settings["corpus"] = Path(arguments.textgrid or "voice").name
    saved = Runs(arguments.keep, settings)
    lines = []
    for name, row in rows(raw).items():
        if arguments.rows and name not in arguments.rows:
            continue
        train = partial(measure, row, features, arguments)
        found = saved.run_seeds(name, arguments.seeds, train)
        for line in report(name, found):
            lines.append(line)
            print(*line, sep="  ", flush=True)
    parts = [
        f"Trained on four fifths of {features!r}, measured on all of them. Frames of "
        f"{5000 / 3 * hop:.0f} ms every {1000 * hop:.0f} ms, batches of "
        f"{arguments.batch}, {arguments.seeds} seeds: medians.",
        "Loss: nats per sentence; with growing fragments, per fragment; framewise, per "
        "frame. Error: phone error rate; framewise, share of frames with a wrong "
        "label. Blanks: share of frames. Different: number of different "
        "transcriptions. Dependence: share of the outputs' variance that comes from "
        f"the input. The first {SHOWN} phones of a test sentence are shown.",
        table(HEAD, lines),
        "Outputs that are the same at every frame have a loss of at least "
        f"{constant_loss(features):.1f} nats per sentence.",
        "What `ctc_batch_cost` returns before training, by the order of its arguments:",
        table(("arguments", "result"), exchanged(features, raw, arguments)),
        machine("tensorflow", "keras", "numpy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
