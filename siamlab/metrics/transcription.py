"""Transcriptions: how many phones are wrong, which, and whether the input matters."""

import numpy as np

from ..errors import ArgumentError


def _transcriptions(truth, found):
    truth, found = [list(t) for t in truth], [list(f) for f in found]
    if len(truth) != len(found):
        raise ArgumentError(
            "there must be a transcription for each utterance; got "
            f"{len(truth)} true ones and {len(found)} found ones"
        )
    if not any(truth):
        raise ArgumentError("the true transcriptions are empty: nothing to compare")
    return truth, found


def phone_error_rate(truth, found):
    """Edit distance of transcriptions, per true phone (Levenshtein, 1966).

    Parameters
    ----------
    truth, found : sequence of sequence of str
        Phones of each utterance.

    Returns
    -------
    float
        Substitutions, insertions and deletions over all utterances, divided by
        the number of true phones. 0 is perfect; saying nothing gives 1, and saying
        too much more than that.

    Raises
    ------
    ArgumentError
        If there are not as many of each, or no true phone at all.

    Examples
    --------
    >>> phone_error_rate([["h", "a", "l", "o"]], [["h", "e", "l"]])
    0.5
    """
    from rapidfuzz.distance import Levenshtein

    truth, found = _transcriptions(truth, found)
    wrong = sum(Levenshtein.distance(t, f) for t, f in zip(truth, found, strict=True))
    return wrong / sum(map(len, truth))


def phone_confusion(truth, found):
    """Count which phone was taken for which.

    Parameters
    ----------
    truth, found : sequence of sequence of str
        Phones of each utterance.

    Returns
    -------
    pandas.DataFrame
        Counts; a row for each true phone, a column for each found one. Insertions
        are in the row "", deletions in the column "".

    Raises
    ------
    ArgumentError
        As for `phone_error_rate`.

    Examples
    --------
    >>> counts = phone_confusion([["a", "b"]], [["a", "c", "c"]])
    >>> int(counts.loc["a", "a"]), int(counts.loc[["", "b"], "c"].sum())
    (1, 2)
    """
    import pandas as pd
    from rapidfuzz.distance import Levenshtein

    truth, found = _transcriptions(truth, found)
    pairs: list[tuple[str, str]] = []
    for t, f in zip(truth, found, strict=True):
        for step in Levenshtein.opcodes(t, f):
            t_part = t[step.src_start : step.src_end]
            f_part = f[step.dest_start : step.dest_end]
            n = max(len(t_part), len(f_part))
            pairs += zip(t_part or [""] * n, f_part or [""] * n, strict=True)
    rows, columns = zip(*pairs, strict=True)
    return pd.crosstab(pd.Series(rows, name="truth"), pd.Series(columns, name="found"))


def input_dependence(outputs):
    """Share of the outputs' variance that comes from the input.

    A network that gives one answer to every sentence (FAULTS C1) may look busy over
    time; what tells is whether its outputs *at the same frame* differ between
    utterances. With p for the posterior of a label at a frame, the variance of p
    over the utterances, summed over the labels, is divided by the most that it
    could be with the same averages: that of answers without a doubt.

    Parameters
    ----------
    outputs : sequence of numpy.ndarray
        Probabilities, shape (frames, labels) each, of at least two utterances.

    Returns
    -------
    float
        0: the same whatever the input; 1: certain, and different. The mean over
        the frames that all utterances have.

    Raises
    ------
    ArgumentError
        If there are fewer than two utterances, or rows that are no distributions:
        logits want a softmax first.

    Examples
    --------
    >>> sure = np.eye(2)
    >>> input_dependence([sure, sure]), input_dependence([sure, sure[::-1]])
    (0.0, 1.0)
    """
    if len(outputs) < 2:
        raise ArgumentError(
            "outputs differ between utterances, of which there must be at least 2; "
            f"got {len(outputs)}"
        )
    frames = min(len(p) for p in outputs)
    p = np.stack([np.asarray(p, dtype=np.float64)[:frames] for p in outputs])
    if p.min() < 0 or np.abs(p.sum(axis=-1) - 1).max() > 1e-3:
        raise ArgumentError(
            "outputs must be probabilities that sum to 1; apply a softmax to logits"
        )
    mean = p.mean(axis=0)
    variance = p.var(axis=0).sum(axis=-1)
    most = 1.0 - np.square(mean).sum(axis=-1)
    return float(variance.sum() / most.sum()) if most.sum() > 0 else 0.0
