"""``siamlab doctor``: faults in a saved model."""


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "doctor",
        help="look for faults in a saved model",
        description="Say which of the faults that siamlab knows a model has, with the "
        "number that shows each. Nothing is trained or changed.",
        epilog="example: siamlab doctor twins.keras --data batch.npz --kind siamese. "
        "Exit status: 0 no fault found, 1 faults found, 2 could not be examined.",
    )
    parser.add_argument("model", metavar="MODEL.keras", help="as model.save wrote it")
    parser.add_argument(
        "--data",
        metavar="FILE.npz",
        required=True,
        help="a batch: x and y; or a, b and y for two inputs; or each input by its "
        "name and y. What else is in it goes to the rules by its name",
    )
    parser.add_argument(
        "--kind", choices=("siamese", "ctc"), help="if it cannot be told"
    )
    parser.add_argument(
        "--loss",
        metavar="LOSS",
        help="a loss of Keras by its name, or FILE.py:FUNCTION; that which the model "
        "was compiled with by default",
    )
    parser.add_argument(
        "--import",
        metavar="FILE.py",
        action="append",
        default=[],
        dest="modules",
        help="run this first: it registers layers and losses of your own",
    )
    parser.add_argument("--source", metavar="FILE.py", help="the program, to be read")
    parser.add_argument(
        "--unsafe",
        action="store_true",
        help="load Lambda layers: they run code from the file",
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=2)


def run(arguments):
    """Examine, print the report, and say by the status whether all is well."""
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
