"""Phone labels for each utterance or for each frame."""

import numpy as np
import pandas as pd

from .._progress import print_line
from ..errors import ArgumentError


def phone_labels(features, vocabulary, without=("sil",)):
    """Encode the phones of each utterance in their order, for CTC.

    Parameters
    ----------
    features : Features
        Utterances, with the column "phones" in the table.
    vocabulary : ctc.Vocabulary
        Vocabulary with a blank.
    without : sequence of str
        Phones to leave out, as in `Features.transcripts`.

    Returns
    -------
    features : Features
        The utterances that could be labeled. The others are listed in
        `Features.rejected`, and their number is printed to standard error.
    labels : list of numpy.ndarray
        int32, shape (phones,) each.

    Raises
    ------
    ArgumentError
        If no utterance can be labeled.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=1, n_utterances=2))
    >>> vocabulary = sl.ctc.Vocabulary.from_sequences(features.transcripts())
    >>> features, labels = phone_labels(features, vocabulary)
    >>> [vocabulary.decode(each) for each in labels] == features.transcripts()
    True
    """

    def label(n_frames, phones):
        spoken = [symbol for symbol, _, _ in phones or () if symbol not in without]
        if not spoken:
            raise ArgumentError("its transcript is empty")
        return vocabulary.encode(spoken)

    return _label_all(features, label)


def frame_labels(features, vocabulary):
    """Label each frame with the phone at its center.

    Parameters
    ----------
    features : Features
        Utterances, with phones and times in the table, and a `Spectrogram`.
    vocabulary : ctc.Vocabulary
        Vocabulary without a blank.

    Returns
    -------
    features : Features
        As from `phone_labels`.
    labels : list of numpy.ndarray
        int32, shape (time,) each; -1 for frames without a phone.

    Raises
    ------
    ArgumentError
        If no utterance can be labeled.
    """
    spectrogram = features.spectrogram

    def label(n_frames, phones):
        if not phones:
            raise ArgumentError("it has no phones with times")
        half_window = spectrogram.win_length / (2 * spectrogram.sr)
        centers = spectrogram.hop_seconds * np.arange(n_frames) + half_window
        symbols, starts, ends = zip(*phones, strict=True)
        i = np.searchsorted(starts, centers, side="right") - 1
        inside = (i >= 0) & (centers < np.asarray(ends)[i])
        return np.where(inside, vocabulary.encode(symbols)[i], -1).astype(np.int32)

    return _label_all(features, label)


def _label_all(features, label):
    """Label what can be labeled; leave out and report the rest."""
    table = features.table
    paths = table["path"] if "path" in table else [f"row {i}" for i in table.index]
    labels, labeled, rejected = [], [], []
    rows = zip(paths, features.lengths, table["phones"], strict=True)
    for i, (path, n_frames, phones) in enumerate(rows):
        try:
            labels.append(label(n_frames, phones))
            labeled.append(i)
        except ArgumentError as error:
            rejected.append({"path": path, "reason": str(error)})
    if not rejected:
        return features, labels
    first = f"{rejected[0]['path']}: {rejected[0]['reason']}"
    if not labeled:
        raise ArgumentError(
            f"none of {len(features)} utterances can be labeled; the first is {first}"
        )
    print_line(
        f"{len(rejected)} of {len(features)} utterances cannot be labeled ({first}); "
        "see features.rejected"
    )
    selected = features.select(labeled)
    selected.rejected = pd.concat(
        [features.rejected, pd.DataFrame(rejected)], ignore_index=True
    )
    return selected, labels
