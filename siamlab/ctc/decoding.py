"""Decoding of CTC outputs to labels."""

import numpy as np
from scipy.special import log_softmax

from ..errors import ArgumentError

# The beam search ignores outputs less than e^-12 times as probable as the best one.
_LOG_PROBABILITY_RANGE = 12.0


def greedy_decode(logits, blank):
    """Decode greedily: take the best output per frame, merge repeats, remove blanks.

    The order matters: a blank between two equal labels separates them (fault C21,
    `docs/doctor.md#c21`).

    Parameters
    ----------
    logits : array_like
        Shape (time, outputs), of one utterance, without padding.
    blank : int
        Index of the blank among the outputs.

    Returns
    -------
    list of int
        Labels.

    Raises
    ------
    ArgumentError
        If the logits do not have two axes, or are empty.

    Examples
    --------
    >>> logits = np.eye(3)[[1, 1, 0, 1, 2, 0]]
    >>> greedy_decode(logits, blank=0)
    [1, 1, 2]
    """
    best = np.argmax(log_probabilities(logits), axis=1)
    changes = np.append(True, best[1:] != best[:-1])
    return [int(label) for label in best[changes] if label != blank]


def beam_decode(logits, blank, width=10):
    """Find the most probable labels with a beam search.

    Prefix beam search (Graves and Jaitly, 2014; Hannun et al., 2014) sums the
    probabilities of all paths that give the same labels, whereas `greedy_decode` uses
    only the best path.

    Parameters
    ----------
    logits : array_like
        Shape (time, outputs), of one utterance, without padding.
    blank : int
        Index of the blank among the outputs.
    width : int
        Number of prefixes to keep from frame to frame.

    Returns
    -------
    list of int
        Labels.

    Raises
    ------
    ArgumentError
        If `width` is below 1, or as for `greedy_decode`.

    Examples
    --------
    The best path contains only blanks, but the paths of the label are more probable in
    total:

    >>> logits = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> greedy_decode(logits, blank=0), beam_decode(logits, blank=0)
    ([], [1])
    """
    if width < 1:
        raise ArgumentError(f"width must be at least 1; got {width}")
    # For each prefix: log probability of its paths that end in a blank, and of those
    # that end in its last label.
    beams = {(): (0.0, -np.inf)}
    for frame in log_probabilities(logits):
        grown: dict[tuple, tuple[float, float]] = {}

        def add(prefix, log_p_blank, log_p_label, grown=grown):
            blank_before, label_before = grown.get(prefix, (-np.inf, -np.inf))
            grown[prefix] = (
                np.logaddexp(blank_before, log_p_blank),
                np.logaddexp(label_before, log_p_label),
            )

        likely = np.flatnonzero(frame > frame.max() - _LOG_PROBABILITY_RANGE)
        for prefix, (ends_in_blank, ends_in_label) in beams.items():
            total = np.logaddexp(ends_in_blank, ends_in_label)
            add(prefix, total + frame[blank], -np.inf)
            if prefix:
                add(prefix, -np.inf, ends_in_label + frame[prefix[-1]])
            for label in likely:
                if label == blank:
                    continue
                # The same label again needs a blank in between.
                repeated = prefix and label == prefix[-1]
                before = ends_in_blank if repeated else total
                add((*prefix, int(label)), -np.inf, before + frame[label])
        best = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(best[:width])
    return list(max(beams, key=lambda prefix: np.logaddexp(*beams[prefix])))


def log_probabilities(logits):
    """Log-softmax of the logits of one utterance, float64, shape (time, outputs)."""
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or not logits.size:
        raise ArgumentError(
            f"logits must have shape (time, outputs); got {logits.shape}"
        )
    return log_softmax(logits, axis=1)
