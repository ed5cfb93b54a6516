"""Does training help on speakers who were never heard?

    python benchmarks/speakers.py --data ROOT     real speech, LibriSpeech's layout
    python benchmarks/speakers.py                 the embedded voices

Three rows, several seeds, the median of each: the untrained network, the mended
KL-hinge, the supervised contrastive loss. Both losses see the same batches, for
the same number of steps. Recordings are clustered with the number of speakers
known (average linkage).
"""

import argparse
import time

import keras
import numpy as np
from _report import keep, machine, table

import siamlab as sl

STEPS, EPOCHS = 100, 8
ROWS = {
    "untrained": (None, "softmax"),
    "KL-hinge, mended": (sl.losses.KLHinge(margin=3.0), "softmax"),
    "supervised contrastive": (sl.losses.SupervisedContrastive(0.1), "unit"),
}


def corpora(root):
    """Training and test corpus, which share no speaker."""
    if root is not None:
        return (
            sl.corpora.librispeech(root, "train-clean-100"),
            sl.corpora.librispeech(root, "test-other"),
        )
    everyone = sl.corpora.voices(speakers=74, utterances=20)
    return everyone.split(by="speaker", fractions=(50 / 74, 24 / 74), seed=0)


def measure(train, test, loss, head, seed, epochs):
    """Train once, and measure on the test speakers."""
    keras.utils.set_random_seed(seed)
    scaler = sl.scaling.Standard().fit(train)
    net = sl.networks.SpeakerNet(sl.networks.base(head=head, scaler=scaler), loss)
    began = time.perf_counter()
    if loss is not None:
        batches = sl.sampling.SpeakerBatches(train, steps=STEPS, seed=seed)
        rate = keras.optimizers.schedules.CosineDecay(1e-3, STEPS * epochs)
        net.compile(optimizer=keras.optimizers.Adam(rate))
        net.fit(batches, epochs=epochs)
    seconds = time.perf_counter() - began if loss is not None else 0.0
    embeddings = sl.embed(net, test)
    clusters = sl.clusters.hierarchical(embeddings, n=len(np.unique(test.speakers)))
    return {
        "verification": sl.metrics.verify(embeddings, test.speakers, seed=seed),
        "mr": float(sl.metrics.misclassification_rate(test.speakers, clusters)),
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="ROOT", help="folder in LibriSpeech's layout")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()

    train, test = (sl.extract(corpus) for corpus in corpora(arguments.data))
    rows, figures = [], {}
    for name, (loss, head) in ROWS.items():
        runs = [
            measure(train, test, loss, head, seed, arguments.epochs)
            for seed in range(arguments.seeds)
        ]
        runs.sort(key=lambda run: run["verification"].eer)
        eer = runs[len(runs) // 2]["verification"].eer  # the median run's interval
        rates = [float(run["verification"].eer) for run in runs]
        figures[name] = {
            "eer": rates,
            "interval of the median": [eer.low, eer.high],
            "mr": [run["mr"] for run in runs],
            "seconds": [round(run["seconds"], 1) for run in runs],
        }
        rows.append(
            (
                name,
                f"{eer:.1%} [{eer.low:.1%}, {eer.high:.1%}]",
                f"{min(rates):.1%} to {max(rates):.1%}",
                f"{np.median(figures[name]['mr']):.2f}",
                f"{np.median(figures[name]['seconds']):.0f}",
            )
        )
        print(*rows[-1], sep="  ", flush=True)
    head = ("recipe", "EER [95 %]", "over seeds", "MR", "seconds")
    text = "\n".join(
        [
            f"Trained: {train!r}. Measured: {test!r}. {arguments.epochs} epochs of "
            f"{STEPS} batches, {arguments.seeds} seeds, medians; the interval is the "
            "median run's, over speakers.",
            "",
            table(head, rows),
            "",
            machine("tensorflow", "keras", "numpy") + ".",
        ]
    )
    print("\n" + text)
    if arguments.keep:
        keep(arguments.keep, text, figures)


if __name__ == "__main__":
    main()
