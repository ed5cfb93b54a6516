"""``siamlab train``: train an encoder as a configuration file says."""

import json
from pathlib import Path

from ..errors import ArgumentError
from ._config import Config


def add(commands):
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train an encoder",
        description="Train an encoder into a run folder, which then holds the encoder, "
        "the Keras network, the training history, results on speakers that were not "
        "trained on, and report.html. A training that was interrupted resumes after "
        "its last complete epoch when the command is run again.",
        epilog="example: siamlab train voices.yaml --run runs/first, where voices.yaml "
        "holds lines such as `data: my_recordings`, `epochs: 8`, `loss: GE2E`. "
        "`siamlab train --defaults` prints all settings.",
    )
    parser.add_argument("config", metavar="CONFIG.yaml", nargs="?")
    parser.add_argument(
        "--run",
        metavar="FOLDER",
        dest="folder",
        help="run folder; default: runs/CONFIG",
    )
    parser.add_argument(
        "--defaults",
        action="store_true",
        help="print a configuration with all settings and their defaults",
    )
    parser.add_argument("--json", action="store_true", help="output for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Train, and print the results."""
    if arguments.defaults:
        print(Config(layout="voices").to_yaml(), end="")
        return
    if arguments.config is None:
        raise ArgumentError(
            "expected a configuration: siamlab train CONFIG.yaml; `siamlab train "
            "--defaults` prints one"
        )
    # The configuration is checked before TensorFlow is imported, which takes seconds.
    config = Config.read(arguments.config)
    folder = Path(arguments.folder or Path("runs") / Path(arguments.config).stem)
    from ..training import quiet_tensorflow

    quiet_tensorflow()
    import matplotlib

    matplotlib.use("agg")  # no window
    from ._run import train

    results = train(config, folder)
    if arguments.json:
        print(json.dumps({"folder": str(folder), **results}))
        return
    eer = results["eer"]
    print(
        f"{folder / 'report.html'}: equal error rate {eer['value']:.1%} "
        f"[{eer['low']:.1%}, {eer['high']:.1%}], misclassification rate "
        f"{results['mr']:.2f}, {results['speakers']} speakers"
    )
