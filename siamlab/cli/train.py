"""``siamlab train``: a network, from one file."""

import json
import sys
from pathlib import Path


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "train",
        help="train a speaker network as a file says",
        description="Train a speaker network into a run folder: configuration, "
        "versions, history, checkpoint, figures of an exam with other speakers, and "
        "report.html. Called again after a kill it goes on after the last whole epoch. "
        "Several workers share each batch and end with one network; Keras computes "
        "with JAX then. On several machines call it on each with the same --address, a "
        "--rank of its own and a run folder that all see; under SLURM "
        "`--workers $SLURM_NTASKS --rank $SLURM_PROCID`.",
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
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that share the training; all on this machine by default",
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="of the worker of rank 0, for workers on several machines",
    )
    parser.add_argument(
        "--rank",
        type=int,
        metavar="R",
        help="which of the workers runs here, from 0; for several machines",
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
    if (arguments.address is None) != (arguments.rank is None):
        raise ArgumentError("--address and --rank go together; give both or neither")
    if arguments.workers == 1 and arguments.rank is None:
        training.quiet_tensorflow()
        _train(config, folder, None, arguments.json)
    elif training.launched():
        training.quiet_tensorflow()
        with training.join() as team:
            _train(config, folder, team, arguments.json)
    else:
        _launch(arguments, folder)


def _launch(arguments, folder):
    """Start the same command once for each worker."""
    from .. import training

    command = [sys.executable, "-m", "siamlab", "train", arguments.config]
    command += ["--run", str(folder), "--workers", str(arguments.workers)]
    ranks = None
    if arguments.rank is not None:
        command += ["--address", arguments.address, "--rank", str(arguments.rank)]
        ranks = [arguments.rank]
    command += ["--json"] if arguments.json else []
    outputs = training.launch(
        command, arguments.workers, address=arguments.address, ranks=ranks
    )
    print("".join(outputs), end="")


def _train(config, folder, team, as_json):
    """Train here; the first worker prints the figures."""
    import matplotlib

    from .. import runs

    matplotlib.use("agg")  # no window
    done = runs.train(config, folder, team)
    if done is None:
        return
    if as_json:
        print(json.dumps({"folder": str(done.folder), **done.figures}))
        return
    eer = done.figures["eer"]
    print(
        f"{done.folder / 'report.html'}: equal error rate {eer['value']:.1%} "
        f"[{eer['low']:.1%}, {eer['high']:.1%}], misclassification rate "
        f"{done.figures['mr']:.2f}, {done.figures['speakers']} speakers"
    )
