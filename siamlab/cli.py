"""The command line: a thin face on the library.

``siamlab cache`` shows and clears what siamlab keeps on disk.
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
    cache.set_defaults(run=_cache)
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
        Exit status: 0 done, 1 an error of siamlab's, 2 wrong arguments, 130
        interrupted.
    """
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except SiamlabError as error:
        print(f"siamlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
