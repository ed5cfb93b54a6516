"""Validation of a batch before CTC training."""

import dataclasses

import numpy as np

from ..errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem of one utterance of a batch.

    Parameters
    ----------
    utterance : int
        Row of the utterance in the batch.
    code : str
        Code of the doctor's rule: "C8", "C9", "C10" or "C13" (`docs/doctor.md`).
    evidence : str
        What was found.
    fix : str
        How to fix it.
    """

    utterance: int
    code: str
    evidence: str
    fix: str

    def __str__(self):
        return f"utterance {self.utterance}: {self.code}, {self.evidence}; {self.fix}"


def validate_batch(batch, model):
    """Find utterances of a batch that cannot be used for CTC training.

    Parameters
    ----------
    batch : tuple
        Inputs and labels, as from `sampling.UtteranceBatches`. The inputs are a
        dictionary with "spectrogram", shape (batch, time, mel), and "frames", shape
        (batch,). The labels have shape (batch, labels) and are padded with -1.
    model : networks.CTCNet
        The network to be trained.

    Returns
    -------
    list of Problem
        Empty if there is no problem. C8: there are fewer output frames than labels plus
        repeats, so no path produces the labels. C9: a length exceeds the spectrogram.
        C10: lengths or labels have the wrong shape. C13: a label is the blank, or is
        not an output.

    Raises
    ------
    ArgumentError
        If the batch does not have this structure.
    """
    try:
        inputs, labels = batch
        spectrogram = np.asarray(inputs["spectrogram"])
        frames, labels = np.asarray(inputs["frames"]), np.asarray(labels)
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise ArgumentError(
            'batch must be ({"spectrogram": ..., "frames": ...}, labels), as from '
            "sampling.UtteranceBatches"
        ) from error
    n = len(spectrogram)
    if frames.shape != (n,) or labels.ndim != 2 or len(labels) != n:
        evidence = f"frames {frames.shape} and labels {labels.shape} for {n} utterances"
        fix = f"give frames the shape ({n},) and labels the shape ({n}, labels)"
        return [Problem(0, "C10", evidence, fix)]
    return [
        Problem(i, *problem)
        for i in range(n)
        for problem in _problems(int(frames[i]), spectrogram.shape[1], labels[i], model)
    ]


def min_frames(labels):
    """Return the number of frames that CTC needs to produce labels.

    Parameters
    ----------
    labels : array
        Shape (labels,).

    Returns
    -------
    int
        One frame for each label, and one for the blank between two equal ones.

    Examples
    --------
    >>> min_frames([3, 3, 1])
    4
    """
    labels = np.asarray(labels)
    return len(labels) + int(np.count_nonzero(labels[1:] == labels[:-1]))


def _problems(n_frames, n_padded, labels, model):
    """Yield code, evidence and fix of each problem of one utterance."""
    labels = labels[labels >= 0]
    blank, n_outputs = model.vocabulary.blank, len(model.vocabulary)
    if not 0 < n_frames <= n_padded:
        yield (
            "C9",
            f"its length is {n_frames} of {n_padded} frames",
            "give the number of frames without padding",
        )
    wrong = labels[(labels == blank) | (labels >= n_outputs)]
    if len(wrong):
        what = "the blank" if wrong[0] == blank else f"not one of {n_outputs} outputs"
        yield (
            "C13",
            f"label {wrong[0]} is {what}",
            "encode the labels with the vocabulary of the network",
        )
    needed, available = min_frames(labels), int(model.output_frames(n_frames))
    if available < needed:
        yield (
            "C8",
            f"{len(labels)} labels, {needed - len(labels)} of them repeated, need "
            f"{needed} outputs; {n_frames} frames give {available}",
            "leave the utterance out, or use a smaller stride",
        )
