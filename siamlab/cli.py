"""The command line: a thin face on the library.

- ``siamlab doctor`` looks for faults in a saved model.
- ``siamlab cache`` shows and clears what siamlab keeps on disk.
"""

import argparse
import json
import sys

from . import store
from ._version import __version__
from .errors import SiamlabError

__all__ = ["main"]


def _size(n):
    """Bytes as a person writes them."""
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"


def _cache(arguments):
    if arguments.clear:
        freed = store.clear_cache(arguments.kind)
        print(
            json.dumps({"freed": freed}) if arguments.json else f"{_size(freed)} freed"
        )
        return
    rows = store.cache_entries()
    if arguments.json:
        names = ("kind", "files", "bytes")
        entries = [dict(zip(names, row, strict=True)) for row in rows]
        print(json.dumps({"folder": str(store.cache_folder()), "entries": entries}))
        return
    print(store.cache_folder())
    for kind, files, size in rows:
        print(f"  {kind:<10} {files:>9,} files {_size(size):>9}")
    if not rows:
        print("  nothing yet")


def _doctor(arguments):
    from .doctor import files

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
    return 0 if report.in_order else 2


def _add_doctor(commands):
    doctor = commands.add_parser(
        "doctor",
        help="look for faults in a saved model",
        description="Say which of the faults that siamlab knows a model has, with the "
        "number that shows each. Nothing is trained or changed.",
        epilog="example: siamlab doctor twins.keras --data batch.npz --kind siamese. "
        "Exit status: 0 no fault found, 1 faults found, 2 could not be examined.",
    )
    doctor.add_argument("model", metavar="MODEL.keras", help="as model.save wrote it")
    doctor.add_argument(
        "--data",
        metavar="FILE.npz",
        required=True,
        help="a batch: x and y; or a, b and y for two inputs; or each input by its "
        "name "
        "and y. What else is in it goes to the rules by its name",
    )
    doctor.add_argument(
        "--kind", choices=("siamese", "ctc"), help="if it cannot be told"
    )
    doctor.add_argument(
        "--loss",
        metavar="LOSS",
        help="a loss of Keras by its name, or FILE.py:FUNCTION; that which the model "
        "was "
        "compiled with by default",
    )
    doctor.add_argument(
        "--import",
        metavar="FILE.py",
        action="append",
        default=[],
        dest="modules",
        help="run this first: it registers layers and losses of your own",
    )
    doctor.add_argument("--source", metavar="FILE.py", help="the program, to be read")
    doctor.add_argument(
        "--unsafe",
        action="store_true",
        help="load Lambda layers: they run code from the file",
    )
    doctor.add_argument("--json", action="store_true", help="for scripts")
    doctor.set_defaults(run=_doctor, failed=2)


def _parser():
    parser = argparse.ArgumentParser(
        prog="siamlab",
        description="A lab for speech networks that do not learn.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cache = commands.add_parser(
        "cache",
        help="show or clear what is kept on disk",
        description="Show or clear what siamlab keeps on disk. All of it can be made "
        "again. SIAMLAB_CACHE names another folder.",
        epilog="example: siamlab cache --clear features",
    )
    cache.add_argument("--clear", action="store_true", help="delete it")
    cache.add_argument(
        "kind",
        nargs="?",
        choices=("features", "voices"),
        help="only this; with --clear",
    )
    cache.add_argument("--json", action="store_true", help="for scripts")
    cache.set_defaults(run=_cache, failed=1)
    _add_doctor(commands)
    return parser


def main(arguments=None):
    """Run ``siamlab``.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the command line by default.

    Returns
    -------
    int
        Exit status: 0 done, 1 an error of siamlab's (``doctor``: faults were found), 2
        wrong arguments (``doctor``: it could not be examined), 130 interrupted.
    """
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed) or 0
    except SiamlabError as error:
        print(f"siamlab: {error}", file=sys.stderr)
        return parsed.failed
    except KeyboardInterrupt:
        return 130
