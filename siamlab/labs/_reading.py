"""What a network of phones says of an utterance, read off by CTC's two rules."""

import dataclasses
import html

import numpy as np
from scipy.special import softmax

from .. import ctc, metrics
from ..errors import ArgumentError

# What a path has become after none, one and both of CTC's rules.
STAGES = ("path as it is", "repeats joined", "blanks dropped")


def collapse(path, stage=2):
    """Say which frames of a path are left after the rules of CTC.

    First repeats are joined, then blanks dropped (Graves et al., 2006); in the other
    order a phone said twice would be lost (FAULTS C21).

    Parameters
    ----------
    path : sequence of str
        The symbol of each frame; None for the blank.
    stage : int
        How many of the rules apply: 0, 1 or 2.

    Returns
    -------
    list of int
        Frames: all; the first of each run; those of them that are no blank.

    Raises
    ------
    ArgumentError
        If there is no such stage.

    Examples
    --------
    >>> path = [None, "a", "a", None, "a", "b", "b", None]
    >>> [path[frame] for frame in collapse(path, stage=1)]
    [None, 'a', None, 'a', 'b', None]
    >>> [path[frame] for frame in collapse(path)]
    ['a', 'a', 'b']
    """
    if stage not in range(len(STAGES)):
        raise ArgumentError(f"stage must be 0, 1 or 2 rules; got {stage}")
    left = list(range(len(path)))
    if stage >= 1:
        left = [t for t in left if t == 0 or path[t] != path[t - 1]]
    if stage >= 2:
        left = [t for t in left if path[t] is not None]
    return left


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a network makes of an utterance at one time of its training.

    Parameters
    ----------
    utterance : int
        Which, from 0.
    epoch : int
        After how many epochs; 0 is before training.
    epochs : int
        How many it was trained for.
    stage : int
        How many of CTC's rules apply to `path`, see `collapse`.
    path : tuple of str
        The most probable symbol of each frame; None for the blank.
    said : tuple of str
        The true phones.
    loss : float
        CTC loss: minus the log probability of the true phones, in nats.
    posteriors : numpy.ndarray
        Probability of each output, shape (frames, outputs).
    lattice : numpy.ndarray
        Of `ctc.lattice` with the true phones, shape (frames, 2 * phones + 1).
    alignment : tuple of (int, int)
        First and last frame of each true phone on the best path that spells them.
    """

    utterance: int
    epoch: int
    epochs: int
    stage: int
    path: tuple[str | None, ...]
    said: tuple[str, ...]
    loss: float
    posteriors: np.ndarray = dataclasses.field(repr=False, compare=False)
    lattice: np.ndarray = dataclasses.field(repr=False, compare=False)
    alignment: tuple[tuple[int, int], ...] = dataclasses.field(repr=False)

    @property
    def heard(self):
        """Phones that are left after both rules, a tuple of str."""
        return tuple(self.path[t] for t in collapse(self.path))

    @property
    def error_rate(self):
        """Phone error rate of `heard`."""
        return metrics.phone_error_rate([self.said], [self.heard])

    @property
    def blank_share(self):
        """Share of the frames whose most probable output is the blank."""
        return self.path.count(None) / len(self.path)

    def __str__(self):
        """Numbers, what was said, and the path with what the last rule struck out."""
        before = collapse(self.path, max(self.stage - 1, 0))
        left = set(collapse(self.path, self.stage))
        when = "before training"
        if self.epoch:
            when = f"after epoch {self.epoch} of {self.epochs}"
        return (
            f"<b>{when}</b>: loss <b>{self.loss:.1f} nats</b>, "
            f"blank in <b>{self.blank_share:.0%}</b> of {len(self.path)} frames, "
            f"phone error rate <b>{self.error_rate:.0%}</b><br>"
            f"said, {len(self.said)} phones: {html.escape(' '.join(self.said))}<br>"
            f"{STAGES[self.stage]}, {len(left)} left: "
            + " ".join(_letter(self.path[t], t in left) for t in before)
        )


def shown(symbol):
    """Return what stands for a symbol in print: "-" for the blank."""
    return "-" if symbol is None else symbol.replace(" ", "␣")


def _letter(symbol, is_left):
    text = html.escape(shown(symbol))
    return f"<b>{text}</b>" if is_left else f'<s style="color:#999">{text}</s>'


def read_off(logits, symbols, truth, utterance=0, epoch=0, stage=2):
    """Read off the phones of an utterance at one time of the training.

    Parameters
    ----------
    logits : sequence of sequence of array_like
        By epoch, 0 before training; by utterance; shape (frames, outputs) each. As
        `callbacks.Outputs` keeps them.
    symbols : ctc.Vocabulary
        What the outputs stand for, with a blank.
    truth : sequence of sequence of str
        The phones of each utterance.
    utterance : int
        Which.
    epoch : int
        After how many epochs. A network that was trained for fewer stays what it was
        after its last.
    stage : int
        How many of CTC's rules apply: 0, 1 or 2.

    Returns
    -------
    Reading
        Phones and numbers.

    Raises
    ------
    ArgumentError
        If a phone is none of the symbols, there are too few frames for them
        (FAULTS C8), or epoch or stage are out of range.

    Examples
    --------
    >>> symbols = ctc.Vocabulary(("a", "b"), blank=0)
    >>> sure = 9 * np.eye(3)[[0, 1, 1, 0, 2, 0]]
    >>> found = read_off([[sure]], symbols, ["ab"])
    >>> found.heard, found.error_rate, found.blank_share
    (('a', 'b'), 0.0, 0.5)
    """
    if epoch < 0:
        raise ArgumentError(f"epoch must be 0, before training, or more; got {epoch}")
    epochs = len(logits) - 1
    epoch = min(epoch, epochs)
    found = np.asarray(logits[epoch][utterance])
    labels = symbols.encode(truth[utterance])
    states, loss = ctc.lattice(found, labels, symbols.blank)
    best = found.argmax(axis=1)
    return Reading(
        utterance,
        epoch,
        epochs,
        stage,
        tuple(None if b == symbols.blank else symbols.decode([b])[0] for b in best),
        tuple(truth[utterance]),
        loss,
        softmax(found, axis=1),
        states,
        tuple(ctc.forced_alignment(found, labels, symbols.blank)),
    )
