"""Which output stands at which time."""

import numpy as np

from ..errors import ArgumentError
from .decoding import _log_softmax


def _with_blanks(labels, blank):
    """Put a blank before, between and after the labels."""
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    return states


def _skippable(states, blank):
    """Whether a state may follow the one two before it: no blank, no repeat."""
    skip = np.zeros(len(states), dtype=bool)
    skip[2:] = (states[2:] != blank) & (states[2:] != states[:-2])
    return skip


def lattice(logits, labels, blank):
    """How probable each state is at each time, given the labels.

    The forward-backward algorithm of CTC (Graves et al., 2006, sections 4.1 and
    4.2). States are the labels with a blank before, between and after them.

    Parameters
    ----------
    logits : array_like
        Shape (frames, outputs), of one utterance, without padding.
    labels : sequence of int
        Shape (labels,).
    blank : int
        Which output is the blank.

    Returns
    -------
    posteriors : numpy.ndarray
        Shape (frames, 2 * labels + 1); rows sum to 1.
    loss : float
        Minus the log probability of the labels, in nats: the CTC loss.

    Raises
    ------
    ArgumentError
        If there are too few frames for the labels (FAULTS C8).

    Examples
    --------
    >>> posteriors, loss = lattice(np.zeros((2, 2)), [1], blank=0)
    >>> posteriors.shape, round(loss, 4)  # 3 of the 4 paths spell the label
    ((2, 3), 0.2877)
    """
    log_p = _log_softmax(logits)
    labels = np.asarray(labels, dtype=int)
    states = _with_blanks(labels, blank)
    skip = _skippable(states, blank)
    emit = log_p[:, states]
    forward = _forward(emit, skip)
    # Backwards in time it is the same with the states turned round.
    turned = np.zeros_like(skip)
    turned[2:] = skip[::-1][:-2]
    backward = _forward(emit[::-1, ::-1], turned)[::-1, ::-1]
    log_likelihood = np.logaddexp.reduce(forward[-1, -2:])
    if not np.isfinite(log_likelihood):
        raise ArgumentError(
            f"{len(log_p)} frames are too few for {len(labels)} labels with "
            f"{np.count_nonzero(labels[1:] == labels[:-1])} repeats; use a longer "
            "input or a smaller stride"
        )
    # Both count the frame itself.
    posteriors = np.exp(forward + backward - emit - log_likelihood)
    return posteriors, float(-log_likelihood)


def _forward(emit, skip):
    """Log probability of all ways to each state, shape (frames, states)."""
    alpha = np.full_like(emit, -np.inf)
    alpha[0, :2] = emit[0, :2]
    for t in range(1, len(emit)):
        stay = alpha[t - 1]
        step = np.append(-np.inf, stay[:-1])
        jump = np.append([-np.inf, -np.inf], stay[:-2])[: len(stay)]
        jump = np.where(skip, jump, -np.inf)
        alpha[t] = emit[t] + np.logaddexp(np.logaddexp(stay, step), jump)
    return alpha


def forced_alignment(logits, labels, blank):
    """Find the best path that spells the labels (Viterbi).

    Parameters
    ----------
    logits : array_like
        Shape (frames, outputs), of one utterance, without padding.
    labels : sequence of int
        Shape (labels,).
    blank : int
        Which output is the blank.

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
    log_p = _log_softmax(logits)
    labels = np.asarray(labels, dtype=int)
    states = _with_blanks(labels, blank)
    skip = _skippable(states, blank)
    score = np.full(len(states), -np.inf)
    score[:2] = log_p[0, states[:2]]
    came_from = np.zeros((len(log_p), len(states)), dtype=int)
    for t in range(1, len(log_p)):
        ways = np.full((3, len(states)), -np.inf)
        ways[0] = score
        ways[1, 1:] = score[:-1]
        ways[2, 2:] = np.where(skip[2:], score[:-2], -np.inf)
        came_from[t] = np.argmax(ways, axis=0)
        score = ways.max(axis=0) + log_p[t, states]
    ends = score[-2:] if len(states) > 1 else score[-1:]
    if not np.isfinite(ends).any():
        raise ArgumentError(
            f"{len(log_p)} frames are too few for {len(labels)} labels; use a longer "
            "input or a smaller stride"
        )
    path = np.empty(len(log_p), dtype=int)
    path[-1] = len(states) - len(ends) + int(np.argmax(ends))
    for t in range(len(log_p) - 1, 0, -1):
        path[t - 1] = path[t] - came_from[t, path[t]]
    frames = [np.flatnonzero(path == 2 * i + 1) for i in range(len(labels))]
    return [(int(where[0]), int(where[-1])) for where in frames]
