"""Describe a folder of recordings, or download a corpus.

Reads all recordings and prints the number of speakers, sessions and hours, the sampling
rates, and the suspicious files (unreadable, silent, clipped, duplicate or too short).
With --download, first downloads a public corpus into the folder, for example
librispeech/test-other or fsdd.

example: siamlab corpus --data my_recordings --picture corpus.png

Also lists the recordings that are rejected, and the files that are passed over.
"""

from . import _arguments


def add_arguments(parser):
    """Add the arguments of the command."""
    _arguments.add_corpus(parser)
    parser.add_argument("--download", metavar="NAME", help="download this corpus")
    parser.add_argument("--picture", metavar="FILE.png", help="plot the durations")


def run(arguments):
    """Describe the corpus, and list what is wrong with its files."""
    from .. import corpora, plots

    if arguments.download:
        arguments.data = corpora.download(arguments.download, arguments.data)
        layout, _, subset = arguments.download.partition("/")
        arguments.layout = arguments.layout or layout
        arguments.subset = arguments.subset or subset or None
    found = corpora.describe(_arguments.load_corpus(arguments))
    rates = {str(sr): int(n) for sr, n in found.sampling_rates.items()}
    if arguments.picture:
        _arguments.save_figure(arguments.picture, lambda: plots.corpus(found))
    summary = {
        "speakers": len(found.speakers),
        "sessions": int(found.speakers.sessions.sum()),
        "utterances": len(found.utterances),
        "seconds": float(found.utterances.seconds.sum()),
        "sampling_rates": rates,
        "suspicious": found.suspicious.to_dict("records"),
        "files": found.files.to_dict(),
    }
    listed = [f"  {row.path}: {row.reason}" for row in found.suspicious.itertuples()]
    lines = [found, *listed]
    _arguments.print_results(arguments, summary, lines, found.rejected, found.skipped)
