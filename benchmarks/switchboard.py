"""Which faults of the siamese program matter together? All combinations of five fixes.

    python benchmarks/switchboard.py

Trains the posted program with each combination on the same pairs of synthetic voices,
and writes loss, accuracy and equal error rate during the training to
siamlab/labs/switchboard.json, which the switchboard lab shows. The error rate is that
of pairs of other speakers, compared by the divergence that the loss uses. Figures are
saved after each training, so that a run can be interrupted.
"""

import itertools
import json
from functools import partial
from pathlib import Path

import keras
import numpy as np
from _report import Runs, argument_parser, machine, publish, table
from keras import layers, ops

import siamlab as sl
from siamlab import _files, distances
from siamlab.posts import siamese

FIXES = "shape", "scaling", "softmax", "both directions", "margin"
FIGURES = "loss", "accuracy", "eer"
DATA = Path(sl.__file__).with_name("labs") / "switchboard.json"


class Program(keras.Model):
    """The posted program with some of the fixes."""

    def __init__(self, base, fixes):
        super().__init__()
        self.base, self.fixes = base, fixes
        self.hinge_margin = 3.0 if "margin" in fixes else siamese.MARGIN
        self.built = True

    def call(self, x, training=None):
        """Return the divergences that are compared with the margin, (pairs, 1 or 2)."""
        p, q = (self.base(each, training=training) for each in x)
        if "softmax" not in self.fixes:
            p, q = (ops.clip(y, keras.backend.epsilon(), 1.0) for y in (p, q))
        both = [distances.kl(p, q), distances.kl(q, p)]
        return ops.stack(both[: 2 if "both directions" in self.fixes else 1], axis=-1)

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        """Compute the hinge loss, with or without the table of all labels."""
        y = ops.cast(y, y_pred.dtype)
        hinge = ops.maximum(self.hinge_margin - y_pred, 0.0)
        if "shape" in self.fixes:
            return ops.mean(ops.sum(y * y_pred + (1 - y) * hinge, axis=-1))
        return sum(
            ops.mean(y * d + (1 - y) * ops.mean(h, axis=-1))
            for d, h in zip(
                ops.unstack(y_pred, axis=-1), ops.unstack(hinge, axis=-1), strict=True
            )
        )


def accuracy(program, y, divergences):
    """Compute what Keras 2 reports, from divergences of shape (B,) or (B, 1)."""
    d = divergences.sum(axis=-1, keepdims="shape" in program.fixes)
    return float(np.mean(y == np.round(d)))


def build(fixes, features):
    """Build and compile the program with some of the fixes."""
    scale = output = None
    if "scaling" in fixes:
        scaler = sl.scaling.StandardScaler().fit(features)
        scale = sl.layers.Scale.from_scaler(scaler, name="scale")
    if "softmax" in fixes:
        output = layers.Softmax(name="output")
    program = Program(siamese.build_model(units=64, scale=scale, output=output), fixes)
    program.compile(keras.optimizers.Adam(0.001))
    program.optimizer.build(program.trainable_variables)
    return program


def measure(fixes, features, test_pairs, arguments):
    """Train once; return the figures before the training and after each epoch."""
    keras.utils.set_random_seed(0)
    program = build(fixes, features)
    batches = sl.sampling.PairBatches(
        features, batch_size=64, steps_per_epoch=arguments.steps, seed=0
    )
    (first, second), y = test_pairs
    found = {name: [] for name in FIGURES}
    for epoch in range(arguments.epochs + 1):
        if epoch:
            program.fit(batches, verbose=0)
        d = program.predict([first, second], batch_size=256, verbose=0)
        loss = program.compute_loss(
            None, ops.convert_to_tensor(y), ops.convert_to_tensor(d)
        )
        figures = (
            float(loss),
            accuracy(program, y, d),
            sl.metrics.eer(y[:, 0], -d.sum(axis=-1)),
        )
        for name, value in zip(FIGURES, figures, strict=True):
            found[name].append(round(float(value), 4))
    return found


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()

    corpus = sl.corpora.voices(language="de", n_speakers=60, n_utterances=12, seed=0)
    train, test = map(sl.extract, corpus.split(fractions=(0.8, 0.2), seed=0))
    test_pairs = sl.sampling.PairBatches(test, batch_size=512, seed=0)[0]
    settings = {"epochs": arguments.epochs, "steps": arguments.steps}
    saved = Runs(arguments.keep, settings)
    runs, lines = {}, []
    for switches in itertools.product((0, 1), repeat=len(FIXES)):
        fixes = tuple(fix for fix, on in zip(FIXES, switches, strict=True) if on)
        train_once = partial(measure, fixes, train, test_pairs, arguments)
        found = saved.run(" + ".join(fixes) or "as posted", 0, train_once)
        runs["".join(map(str, switches))] = found
        lines.append(
            (", ".join(fixes) or "as posted", *(found[n][-1] for n in FIGURES))
        )
        print(*lines[-1], sep="  ", flush=True)
    with _files.atomic_write(DATA) as temporary:
        content = {"fixes": FIXES, "steps": arguments.steps, "runs": runs}
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
    parts = [
        f"Trained on {train!r}, {arguments.steps * arguments.epochs} batches of 64 "
        f"pairs, one seed; 512 pairs of {len(set(test.speakers))} other speakers.",
        table(("fixes", *FIGURES), lines),
        machine("tensorflow", "keras", "numpy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
