"""``siamlab doctor``: look for faults in a saved model."""


def add(commands):
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="look for faults in a saved model",
        description="Report which known faults a model has, with the number that shows "
        "each one. Nothing is trained or changed.",
        epilog="example: siamlab doctor model.keras --data batch.npz --kind siamese. "
        "Exit status: 0 no fault found, 1 faults found, 2 could not be examined.",
    )
    parser.add_argument(
        "model", metavar="MODEL.keras", help="a file that model.save wrote"
    )
    parser.add_argument(
        "--data",
        metavar="FILE.npz",
        required=True,
        help="a batch: x and y; or a, b and y for two inputs; or each input under its "
        "name and y. Other arrays are passed to the rules under their names",
    )
    parser.add_argument(
        "--kind",
        choices=("siamese", "ctc"),
        help="kind of model, if it is not recognized",
    )
    parser.add_argument(
        "--loss",
        metavar="LOSS",
        help="name of a Keras loss, or FILE.py:FUNCTION; default: the compiled loss",
    )
    parser.add_argument(
        "--import",
        metavar="FILE.py",
        action="append",
        default=[],
        dest="modules",
        help="run this file first, to register your own layers and losses",
    )
    parser.add_argument(
        "--source", metavar="FILE.py", help="source code of the program, to check"
    )
    parser.add_argument(
        "--unsafe",
        action="store_true",
        help="load Lambda layers, which run code from the file",
    )
    parser.add_argument("--json", action="store_true", help="output for scripts")
    parser.set_defaults(run=run, failed=2)


def run(arguments):
    """Examine the model and print the report; the status is 1 if there are faults."""
    from ..training import quiet_tensorflow

    quiet_tensorflow()
    from ..doctor import files

    report = files.examine_files(
        arguments.model,
        arguments.data,
        kind=arguments.kind,
        loss=arguments.loss,
        source=arguments.source,
        modules=arguments.modules,
        unsafe=arguments.unsafe,
    )
    print(report.to_json() if arguments.json else report)
    if not report.healthy:
        return 1
    return 0 if report.passed else 2
