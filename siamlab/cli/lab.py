"""``siamlab lab``: the course in a folder of one's own, and JupyterLab on it."""

import dataclasses
import json
import sys

FOLDER = "siamlab-course"


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "lab",
        help="copy the notebooks to a folder and open JupyterLab on them",
        usage="siamlab lab [-h] [--copy-only] [--no-browser] [--json] [FOLDER] "
        "[-- JUPYTER OPTIONS]",
        description="Copy the course to a folder and open JupyterLab on its first "
        "notebook. A notebook that you have changed there is never overwritten: a new "
        "edition goes beside it. What stands behind -- goes to JupyterLab. Ctrl-C ends "
        "it.",
        epilog="example: siamlab lab my-course -- --port 8899",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        default=FOLDER,
        help=f"made if need be; {FOLDER} by default",
    )
    parser.add_argument("--copy-only", action="store_true", help="do not open it")
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, and that is all"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Copy, say what was done, and stay until JupyterLab ends."""
    from .. import course

    copied = course.copy(arguments.folder)
    if not arguments.json:
        print("\n".join(lines(copied)), flush=True)
    if arguments.copy_only:
        if arguments.json:
            print(as_json(copied))
        return
    course.open_lab(
        copied.folder,
        arguments.behind,
        browser=False if arguments.no_browser else None,
        **({"ready": as_json_with(copied)} if arguments.json else {}),
    )
    print("JupyterLab has ended.", file=sys.stderr if arguments.json else sys.stdout)


def lines(copied):
    """Say in words what was copied, and what was left alone."""
    new = len(copied.written)
    yield f"The course is in {copied.folder.resolve()}; new files: {new}"
    for name in copied.changed:
        if name in copied.beside:
            yield f"{name} is yours and stays; the new edition is {copied.beside[name]}"


def as_json(copied, **more):
    """Write out what was copied."""
    found = dataclasses.asdict(copied) | {"folder": str(copied.folder.resolve())}
    return json.dumps(found | more)


def as_json_with(copied):
    """Write out what was copied once there is an address to tell."""

    def ready(address, browser):
        print(as_json(copied, address=address), flush=True)

    return ready
