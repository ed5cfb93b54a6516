"""Train an encoder.

Writes the encoder, the Keras network, the training history, results on speakers that
are not in the training set, and report.html to the run folder. Run the command again to
resume an interrupted run after its last complete epoch.

CONFIG.yaml contains lines such as `data: my_recordings`, `epochs: 8` and `loss: GE2E`;
--defaults prints all settings. The run folder is runs/CONFIG by default.

example: siamlab train voices.yaml --run runs/first
"""

import json
from pathlib import Path

from ..errors import ArgumentError
from ._config import Config


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("config", metavar="CONFIG.yaml", nargs="?")
    parser.add_argument("--run", metavar="FOLDER", dest="folder")
    parser.add_argument("--defaults", action="store_true", help="print all settings")


def run(arguments):
    """Train, and print the results."""
    if arguments.defaults:
        print(Config(layout="voices").to_yaml(), end="")
        return
    if arguments.config is None:
        raise ArgumentError(
            "expected CONFIG.yaml; `siamlab train --defaults` prints one"
        )
    # The configuration is checked before TensorFlow is imported, which takes seconds.
    config = Config.read(arguments.config)
    folder = Path(arguments.folder or Path("runs") / Path(arguments.config).stem)
    from ..training import quiet_tensorflow

    quiet_tensorflow()
    from ._report import describe_eer
    from ._run import train

    results = train(config, folder)
    if arguments.json:
        print(json.dumps({"folder": str(folder), **results}))
        return
    eer = describe_eer(results["eer"])
    print(f"{folder / 'report.html'}: {eer}, {results['speakers']} speakers")
