"""From a network's outputs to labels."""

import numpy as np

from ..errors import ArgumentError


def _log_softmax(logits):
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or not logits.size:
        raise ArgumentError(
            f"logits must have shape (frames, outputs); got {logits.shape}"
        )
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def greedy_decode(logits, blank):
    """Take the best output of each frame, collapse repeats, drop blanks.

    In this order: a blank between two equal labels keeps them two (FAULTS C21).

    Parameters
    ----------
    logits : array_like
        Shape (frames, outputs), of one utterance, without padding.
    blank : int
        Which output is the blank.

    Returns
    -------
    list of int
        Labels.

    Examples
    --------
    >>> logits = np.eye(3)[[1, 1, 0, 1, 2, 0]]
    >>> greedy_decode(logits, blank=0)
    [1, 1, 2]
    """
    best = np.argmax(_log_softmax(logits), axis=1)
    changes = np.append(True, best[1:] != best[:-1])
    return [int(label) for label in best[changes] if label != blank]


def beam_decode(logits, blank, width=10):
    """Search for the most probable labels over all their paths.

    Prefix beam search (Graves and Jaitly, 2014; Hannun et al., 2014): paths that
    spell the same labels are added, where `greedy_decode` takes the best path alone.

    Parameters
    ----------
    logits : array_like
        Shape (frames, outputs), of one utterance, without padding.
    blank : int
        Which output is the blank.
    width : int
        How many prefixes are kept from frame to frame.

    Returns
    -------
    list of int
        Labels.

    Raises
    ------
    ArgumentError
        If `width` is below 1 or the logits have no frame.

    Examples
    --------
    The best path is all blanks; yet the label has more paths in total:

    >>> logits = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> greedy_decode(logits, blank=0), beam_decode(logits, blank=0)
    ([], [1])
    """
    if width < 1:
        raise ArgumentError(f"width must be at least 1; got {width}")
    # For each prefix: log probability of the paths that end in the blank, and of
    # those that end in the prefix's own last label.
    beams = {(): (0.0, -np.inf)}
    for frame in _log_softmax(logits):
        grown: dict[tuple, tuple[float, float]] = {}

        def add(prefix, to_blank, to_label, grown=grown):
            blank_now, label_now = grown.get(prefix, (-np.inf, -np.inf))
            grown[prefix] = (
                np.logaddexp(blank_now, to_blank),
                np.logaddexp(label_now, to_label),
            )

        # Labels far below the best of a frame cannot win the beam.
        likely = np.flatnonzero(frame > frame.max() - 12.0)
        for prefix, (in_blank, in_label) in beams.items():
            total = np.logaddexp(in_blank, in_label)
            add(prefix, total + frame[blank], -np.inf)
            if prefix:
                add(prefix, -np.inf, in_label + frame[prefix[-1]])
            for label in likely:
                if label == blank:
                    continue
                # The same label again needs a blank in between.
                before = in_blank if prefix and label == prefix[-1] else total
                add((*prefix, int(label)), -np.inf, before + frame[label])
        best = sorted(grown.items(), key=lambda kv: -np.logaddexp(*kv[1]))
        beams = dict(best[:width])
    return list(max(beams, key=lambda prefix: np.logaddexp(*beams[prefix])))
