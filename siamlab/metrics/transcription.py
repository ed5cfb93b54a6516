"""Phone error rate, and dependence of outputs on the input."""

import numpy as np

from ..errors import ArgumentError


def phone_error_rate(reference, hypothesis):
    """Phone error rate: edit distance per reference phone (Levenshtein, 1966).

    Parameters
    ----------
    reference, hypothesis : sequence of sequence of str
        Reference phones and recognized phones of each utterance.

    Returns
    -------
    float
        Substitutions, insertions and deletions over all utterances, divided by the
        number of reference phones. 0 is perfect; empty hypotheses give 1;
        insertions can raise it above 1.

    Raises
    ------
    ArgumentError
        If the numbers of utterances differ, or all references are empty.

    Examples
    --------
    >>> phone_error_rate([["h", "a", "l", "o"]], [["h", "e", "l"]])
    0.5
    """
    from rapidfuzz.distance import Levenshtein

    if len(reference) != len(hypothesis):
        raise ArgumentError(
            "reference and hypothesis must have the same number of utterances; got "
            f"{len(reference)} and {len(hypothesis)}"
        )
    n_phones = sum(map(len, reference))
    if not n_phones:
        raise ArgumentError("reference must contain at least one phone; all are empty")
    errors = map(Levenshtein.distance, map(list, reference), map(list, hypothesis))
    return sum(errors) / n_phones


def input_dependence(outputs):
    """Measure how much the outputs depend on the input, from 0 to 1.

    The outputs of a network may vary over time even if they are the same for every
    utterance (fault C1, `docs/doctor.md#c1`). This measure therefore compares outputs
    *at the same frame* of different utterances. It is the variance of the posteriors
    over utterances, summed over labels, divided by the maximum possible variance for
    the same means (that of one-hot outputs).

    Parameters
    ----------
    outputs : sequence of numpy.ndarray
        Probabilities, shape (time, labels) each, of at least two utterances.

    Returns
    -------
    float
        0 if the outputs do not depend on the input, 1 if they are one-hot and differ.
        Only the frames that all utterances have are used.

    Raises
    ------
    ArgumentError
        If there are fewer than two utterances, or rows are not probability
        distributions.

    Examples
    --------
    >>> one_hot = np.eye(2)
    >>> input_dependence([one_hot, one_hot]), input_dependence([one_hot, one_hot[::-1]])
    (0.0, 1.0)
    """
    if len(outputs) < 2:
        raise ArgumentError(
            f"outputs must contain at least 2 utterances; got {len(outputs)}"
        )
    n_frames = min(len(p) for p in outputs)
    p = np.stack([np.asarray(p, dtype=np.float64)[:n_frames] for p in outputs])
    if p.min() < 0 or np.abs(p.sum(axis=-1) - 1).max() > 1e-3:
        raise ArgumentError(
            "outputs must be probabilities that sum to 1 at each frame; apply a "
            "softmax to logits"
        )
    variance = p.var(axis=0).sum()
    maximum = (1.0 - np.square(p.mean(axis=0)).sum(axis=-1)).sum()
    return float(variance / maximum) if maximum > 0 else 0.0
