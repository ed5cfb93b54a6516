"""The CTC lab (notebook 04): how outputs become phones, epoch by epoch."""

import dataclasses
import itertools

import numpy as np
import traitlets
from scipy.special import softmax

from .. import ctc, metrics
from ..errors import ArgumentError
from ._view import Lab

# A path after none, one and both of the rules.
STAGES = ("best path", "repeats merged", "blanks removed")
# Of a result, what the view shows.
_SHOWN = "path", "alignment", "loss", "error_rate", "blank_share"


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


@dataclasses.dataclass(frozen=True, eq=False)
class CTCOutput:
    """The decoded output of a network for an utterance.

    Parameters
    ----------
    path : list of str
        The most probable symbol of each frame; None for the blank.
    reference : list of str
        The true phones.
    stage : int
        Number of rules that are applied to `path`, see `collapse`.
    loss : float
        CTC loss: minus the log probability of the true phones, in nats.
    lattice : numpy.ndarray
        Of `ctc.lattice` with the true phones, shape (frames, 2 * phones + 1).
    alignment : list of (int, int)
        First and last frame of each true phone on the best path.
    """

    path: list[str | None]
    reference: list[str]
    stage: int
    loss: float
    lattice: np.ndarray = dataclasses.field(repr=False)
    alignment: list[tuple[int, int]] = dataclasses.field(repr=False)

    @property
    def decoded(self):
        """Phones that remain after both rules, a list of str."""
        return [self.path[t] for t in collapse(self.path)]

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
        left = [self.path[t] or "-" for t in collapse(self.path, self.stage)]
        return (
            f"loss {self.loss:.1f} nats, blank in {self.blank_share:.0%} of "
            f"{len(self.path)} frames, phone error rate {self.error_rate:.0%}; "
            f"{STAGES[self.stage]}: {' '.join(left) or '(nothing)'}"
        )


def decode_utterance(logits, vocabulary, phones, stage=2):
    """Decode the phones of an utterance.

    Parameters
    ----------
    logits : array_like
        Shape (time, outputs), without padding.
    vocabulary : ctc.Vocabulary
        Symbols of the outputs, with a blank.
    phones : sequence of str
        The true phones.
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
    >>> result = decode_utterance(logits, vocabulary, "ab")
    >>> result.decoded, result.error_rate, result.blank_share
    (['a', 'b'], 0.0, 0.5)
    """
    logits = np.asarray(logits, float)
    fits = vocabulary.blank is not None and logits.shape[-1] == len(vocabulary)
    if not fits or not np.isfinite(logits).all():
        raise ArgumentError(
            f"outputs {logits.shape} must be finite, one for each of {vocabulary} and "
            "its blank; leave out epochs after the training diverged (doctor.md#c18)"
        )
    labels, symbols = vocabulary.encode(phones), _with_blank(vocabulary)
    states, loss = ctc.lattice(logits, labels, vocabulary.blank)
    alignment = ctc.forced_alignment(logits, labels, vocabulary.blank)
    path = [symbols[best] for best in logits.argmax(axis=1)]
    return CTCOutput(path, list(phones), stage, loss, states, alignment)


def _with_blank(vocabulary):
    """Symbol of each output; None for the blank."""
    symbols = list(vocabulary.symbols)
    symbols.insert(vocabulary.blank, None)
    return symbols


class CTCLab(Lab):
    """Follow a phone recognizer through its training.

    Parameters
    ----------
    outputs : dict of str to sequence of sequence of array_like
        Logits of each network: by epoch, 0 before training; by utterance; shape (time,
        outputs) each, without padding, before training and after each epoch.
    vocabulary : ctc.Vocabulary
        Symbols of the outputs, with a blank.
    phones : sequence of sequence of (str, float, float)
        True phones of each utterance: symbol, start and end in seconds. Symbols outside
        of the vocabulary, such as silence, are left out. More than about 40 are hard to
        read.
    hop_seconds : float
        Time between outputs, in seconds.
    names : sequence of str, optional
        Names of the utterances; their phones by default.

    Attributes
    ----------
    network : str
        Name of the network.
    epoch : int
        0 is before training; at first the last one. A network that was trained for
        fewer epochs stays as it was.
    utterance : int
        Index of the utterance.
    stage : int
        Number of rules of CTC that are applied: 0, 1 or 2.

    Raises
    ------
    ArgumentError
        If there are no utterances, names do not fit them, or as for `decode_utterance`.

    Examples
    --------
    >>> from siamlab.ctc import Vocabulary
    >>> vocabulary = Vocabulary(("a", "b"), blank=0)
    >>> before, after = np.zeros((6, 3)), 9 * np.eye(3)[[0, 1, 1, 0, 2, 0]]
    >>> outputs = {"small": [[before], [after]]}
    >>> phones = [[("a", 0.01, 0.03), ("b", 0.04, 0.05)]]
    >>> lab = CTCLab(outputs, vocabulary, phones, hop_seconds=0.01)
    >>> lab.result.decoded
    ['a', 'b']
    >>> lab.epoch = 0
    >>> round(lab.result.error_rate)
    1
    """

    network = traitlets.Unicode().tag(sync=True, control=True)
    epoch = traitlets.Int().tag(sync=True, control=True)
    utterance = traitlets.Int(0).tag(sync=True, control=True)
    stage = traitlets.Enum([0, 1, 2], 2).tag(sync=True, control=True)

    def __init__(self, outputs, vocabulary, phones, *, hop_seconds, names=None):
        times = [[p for p in each if p[0] in vocabulary.symbols] for each in phones]
        truth = [[p[0] for p in each] for each in times]
        names = [" ".join(each) for each in truth] if names is None else list(names)
        if not truth or len(names) != len(truth):
            raise ArgumentError(
                f"expected names of {max(1, len(truth))} utterances; got {names}"
            )
        epochs = range(max(map(len, outputs.values())))
        self.network, self.epoch = next(iter(outputs)), epochs[-1]
        self._results, data = {}, {"networks": list(outputs), "names": names}
        for network, epoch, i in itertools.product(outputs, epochs, range(len(truth))):
            logits = outputs[network][min(epoch, len(outputs[network]) - 1)][i]
            result = decode_utterance(logits, vocabulary, truth[i])
            self._results[network, epoch, i] = result
            key = f"{network} {epoch} {i}"
            data[f"outputs {key}"] = np.uint8(255 * softmax(logits, axis=1).T + 0.5)
            data[f"lattice {key}"] = np.uint8(255 * np.sqrt(result.lattice) + 0.5)
            data[f"found {key}"] = {name: getattr(result, name) for name in _SHOWN}
        super().__init__(
            symbols=_with_blank(vocabulary),
            times=times,
            hop=hop_seconds,
            last=self.epoch,
            n_frames=max(len(result.path) for result in self._results.values()),
            **data,
        )

    def _compute(self, network, epoch, utterance, stage):
        """Look up the decoded output; see `decode_utterance`."""
        result = self._results[network, epoch, utterance]
        return dataclasses.replace(result, stage=stage)
