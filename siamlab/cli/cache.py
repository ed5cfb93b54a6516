"""``siamlab cache``: what is kept on disk."""

import json

from .. import _files


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "cache",
        help="show or clear what is kept on disk",
        description="Show or clear what siamlab keeps on disk. All of it can be made "
        "again. SIAMLAB_CACHE names another folder.",
        epilog="example: siamlab cache --clear features",
    )
    parser.add_argument("--clear", action="store_true", help="delete it")
    parser.add_argument(
        "kind",
        nargs="?",
        choices=("features", "voices"),
        help="only this; with --clear",
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Print the folder and what is in it, or clear it."""
    if arguments.clear:
        freed = _files.clear_cache(arguments.kind)
        print(
            json.dumps({"freed": freed}) if arguments.json else f"{size(freed)} freed"
        )
        return
    rows = _files.cache_entries()
    if arguments.json:
        names = ("kind", "files", "bytes")
        entries = [dict(zip(names, row, strict=True)) for row in rows]
        print(json.dumps({"folder": str(_files.cache_folder()), "entries": entries}))
        return
    print(_files.cache_folder())
    for kind, files, bytes_ in rows:
        print(f"  {kind:<10} {files:>9,} files {size(bytes_):>9}")
    if not rows:
        print("  nothing yet")


def size(n):
    """Bytes as a person writes them."""
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
