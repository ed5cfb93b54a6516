"""Alignment of labels with frames."""

import numpy as np

from ..errors import ArgumentError
from .batch_validation import min_frames
from .decoding import log_probabilities


def lattice(logits, labels, blank):
    """Compute the posterior probability of each state at each frame, given the labels.

    This is the forward-backward algorithm of CTC (Graves et al., 2006, sections 4.1 and
    4.2). The states are the labels, with a blank before, between and after them.

    Parameters
    ----------
    logits : array_like
        Shape (time, outputs), of one utterance, without padding.
    labels : sequence of int
        Shape (labels,).
    blank : int
        Index of the blank among the outputs.

    Returns
    -------
    posteriors : numpy.ndarray
        Shape (time, 2 * labels + 1); each row sums to 1.
    loss : float
        The CTC loss: the negative log-likelihood of the labels, in nats.

    Raises
    ------
    ArgumentError
        If there are too few frames for the labels (fault C8, `docs/doctor.md#c8`).

    Examples
    --------
    >>> posteriors, loss = lattice(np.zeros((2, 2)), [1], blank=0)
    >>> posteriors.shape, round(loss, 4)  # 3 of the 4 paths give this label
    ((2, 3), 0.2877)
    """
    log_p = log_probabilities(logits)
    states, can_skip = _states(labels, blank)
    emitted = log_p[:, states]
    forward = _forward(emitted, can_skip)
    log_likelihood = np.logaddexp.reduce(forward[-1, -2:])
    _check_reachable(log_likelihood, log_p, labels)
    # The backward pass is the forward pass with time and states reversed: a skip
    # into state s becomes a skip out of it.
    can_skip_back = np.append([False, False], can_skip[:1:-1])
    backward = _forward(emitted[::-1, ::-1], can_skip_back)[::-1, ::-1]
    # Both passes include the frame itself.
    posteriors = np.exp(forward + backward - emitted - log_likelihood)
    return posteriors, float(-log_likelihood)


def forced_alignment(logits, labels, blank):
    """Find the most probable path that gives the labels (Viterbi algorithm).

    Parameters
    ----------
    logits : array_like
        Shape (time, outputs), of one utterance, without padding.
    labels : sequence of int
        Shape (labels,).
    blank : int
        Index of the blank among the outputs.

    Returns
    -------
    list of (int, int)
        First and last frame of each label.

    Raises
    ------
    ArgumentError
        If there are too few frames for the labels.

    Examples
    --------
    >>> forced_alignment(np.eye(3)[[1, 1, 0, 2]] * 9, [1, 2], blank=0)
    [(0, 1), (3, 3)]
    """
    log_p = log_probabilities(logits)
    states, can_skip = _states(labels, blank)
    score = _initial(log_p[0, states])
    n_back = np.zeros((len(log_p), len(states)), dtype=int)
    for t in range(1, len(log_p)):
        predecessors = _predecessors(score, can_skip)
        n_back[t] = np.argmax(predecessors, axis=0)
        score = predecessors.max(axis=0) + log_p[t, states]
    ends = score[-2:]  # the last label, or the blank after it
    _check_reachable(ends.max(), log_p, labels)
    path = np.empty(len(log_p), dtype=int)
    path[-1] = len(states) - len(ends) + np.argmax(ends)
    for t in range(len(log_p) - 1, 0, -1):
        path[t - 1] = path[t] - n_back[t, path[t]]
    frames = [np.flatnonzero(path == 2 * i + 1) for i in range(len(labels))]
    return [(int(f[0]), int(f[-1])) for f in frames]


def _states(labels, blank):
    """Labels with blanks; and whether a path may skip the state before each one."""
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    # A path may go directly from a label to the next one only if they differ.
    can_skip = np.zeros(len(states), dtype=bool)
    can_skip[2:] = (states[2:] != blank) & (states[2:] != states[:-2])
    return states, can_skip


def _initial(emitted):
    """Log probabilities at the first frame: a path starts in one of two states."""
    score = np.full_like(emitted, -np.inf)
    score[:2] = emitted[:2]
    return score


def _predecessors(score, can_skip):
    """Scores of each state and of the two states before it, shape (3, states)."""
    scores = np.full((3, len(score)), -np.inf)
    scores[0] = score
    scores[1, 1:] = score[:-1]
    scores[2, 2:] = np.where(can_skip[2:], score[:-2], -np.inf)
    return scores


def _forward(emitted, can_skip):
    """Log probability of all paths that lead to each state, shape (time, states)."""
    alpha = np.empty_like(emitted)
    alpha[0] = _initial(emitted[0])
    for t in range(1, len(emitted)):
        before = np.logaddexp.reduce(_predecessors(alpha[t - 1], can_skip))
        alpha[t] = emitted[t] + before
    return alpha


def _check_reachable(log_likelihood, log_p, labels):
    if not np.isfinite(log_likelihood):
        raise ArgumentError(
            f"logits must have at least {min_frames(labels)} frames for {len(labels)} "
            f"labels and the blanks between equal ones; got {len(log_p)}. Use a longer "
            "input or a smaller stride."
        )
