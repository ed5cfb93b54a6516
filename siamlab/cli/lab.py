"""``siamlab lab``: copy the notebooks to a folder and open JupyterLab on them."""

import dataclasses
import json
import sys

FOLDER = "siamlab-course"


def add(commands):
    """Add the command to the parser."""
    parser = commands.add_parser(
        "lab",
        help="copy the notebooks to a folder and open JupyterLab on them",
        usage="siamlab lab [-h] [--copy-only] [--no-browser] [--json] [FOLDER] "
        "[-- JUPYTER OPTIONS]",
        description="Copy the course to a folder and open JupyterLab on its first "
        "notebook. Notebooks that you have changed are never overwritten: a new "
        "version is written beside them. Options after -- are passed on to "
        "JupyterLab. Ctrl-C stops it.",
        epilog="example: siamlab lab my-course -- --port 8899",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        default=FOLDER,
        help=f"created if necessary; default: {FOLDER}",
    )
    parser.add_argument(
        "--copy-only", action="store_true", help="do not start JupyterLab"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address"
    )
    parser.add_argument("--json", action="store_true", help="output for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Copy the notebooks, say what was done, and run JupyterLab."""
    from .. import course

    copied = course.copy(arguments.folder)
    if not arguments.json:
        _print_copied(copied)
    if arguments.copy_only:
        if arguments.json:
            print(_as_json(copied))
        return
    course.open_lab(
        copied.folder,
        arguments.passed_on,
        browser=False if arguments.no_browser else None,
        ready=_json_printer(copied) if arguments.json else None,
    )
    print("JupyterLab has stopped.", file=sys.stderr if arguments.json else sys.stdout)


def _print_copied(copied):
    folder = copied.folder.resolve()
    print(f"The course is in {folder} ({len(copied.written)} files written)")
    for name, target in copied.beside.items():
        print(f"{name} has your changes and was kept; the new version is {target}")
    sys.stdout.flush()


def _as_json(copied, **more):
    found = dataclasses.asdict(copied) | {"folder": str(copied.folder.resolve())}
    return json.dumps(found | more)


def _json_printer(copied):
    """Print what was copied as soon as the address is known."""
    return lambda address, browser: print(_as_json(copied, address=address), flush=True)
