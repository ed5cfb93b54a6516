"""``siamlab train``: a network, from one file."""

import json
from pathlib import Path


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "train",
        help="train a speaker network as a file says",
        description="Train a speaker network into a run folder: configuration, "
        "versions, history, checkpoint, figures of an exam with other speakers, and "
        "report.html. Called again after a kill it goes on after the last whole epoch.",
        epilog="example: siamlab train voices.yaml --run runs/first, where voices.yaml "
        "holds lines such as `data: my_recordings`, `epochs: 8`, `loss: GE2E`. "
        "`siamlab train --defaults` prints all of them.",
    )
    parser.add_argument("config", metavar="CONFIG.yaml", nargs="?")
    parser.add_argument(
        "--run",
        metavar="FOLDER",
        dest="folder",
        help="runs/NAME of the file by default",
    )
    parser.add_argument(
        "--defaults", action="store_true", help="print what can be set, and how it is"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Train, and print the figures."""
    from .. import runs, training
    from ..errors import ArgumentError

    if arguments.defaults:
        print(runs.Config(layout="voices").as_yaml(), end="")
        return
    if arguments.config is None:
        raise ArgumentError(
            "say what to train: siamlab train CONFIG.yaml; siamlab train --defaults "
            "prints what can stand in it"
        )
    config = runs.Config.read(arguments.config)  # before TensorFlow is imported
    folder = arguments.folder or Path("runs") / Path(arguments.config).stem
    training.quiet_tensorflow()
    _train(config, folder, arguments.json)


def _train(config, folder, as_json):
    """Train, and print the figures."""
    import matplotlib

    from .. import runs

    matplotlib.use("agg")  # no window
    done = runs.train(config, folder)
    if as_json:
        print(json.dumps({"folder": str(done.folder), **done.figures}))
        return
    eer = done.figures["eer"]
    print(
        f"{done.folder / 'report.html'}: equal error rate {eer['value']:.1%} "
        f"[{eer['low']:.1%}, {eer['high']:.1%}], misclassification rate "
        f"{done.figures['mr']:.2f}, {done.figures['speakers']} speakers"
    )
