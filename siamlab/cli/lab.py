"""Copy the notebooks to a folder and open them in JupyterLab.

Notebooks that you have changed are never overwritten: a new version is written beside
them. Options after -- are passed to JupyterLab. Press Ctrl-C to stop JupyterLab.

example: siamlab lab my-course -- --port 8899
"""

import dataclasses
import json
import sys


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("folder", nargs="?", default="siamlab-course")
    parser.add_argument("--copy-only", action="store_true", help="only copy them")
    parser.add_argument("--no-browser", action="store_true", help="print the address")


def run(arguments):
    """Copy the notebooks, print a summary, and run JupyterLab."""
    from .. import course

    copied = course.copy(arguments.folder)
    folder = str(copied.folder.resolve())
    summary = dataclasses.asdict(copied) | {"folder": folder}

    def print_address(address, browser):
        print(json.dumps(summary | {"address": address}), flush=True)

    if not arguments.json:
        print(f"The course is in {folder} ({len(copied.written)} files written)")
        for name, target in copied.beside.items():
            print(f"{name} has your changes and was kept; the new version is {target}")
        sys.stdout.flush()
    elif arguments.copy_only:
        print(json.dumps(summary))
    if arguments.copy_only:
        return
    ready = print_address if arguments.json else None
    browser = False if arguments.no_browser else None
    course.open_lab(folder, arguments.passed_on, browser=browser, ready=ready)
    print("JupyterLab has stopped.", file=sys.stderr if arguments.json else sys.stdout)
