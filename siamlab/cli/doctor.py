"""Look for faults in a saved model.

Prints the faults that the model has, with the number that shows each one. Nothing is
trained or changed.

The batch (--data) is an .npz file with the arrays x and y; or a, b and y for a model
with two inputs; or each input under its name and y. Other arrays are passed to the
rules under their names. The loss is the compiled one by default; --loss is the name of
a Keras loss, or FILE.py:FUNCTION. --import runs a file first, to register your own
layers and losses. --source names the source code of the program, which is checked as
well. --unsafe loads Lambda layers, which run code from the file.

example: siamlab doctor model.keras --data batch.npz --kind siamese

Exit status: 0 no fault found, 1 faults found, 2 could not be examined.
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
