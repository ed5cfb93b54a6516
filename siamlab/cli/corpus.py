"""``siamlab corpus``: describe a folder of recordings."""

import json

from . import _arguments


def add(commands):
    """Add the command to the parser."""
    parser = commands.add_parser(
        "corpus",
        help="describe a folder of recordings, or download a corpus",
        description="Read all recordings once. Print the numbers of speakers, sessions "
        "and hours, the sampling rates, and the suspicious files (unreadable, silent, "
        "clipped, duplicate, too short). With --download, first download a corpus.",
        epilog="example: siamlab corpus --data my_recordings --picture corpus.png. "
        "Exit status: 0 no suspicious files, 1 suspicious files, 2 an error.",
    )
    _arguments.add_corpus(parser)
    parser.add_argument(
        "--download",
        metavar="NAME",
        help="download this corpus into ROOT, librispeech/test-other or fsdd for "
        "example",
    )
    parser.add_argument("--picture", metavar="FILE.png", help="plot the durations")
    parser.add_argument("--json", action="store_true", help="output for scripts")
    parser.set_defaults(run=run, failed=2)


def run(arguments):
    """Describe the corpus; return 1 if there are suspicious files."""
    from .. import corpora

    if arguments.download:
        arguments.data = corpora.download(arguments.download, arguments.data)
        kind, _, subset = arguments.download.partition("/")
        arguments.layout = arguments.layout or kind
        arguments.subset = arguments.subset or subset or None
    found = corpora.describe(_arguments.load_corpus(arguments))
    if arguments.picture:
        _arguments.save_figure(arguments.picture, lambda plots: plots.corpus(found))
    if arguments.json:
        summary = {
            "speakers": len(found.speakers),
            "sessions": int(found.speakers.sessions.sum()),
            "utterances": len(found.utterances),
            "seconds": float(found.utterances.seconds.sum()),
            "sampling_rates": {
                str(sr): int(n) for sr, n in found.sampling_rates.items()
            },
            "suspicious": found.suspicious.to_dict("records"),
        }
        print(json.dumps(summary))
    else:
        print(found)
        for row in found.suspicious.itertuples():
            print(f"  {row.path}: {row.reason}")
    return 1 if len(found.suspicious) else 0
