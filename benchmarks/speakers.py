"""Which loss separates unseen speakers best, at the same budget?

    python benchmarks/speakers.py --data ROOT     real speech, LibriSpeech's layout
    python benchmarks/speakers.py                 the synthetic voices

First the untrained network. Then each loss trains the same encoder on the same batches,
with the same optimizer, for as many steps. Margins and scales are common ones of the
literature; none was tuned here. Figures are saved after each training, so that a run
can be interrupted.
"""

from functools import partial

import keras
from _report import Runs, argument_parser, machine, publish, table
from _speakers import HEAD, caption, corpora, evaluate, line, train

import siamlab as sl

# Loss, and what the network ends in.
ROWS = {
    "untrained": (None, "softmax"),
    "KL-hinge, corrected": (sl.losses.KLHinge(margin=3.0), "softmax"),
    "contrastive": (sl.losses.Contrastive(margin=1.0), "unit"),
    "triplet, semi-hard": (sl.losses.Triplet(margin=0.2), "unit"),
    "GE2E": (sl.losses.GE2E(scale=10.0), "unit"),
    "supervised contrastive": (sl.losses.SupervisedContrastive(0.1), "unit"),
    "AAM-softmax": (sl.losses.AAMSoftmax(margin=0.2, scale=30.0), "unit"),
}


def measure(features, test, steps, epochs, loss, head, seed):
    """Return the figures of the test speakers, after training with a loss."""
    keras.utils.set_random_seed(seed)
    scaler = sl.scaling.StandardScaler().fit(features)
    encoder = sl.networks.blstm_encoder(head=head, scaler=scaler)
    if loss is not None:
        batches = sl.sampling.SpeakerBatches(features, steps_per_epoch=steps, seed=seed)
        trained = encoder
        if isinstance(loss, sl.losses.AAMSoftmax):
            trained = sl.networks.classifier(encoder, len(batches.names))
        train(sl.networks.SpeakerNet(trained), loss, batches, steps, epochs)
    kl_hinge = sl.posts.with_fixes("all pairs")
    own = kl_hinge.similarities if head == "softmax" else None
    return evaluate(encoder, test, own, seed=seed)


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--data", metavar="ROOT", help="folder in LibriSpeech's layout")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    arguments = parser.parse_args()

    features, test = corpora(arguments.data)
    settings = {
        "train": repr(features),
        "test": repr(test),
        "steps": arguments.steps,
        "epochs": arguments.epochs,
        "scores": ["cosine", "own"],  # results of before have no "own"
    }
    runs = Runs(arguments.keep, settings)
    measure_row = partial(measure, features, test, arguments.steps, arguments.epochs)
    lines = []
    for name in arguments.rows:
        function = partial(measure_row, *ROWS[name])
        found = runs.run_seeds(name, arguments.seeds, function)
        lines.append(line(name, found))
        print(*lines[-1], sep="  ", flush=True)
    parts = [
        caption(features, test, arguments),
        table(HEAD, lines),
        machine("tensorflow", "keras", "numpy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
