"""The command line, one file for each command.

- ``siamlab lab``: copy the notebooks and open them in JupyterLab.
- ``siamlab corpus``: describe a folder of recordings, or download a corpus.
- ``siamlab train``: train an encoder.
- ``siamlab embed``: compute embeddings of recordings.
- ``siamlab evaluate``: measure how well an encoder distinguishes speakers.
- ``siamlab doctor``: look for faults in a saved model.
- ``siamlab cache``: show or delete cached files.

The docstring of a command's module is its help text. ``add_arguments(parser)``
describes its arguments. ``run(arguments)`` returns the exit status (None for 0), and
imports what is slow to import. ``FAILED``, 1 by default, is the status after a
`SiamlabError`. Results go to standard output, with ``--json`` as JSON; progress and
errors go to standard error.
"""

import argparse
import sys

from .._version import __version__
from ..errors import SiamlabError
from . import cache, corpus, doctor, embed, evaluate, lab, train

__all__ = ["main"]

# In the order of --help.
_COMMANDS = (lab, corpus, train, embed, evaluate, doctor, cache)


def main(arguments=None):
    """Run ``siamlab``.

    Parameters
    ----------
    arguments : list of str, optional
        Command-line arguments; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        Exit status: 0 on success; 1 after an error (``doctor``: something was found);
        2 for invalid arguments (``doctor``: also after an error); 130 after Ctrl-C.
    """
    ours, passed_on = _split(sys.argv[1:] if arguments is None else arguments)
    parsed = _parser().parse_args(ours)
    parsed.passed_on = passed_on
    if hasattr(sys.stdout, "reconfigure"):  # names of files that are not UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return parsed.command.run(parsed) or 0
    except SiamlabError as error:
        print(f"siamlab: {error}", file=sys.stderr)
        return getattr(parsed.command, "FAILED", 1)
    except KeyboardInterrupt:
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog="siamlab",
        description="A course and a library about speech networks that fail to learn.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        text = command.__doc__ or ""
        command_parser = commands.add_parser(
            command.__name__.rpartition(".")[2],
            help=text.partition(".\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(command_parser)
        command_parser.add_argument(
            "--json", action="store_true", help="print the results as JSON"
        )
        command_parser.set_defaults(command=command)
    return parser


def _split(arguments):
    """Separate siamlab's arguments from those after --, which go to JupyterLab."""
    # argparse would treat the first word after it as the folder.
    if arguments[:1] != ["lab"] or "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]
