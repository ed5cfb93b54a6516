"""Show or delete cached files.

Deleted files are recreated when they are needed. SIAMLAB_CACHE sets the folder.

example: siamlab cache --clear features
"""

import json

from .. import _files
from .._progress import format_size


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("--clear", action="store_true", help="delete cached files")
    kinds = ("features", "shards", "voices")
    help_text = "with --clear, delete only this kind of file"
    parser.add_argument("kind", nargs="?", choices=kinds, help=help_text)


def run(arguments):
    """Print the cache folder and its contents, or delete them."""
    if arguments.clear:
        freed = _files.clear_cache(arguments.kind)
        text = f"{format_size(freed)} deleted"
        print(json.dumps({"freed": freed}) if arguments.json else text)
        return
    rows = _files.cache_entries()
    if arguments.json:
        names = ("kind", "files", "bytes")
        entries = [dict(zip(names, row, strict=True)) for row in rows]
        print(json.dumps({"folder": str(_files.cache_folder()), "entries": entries}))
        return
    print(_files.cache_folder())
    for kind, n_files, n_bytes in rows:
        print(f"  {kind:<10} {n_files:>9,} files {format_size(n_bytes):>9}")
    if not rows:
        print("  empty")
