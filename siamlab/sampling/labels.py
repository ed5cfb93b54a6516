"""What is said, as numbers: for each utterance, or for each frame."""

import numpy as np

from .._progress import print_line
from ..errors import ArgumentError


def phone_labels(features, vocabulary, without=("sil",), strict=False):
    """Label each utterance with its phones, in their order: for CTC.

    Parameters
    ----------
    features : Features
        With phones in its table.
    vocabulary : ctc.Vocabulary
        With a blank.
    without : sequence of str
        Phones that are left out, as in `Features.transcripts`.
    strict : bool
        Raise at the first utterance that cannot be labeled, rather than report it.

    Returns
    -------
    features : Features
        The utterances that have a transcript, of known symbols. The others are in
        `Features.rejected`, and one line on standard error says how many.
    labels : list of numpy.ndarray
        int32, shape (phones,) each.

    Raises
    ------
    ArgumentError
        If none can be labeled; with `strict`, for the first that cannot.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=1, n_utterances=2))
    >>> symbols = sl.ctc.Vocabulary.from_sequences(features.transcripts())
    >>> features, labels = phone_labels(features, symbols)
    >>> [symbols.decode(each) for each in labels] == features.transcripts()
    True
    """

    def label(array, phones):
        spoken = [symbol for symbol, _, _ in phones or () if symbol not in without]
        if not spoken:
            raise ArgumentError("its transcript is empty")
        return vocabulary.encode(spoken)

    return _labeled(features, label, strict)


def frame_labels(features, vocabulary, strict=False):
    """Label each frame with the phone at its center.

    Parameters
    ----------
    features : Features
        With times of phones in its table, and a `Spectrogram`.
    vocabulary : ctc.Vocabulary
        Without a blank.
    strict : bool
        Raise at the first utterance that cannot be labeled, rather than report it.

    Returns
    -------
    features : Features
        As from `phone_labels`.
    labels : list of numpy.ndarray
        int32, shape (frames,) each; -1 where no phone is.

    Raises
    ------
    ArgumentError
        If none can be labeled; with `strict`, for the first that cannot.
    """
    spectrogram = features.spectrogram

    def label(array, phones):
        if not phones:
            raise ArgumentError("it has no phones with times")
        center = spectrogram.hop_seconds * np.arange(
            len(array)
        ) + spectrogram.win_length / (2 * spectrogram.sr)
        names, starts, ends = zip(*phones, strict=True)
        place = np.searchsorted(starts, center, side="right") - 1
        inside = (place >= 0) & (center < np.asarray(ends)[place])
        return np.where(inside, vocabulary.encode(names)[place], -1).astype(np.int32)

    return _labeled(features, label, strict)


def _labeled(features, label, strict):
    """Utterances that can be labeled, and their labels; the others are reported."""
    import pandas as pd

    table = features.table
    paths = table["path"] if "path" in table else [f"row {i}" for i in table.index]
    labels, good, bad = [], [], []
    for i, (path, phones) in enumerate(zip(paths, table["phones"], strict=True)):
        try:
            labels.append(label(features[i], phones))
            good.append(i)
        except ArgumentError as error:
            if strict:
                raise ArgumentError(f"{path}: {error}") from error
            bad.append({"path": path, "reason": str(error)})
    if not bad:
        return features, labels
    first = f"{bad[0]['path']}: {bad[0]['reason']}"
    if not good:
        raise ArgumentError(
            f"none of {len(features)} utterances can be labeled; the first, {first}"
        )
    print_line(
        f"{len(bad)} of {len(features)} utterances cannot be labeled ({first}); "
        "see features.rejected"
    )
    kept = features.select(good)
    kept.rejected = pd.concat([features.rejected, pd.DataFrame(bad)], ignore_index=True)
    return kept, labels
