"""Look for faults in a saved model.

Prints the faults of the model, each with the measured evidence. The model is neither
trained nor changed.

The batch (--data) is an .npz file with the arrays x and y; with a, b and y for a model
with two inputs; or with y and one array per input, under the names of the inputs. By
default, the loss is the one that the model was compiled with. --import names a file
with custom layers and losses, and --loss a loss of Keras or of such a file. --unsafe
allows Lambda layers, which run code from the model file.

example: siamlab doctor model.keras --data batch.npz --kind siamese

Exit status: 0 if no fault was found, 1 if faults were found, 2 if the model could not
be examined.
"""

import json

from ..errors import SiamlabError

FAILED = 2


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("model", metavar="MODEL.keras")
    parser.add_argument("--data", metavar="FILE.npz", required=True, help="a batch")
    parser.add_argument("--kind", choices=("siamese", "ctc"))
    parser.add_argument("--loss", metavar="LOSS")
    imports = {"metavar": "FILE.py", "action": "append", "default": []}
    parser.add_argument("--import", dest="modules", **imports)
    parser.add_argument("--unsafe", action="store_true")


def run(arguments):
    """Examine the model and print the report; return 1 if there are faults."""
    from ..training import quiet_tensorflow

    quiet_tensorflow()
    from ..doctor import files

    names = ("kind", "loss", "modules", "unsafe")
    options = {name: getattr(arguments, name) for name in names}
    try:
        report = files.examine_files(arguments.model, arguments.data, **options)
    except SiamlabError as error:
        if arguments.json:
            print(json.dumps({"error": str(error)}, indent=2))
        raise
    print(report.to_json() if arguments.json else report)
    if report.findings:
        return 1
    return FAILED if report.unseen or not report.passed else 0
