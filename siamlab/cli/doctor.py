"""Look for faults in a saved model.

Prints the faults of the model, each with the measured evidence. The model is neither
trained nor changed.

The batch (--data) is an .npz file with the arrays x and y; with a, b and y for a model
with two inputs; or with y and one array per input, under the names of the inputs. Other
arrays are passed to the rules under their names. By default, the loss is the one that
the model was compiled with; --loss is the name of a Keras loss, or FILE.py:FUNCTION.
--import runs a file first, to register custom layers and losses. --source is the source
code of the program, which is checked too. --unsafe allows Lambda layers, which run code
from the model file.

example: siamlab doctor model.keras --data batch.npz --kind siamese

Exit status: 0 if no fault was found, 1 if faults were found, 2 if the model could not
be examined.
"""

FAILED = 2


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("model", metavar="MODEL.keras")
    parser.add_argument("--data", metavar="FILE.npz", required=True, help="a batch")
    parser.add_argument("--kind", choices=("siamese", "ctc"))
    parser.add_argument("--loss", metavar="LOSS")
    imports = {"metavar": "FILE.py", "action": "append", "default": []}
    parser.add_argument("--import", dest="modules", **imports)
    parser.add_argument("--source", metavar="FILE.py")
    parser.add_argument("--unsafe", action="store_true")


def run(arguments):
    """Examine the model and print the report; return 1 if there are faults."""
    from ..training import quiet_tensorflow

    quiet_tensorflow()
    from ..doctor import files

    names = ("kind", "loss", "source", "modules", "unsafe")
    options = {name: getattr(arguments, name) for name in names}
    report = files.examine_files(arguments.model, arguments.data, **options)
    print(report.to_json() if arguments.json else report)
    if not report.healthy:
        return 1
    return 0 if report.passed else 2
