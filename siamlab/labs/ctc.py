"""The CTC lab (notebook 04): how outputs become phones, epoch by epoch."""

import dataclasses

import numpy as np
import traitlets
from scipy.special import softmax

from .. import ctc, metrics
from ..errors import ArgumentError
from ._view import Lab

# A path after none, one and both of the rules.
STAGES = ("best path", "repeats merged", "blanks removed")


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
        """Summarize in one line: numbers, and what the rules leave of the path."""
        left = [self.path[t] for t in collapse(self.path, self.stage)]
        text = " ".join("-" if symbol is None else symbol for symbol in left)
        return (
            f"epoch {self.epoch} of {self.n_epochs}: loss {self.loss:.1f} nats, blank "
            f"in {self.blank_share:.0%} of {len(self.path)} frames, phone error rate "
            f"{self.error_rate:.0%}; {STAGES[self.stage]}: {text or '(nothing)'}"
        )


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
        If outputs are not finite or do not fit the vocabulary, a phone is not in it, or
        there are too few frames for the phones (docs/doctor.md#c8).

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
    outputs = np.asarray(logits[epoch][utterance], float)
    fits = vocabulary.blank is not None and outputs.shape[-1] == len(vocabulary)
    if not fits or not np.isfinite(outputs).all():
        raise ArgumentError(
            f"outputs of epoch {epoch} must be finite, with an output for each symbol "
            f"and the blank; got shape {outputs.shape} and {vocabulary}. Leave out the "
            "epochs after the training diverged (docs/doctor.md#c18)"
        )
    labels = vocabulary.encode(truth[utterance])
    states, loss = ctc.lattice(outputs, labels, vocabulary.blank)
    alignment = tuple(ctc.forced_alignment(outputs, labels, vocabulary.blank))
    path = tuple(_names(vocabulary)[best] for best in outputs.argmax(axis=1))
    spoken, p = tuple(truth[utterance]), softmax(outputs, axis=1)
    where = utterance, epoch, n_epochs, stage
    return CTCOutput(*where, path, spoken, loss, p, states, alignment)


def _names(vocabulary):
    """Symbol of each output; None for the blank."""
    names = list(vocabulary.symbols)
    names.insert(vocabulary.blank, None)
    return names


class CTCLab(Lab):
    """Follow a phone recognizer through its training.

    Parameters
    ----------
    outputs : dict of str to sequence of sequence of array_like
        Logits of each network: by epoch, 0 before training; by utterance; shape (time,
        outputs) each, without padding, before training and after each epoch.
    vocabulary : ctc.Vocabulary
        Symbols of the outputs, with a blank.
    truth : sequence of sequence of str
        The phones of each utterance; more than about 40 are hard to read.
    hop_seconds : float
        Time between outputs, in seconds.
    phones : sequence of sequence of (str, float, float), optional
        True times of the phones: symbol, start and end in seconds, for each utterance.
        Symbols outside of the vocabulary, such as silence, are left out.
    names : sequence of str, optional
        Names of the utterances; their phones by default.

    Attributes
    ----------
    network : str
        Name of the network.
    epoch : int
        0 is before training; at first the last one.
    utterance : int
        Index of the utterance.
    stage : int
        Number of rules of CTC that are applied: 0, 1 or 2.

    Raises
    ------
    ArgumentError
        If there are no utterances, names or times do not fit them, or as for
        `decode_utterance`.

    Examples
    --------
    >>> from siamlab.ctc import Vocabulary
    >>> vocabulary = Vocabulary(("a", "b"), blank=0)
    >>> before, after = np.zeros((6, 3)), 9 * np.eye(3)[[0, 1, 1, 0, 2, 0]]
    >>> outputs = {"small": [[before], [after]]}
    >>> lab = CTCLab(outputs, vocabulary, ["ab"], hop_seconds=0.01)
    >>> lab.result.decoded
    ('a', 'b')
    >>> lab.epoch = 0
    >>> round(lab.result.error_rate)
    1
    """

    network = traitlets.Unicode().tag(sync=True, control=True)
    epoch = traitlets.Int().tag(sync=True, control=True)
    utterance = traitlets.Int(0).tag(sync=True, control=True)
    stage = traitlets.Enum([0, 1, 2], 2).tag(sync=True, control=True)

    def __init__(
        self, outputs, vocabulary, truth, *, hop_seconds, phones=None, names=None
    ):
        # Lists, because columns of a table have an index of their own.
        truth = [list(each) for each in truth]
        names = [" ".join(each) for each in truth] if names is None else list(names)
        if phones is not None:
            phones = [[p for p in u if p[0] in vocabulary.symbols] for u in phones]
        timed = truth if phones is None else [[p[0] for p in each] for each in phones]
        if not truth or len(names) != len(truth) or timed != truth:
            raise ArgumentError(
                f"names and phones must fit the utterances {truth}; got {names} {timed}"
            )
        epochs = range(max(map(len, outputs.values())))
        self.network, self.epoch = next(iter(outputs)), epochs[-1]
        self._results = {
            (network, epoch, i): decode_utterance(each, vocabulary, truth, i, epoch)
            for network, each in outputs.items()
            for epoch in epochs
            for i in range(len(truth))
        }
        data = {
            f"{name} {network} {epoch} {i}": part
            for (network, epoch, i), result in self._results.items()
            for name, part in _parts(result).items()
        }
        data.update(truth=truth, names=names, times=phones, hop=hop_seconds)
        data.update(networks=list(outputs), epochs=list(epochs))
        super().__init__(symbols=_names(vocabulary), **data)

    def compute(self, network, epoch, utterance, stage):
        """Look up the decoded output; see `decode_utterance`."""
        result = self._results[network, epoch, utterance]
        return dataclasses.replace(result, stage=stage)


def _parts(result):
    """Collect what the view needs of a result, in bytes where they are enough.

    Outputs are shares of the largest one of their frame. Only this one is 255, so that
    the view finds the same path. Probabilities of states are square roots.
    """
    largest = result.posteriors.max(axis=1)
    shares = result.posteriors / largest[:, None]
    rounded = np.rint(255 * shares).clip(0, 254)
    return {
        "outputs": np.where(shares == 1, 255, rounded).astype(np.uint8),
        "largest": largest,
        "lattice": np.rint(255 * np.sqrt(result.lattice.clip(0, 1))).astype(np.uint8),
        "alignment": result.alignment,
        "numbers": {"loss": result.loss, "errorRate": result.error_rate},
    }
