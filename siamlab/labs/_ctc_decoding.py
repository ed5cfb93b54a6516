"""Decoding the outputs of a phone recognizer with the two rules of CTC."""

import dataclasses
import html

import numpy as np
from scipy.special import softmax

from .. import ctc, metrics

# A path after none, one and both of the rules.
STAGES = ("path", "repeats merged", "blanks removed")


def collapse(path, stage=2):
    """Return the frames of a path that remain after the rules of CTC.

    First repeats are merged, then blanks removed (Graves et al., 2006). In the other
    order, a phone that occurs twice in a row would be lost (docs/doctor.md#c21).

    Parameters
    ----------
    path : sequence of str
        The symbol of each frame; None for the blank.
    stage : int
        Number of rules that are applied: 0, 1 or 2.

    Returns
    -------
    list of int
        All frames; the first of each run; those of them that are not blank.

    Examples
    --------
    >>> path = [None, "a", "a", None, "a", "b", "b", None]
    >>> [path[frame] for frame in collapse(path, stage=1)]
    [None, 'a', None, 'a', 'b', None]
    >>> [path[frame] for frame in collapse(path)]
    ['a', 'a', 'b']
    """
    left = list(range(len(path)))
    if stage >= 1:
        left = [t for t in left if t == 0 or path[t] != path[t - 1]]
    if stage >= 2:
        left = [t for t in left if path[t] is not None]
    return left


@dataclasses.dataclass(frozen=True)
class CTCOutput:
    """The decoded output of a network for an utterance, at one time of its training.

    Parameters
    ----------
    utterance : int
        Index of the utterance.
    epoch : int
        Epochs so far; 0 is before training.
    n_epochs : int
        Epochs of the whole training.
    stage : int
        Number of rules that are applied to `path`, see `collapse`.
    path : tuple of str
        The most probable symbol of each frame; None for the blank.
    reference : tuple of str
        The true phones.
    loss : float
        CTC loss: minus the log probability of the true phones, in nats.
    posteriors : numpy.ndarray
        Probability of each output, shape (frames, outputs).
    lattice : numpy.ndarray
        Of `ctc.lattice` with the true phones, shape (frames, 2 * phones + 1).
    alignment : tuple of (int, int)
        First and last frame of each true phone on the best path.
    """

    utterance: int
    epoch: int
    n_epochs: int
    stage: int
    path: tuple[str | None, ...]
    reference: tuple[str, ...]
    loss: float
    posteriors: np.ndarray = dataclasses.field(repr=False, compare=False)
    lattice: np.ndarray = dataclasses.field(repr=False, compare=False)
    alignment: tuple[tuple[int, int], ...] = dataclasses.field(repr=False)

    @property
    def decoded(self):
        """Phones that remain after both rules, a tuple of str."""
        return tuple(self.path[t] for t in collapse(self.path))

    @property
    def error_rate(self):
        """Phone error rate of `decoded`."""
        return metrics.phone_error_rate([self.reference], [self.decoded])

    @property
    def blank_share(self):
        """Share of the frames whose most probable output is the blank."""
        return self.path.count(None) / len(self.path)

    def __str__(self):
        """Numbers, the true phones, and the path, with removed symbols struck out."""
        before = collapse(self.path, max(self.stage - 1, 0))
        left = set(collapse(self.path, self.stage))
        when = "before training"
        if self.epoch:
            when = f"after epoch {self.epoch} of {self.n_epochs}"
        return (
            f"<b>{when}</b>: loss <b>{self.loss:.1f} nats</b>, "
            f"blank in <b>{self.blank_share:.0%}</b> of {len(self.path)} frames, "
            f"phone error rate <b>{self.error_rate:.0%}</b><br>"
            f"true phones, {len(self.reference)}: "
            f"{html.escape(' '.join(self.reference))}<br>"
            f"{STAGES[self.stage]}, {len(left)} symbols: "
            + " ".join(_letter(self.path[t], t in left) for t in before)
        )


def symbol_text(symbol):
    """Return the printed form of a symbol: "-" for the blank."""
    return "-" if symbol is None else symbol.replace(" ", "␣")


def _letter(symbol, is_left):
    text = html.escape(symbol_text(symbol))
    return f"<b>{text}</b>" if is_left else f'<s style="color:#999">{text}</s>'


def decode_utterance(logits, vocabulary, truth, utterance=0, epoch=0, stage=2):
    """Decode the phones of an utterance at one time of the training.

    Parameters
    ----------
    logits : sequence of sequence of array_like
        By epoch, 0 before training; by utterance; shape (time, outputs) each.
    vocabulary : ctc.Vocabulary
        Symbols of the outputs, with a blank.
    truth : sequence of sequence of str
        The phones of each utterance.
    utterance : int
        Index of the utterance.
    epoch : int
        Epochs so far. A network that was trained for fewer epochs stays as it was
        after its last one.
    stage : int
        Number of rules that are applied: 0, 1 or 2.

    Returns
    -------
    CTCOutput
        Phones and numbers.

    Raises
    ------
    ArgumentError
        If a phone is not in the vocabulary, or there are too few frames for the phones
        (docs/doctor.md#c8).

    Examples
    --------
    >>> vocabulary = ctc.Vocabulary(("a", "b"), blank=0)
    >>> logits = 9 * np.eye(3)[[0, 1, 1, 0, 2, 0]]
    >>> result = decode_utterance([[logits]], vocabulary, ["ab"])
    >>> result.decoded, result.error_rate, result.blank_share
    (('a', 'b'), 0.0, 0.5)
    """
    n_epochs = len(logits) - 1
    epoch = min(epoch, n_epochs)
    outputs = np.asarray(logits[epoch][utterance])
    labels = vocabulary.encode(truth[utterance])
    states, loss = ctc.lattice(outputs, labels, vocabulary.blank)
    best = outputs.argmax(axis=1)
    return CTCOutput(
        utterance,
        epoch,
        n_epochs,
        stage,
        tuple(
            None if b == vocabulary.blank else vocabulary.decode([b])[0] for b in best
        ),
        tuple(truth[utterance]),
        loss,
        softmax(outputs, axis=1),
        states,
        tuple(ctc.forced_alignment(outputs, labels, vocabulary.blank)),
    )
