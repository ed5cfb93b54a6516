"""One utterance of a corpus, and what becomes of those that cannot be used."""

from .. import audio
from .._progress import print_line
from ..errors import ArgumentError, AudioError

# Changes whenever the same description shall give other frames.
EDITION = 1


def frames(path, start, duration, spectrogram):
    """Read an utterance and make its spectrogram, or raise an `AudioError`."""
    samples, rate = audio.read(path, start=start, duration=duration)
    audio.check(samples, path)
    try:
        return spectrogram(samples, rate)
    except ArgumentError as error:
        raise AudioError(path, str(error)) from error


def report(rejected, corpus):
    """Tabulate (path, reason) of recordings, and say how many; raise if none is left.

    Columns path and reason, as in `Features.rejected`.
    """
    import pandas as pd

    table = pd.DataFrame(rejected, columns=["path", "reason"])
    if len(table):
        print_line(
            f"{len(table)} of {len(corpus)} recordings rejected "
            f"({table.path[0]}: {table.reason[0]}); see features.rejected"
        )
    if len(table) == len(corpus):
        raise AudioError(
            table.path[0],
            f"{table.reason[0]} (and so for all {len(table)} recordings of "
            f"{corpus.name}: none is left)",
        )
    return table
