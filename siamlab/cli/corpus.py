"""``siamlab corpus``: what is in a folder of recordings."""

import json

from . import _recordings


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "corpus",
        help="say what is in a folder of recordings, or download some",
        description="Read all recordings once: speakers, sessions, hours, rates, and "
        "which files are suspicious (unreadable, silent, clipped, twice, too short). "
        "With --download, fetch a corpus that anybody may have into the folder first.",
        epilog="example: siamlab corpus --data my_recordings --picture corpus.png. "
        "Exit status: 0 nothing suspicious, 1 suspicious files, 2 could not be read.",
    )
    _recordings.add(parser)
    parser.add_argument(
        "--download",
        metavar="NAME",
        help="such as librispeech/test-other or fsdd; goes on where it broke off",
    )
    parser.add_argument("--picture", metavar="FILE.png", help="draw the durations, too")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=2)


def run(arguments):
    """Describe the corpus, and say by the status whether all is well."""
    from .. import corpora

    if arguments.download:
        arguments.data = corpora.download(arguments.download, arguments.data)
        kind, _, subset = arguments.download.partition("/")
        arguments.layout = arguments.layout or kind
        arguments.subset = arguments.subset or subset or None
    found = corpora.describe(_recordings.corpus(arguments))
    if arguments.picture:
        _recordings.draw(arguments.picture, lambda plots: plots.corpus(found))
    if arguments.json:
        print(
            json.dumps(
                {
                    "speakers": len(found.speakers),
                    "sessions": int(found.speakers.sessions.sum()),
                    "utterances": len(found.utterances),
                    "seconds": float(found.utterances.seconds.sum()),
                    "rates": {str(k): int(v) for k, v in found.rates.items()},
                    "suspicious": found.suspicious.to_dict("records"),
                }
            )
        )
    else:
        print(found)
        for row in found.suspicious.itertuples():
            print(f"  {row.path}: {row.reason}")
    return 1 if len(found.suspicious) else 0
