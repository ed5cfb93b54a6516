"""Which scaling of its input does a CTC network need?

    python benchmarks/ctc.py                    the synthetic German voices
    python benchmarks/ctc.py --textgrid ROOT    recordings beside TextGrids

The network of the CTC post, a BLSTM of 100, 100 and 150 units, and its input, the
logarithm of the power of a short-time Fourier transform. With CTC and the post's
optimizer (SGD with Nesterov momentum) the rows differ only in the scaling; further rows
use Adam, or a label for each frame. Median and range over the seeds, which determine
the weights, the order of the sentences and, with the voices, the split.
"""

import argparse
import dataclasses
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
from _report import Runs, keep, machine, table
from scipy.special import softmax

import siamlab as sl

# The post's 256 bins, and the one at half the sampling rate. Power is divided by the
# window's energy and is at least 1e-8: its logarithm ranges from -18 to about 3, and
# more than 98 % of it is negative.
ENERGY = 10 * np.log10(np.sum(np.hanning(513)[:-1] ** 2))  # in dB, at 16 kHz
SOURCE = sl.Spectrogram(
    n_fft=512, n_mels=None, win_length=512, hop_length=256, floor_db=ENERGY - 80
)
NATURAL = 10 / np.log(10)  # decibels in a unit of the natural logarithm


def sgd():
    """Return the optimizer of the post."""
    return keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True, clipnorm=5.0)


def adam():
    return keras.optimizers.Adam(1e-3, clipnorm=5.0)


@dataclasses.dataclass(frozen=True)
class Recipe:
    kind: str
    scaler: object
    optimizer: object


UNSCALED = sl.scaling.AffineScaler(ENERGY, NATURAL)
RECIPES = {
    "framewise, standardized": Recipe("framewise", sl.scaling.StandardScaler(), adam),
    "CTC, standardized": Recipe("ctc", sl.scaling.StandardScaler(), sgd),
    "CTC, unscaled": Recipe("ctc", UNSCALED, sgd),
    "CTC, min-max of each": Recipe(
        "ctc", sl.scaling.MinMaxScaler(per="utterance"), sgd
    ),
    "CTC, +20": Recipe(
        "ctc", sl.scaling.AffineScaler(ENERGY - 20 * NATURAL, NATURAL), sgd
    ),
    "framewise, unscaled": Recipe("framewise", UNSCALED, adam),
    "CTC, unscaled, Adam": Recipe("ctc", UNSCALED, adam),
    "CTC, standardized, Adam": Recipe("ctc", sl.scaling.StandardScaler(), adam),
}


def corpora(arguments, seed):
    """Return a training set and a test set of sentences."""
    if arguments.textgrid:
        corpus = sl.corpora.textgrid(arguments.textgrid, tier=arguments.tier)
        return corpus.split(by="utterance", fractions=(0.8, 0.2), seed=seed)
    # Without rooms: they are not the subject here.
    speakers = arguments.speakers
    each = -(-int(1.25 * arguments.sentences) // speakers)
    corpus = sl.corpora.voices("de", speakers, n_utterances=each, rooms=False)
    train = arguments.sentences / len(corpus)
    return corpus.split(by="utterance", fractions=(train, 1 - train), seed=seed)


def measure(recipe, train, test, seed, arguments):
    """Train once; return figures from before training and after each epoch."""
    keras.utils.set_random_seed(seed)
    scaler = recipe.scaler.fit(train)
    x, x_test = scaler.transform(train), scaler.transform(test)
    n_bins = x[0].shape[1]
    if recipe.kind == "ctc":
        vocabulary = sl.ctc.Vocabulary.from_sequences(
            train.transcripts() + test.transcripts()
        )
        net = sl.networks.ctc_blstm(vocabulary, n_bins, arguments.units)
        x, labels = sl.sampling.phone_labels(x, vocabulary)
    else:
        sequences = train.transcripts(without=()) + test.transcripts(without=())
        vocabulary = sl.ctc.Vocabulary.from_sequences(sequences, blank=None)
        net = sl.networks.framewise_blstm(
            vocabulary, n_bins, arguments.units, dropout=arguments.dropout
        )
        x, labels = sl.sampling.frame_labels(x, vocabulary)
    net.compile(recipe.optimizer())
    batches = sl.sampling.UtteranceBatches(x, labels, arguments.batch, seed=seed)
    figures = {
        "gates": sl.scaling.gate_saturation(net, batches[0])["blstm_1"],
        "loss": [],
        "error": [],
        "dependence": [],
    }
    began = time.perf_counter()
    for _ in range(arguments.epochs):
        figures["loss"] += net.fit(batches, epochs=1).history["loss"]
        figures["error"].append(error(net, x_test))
        outputs = [softmax(y, axis=-1) for y in net.logits(x_test)]
        figures["dependence"].append(sl.metrics.input_dependence(outputs))
    figures["seconds"] = time.perf_counter() - began
    return figures


def error(net, test):
    """Return the phone error rate, or the share of frames with a wrong label."""
    if isinstance(net, sl.networks.CTCNet):
        return sl.metrics.phone_error_rate(test.transcripts(), net.transcribe(test))
    return 1 - net.accuracy(*sl.sampling.frame_labels(test, net.vocabulary))


def spread(values, form="{:.2f}"):
    """Format median and range."""
    low, middle, high = np.min(values), np.median(values), np.max(values)
    return f"{form} ({form} to {form})".format(middle, low, high)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--textgrid", metavar="ROOT", help="sounds beside TextGrids")
    parser.add_argument("--tier", help="that holds the phones; by default the first")
    parser.add_argument("--sentences", type=int, default=400, help="of the voices")
    parser.add_argument("--speakers", type=int, default=16, help="of the voices")
    parser.add_argument("--units", type=int, nargs="+", default=[100, 100, 150])
    parser.add_argument("--epochs", type=int, help="5; 25 with --textgrid")
    parser.add_argument("--batch", type=int, help="by default a twentieth, at most 8")
    parser.add_argument("--dropout", type=float, default=0.3, help="framewise only")
    parser.add_argument("--seeds", type=int, help="5; 3 with --textgrid")
    parser.add_argument(
        "--rows", nargs="+", choices=RECIPES, help="all; the first four with --textgrid"
    )
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.md, .json")
    arguments = parser.parse_args()
    own = bool(arguments.textgrid)
    arguments.epochs = arguments.epochs or (25 if own else 5)
    arguments.seeds = arguments.seeds or (3 if own else 5)
    arguments.rows = arguments.rows or list(RECIPES)[: 4 if own else None]

    parts = {}
    for seed in range(arguments.seeds):
        parts[seed] = [sl.extract(c, SOURCE) for c in corpora(arguments, seed)]
    train, test = parts[0]
    if arguments.batch is None:
        # The steps of this optimizer are clipped to one length: their number counts.
        arguments.batch = int(np.clip(len(train) // 20, 1, 8))
    settings = {
        name: getattr(arguments, name)
        for name in (
            "tier",
            "sentences",
            "speakers",
            "units",
            "epochs",
            "batch",
            "dropout",
        )
    }
    settings["corpus"] = Path(arguments.textgrid or "voices").name
    kept = Runs(arguments.keep, settings)
    rows = []
    for name in arguments.rows:
        runs = [
            kept.run(
                name,
                seed,
                partial(measure, RECIPES[name], *parts[seed], seed, arguments),
            )
            for seed in range(arguments.seeds)
        ]
        by_epoch = np.median([run["error"] for run in runs], axis=0)
        shown = by_epoch[np.unique(np.linspace(0, len(by_epoch) - 1, 5).astype(int))]
        rows.append(
            (
                name,
                spread([run["error"][-1] for run in runs]),
                ", ".join(f"{value:.2f}" for value in shown),
                spread([run["dependence"][-1] for run in runs]),
                f"{np.median([run['gates'] for run in runs]):.0%}",
                f"{np.median([run['seconds'] for run in runs]):.0f}",
            )
        )
        print(*rows[-1], sep="  ", flush=True)
    head = ("recipe", "error", "by epoch", "dependence", "gates", "seconds")
    text = "\n".join(
        [
            f"Trained on {train!r}, measured on {len(test)} other sentences; "
            f"{arguments.epochs} epochs, batches of {arguments.batch}, "
            f"{arguments.seeds} seeds: median (range).",
            "",
            "Error: phone error rate; of the framewise rows, share of frames with a "
            "wrong label. By epoch: medians from the first epoch to the last. "
            "Dependence: share of the outputs' variance that comes from the input. "
            "Gates: share beyond 4 in the first BLSTM before training.",
            "",
            table(head, rows),
            "",
            machine("tensorflow", "keras", "numpy") + ".",
        ]
    )
    print("\n" + text)
    if arguments.keep:
        keep(arguments.keep, text)


if __name__ == "__main__":
    main()
