"""What would go wrong with a batch, before it does."""

import dataclasses

import numpy as np

from ..errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with one utterance of a batch.

    Parameters
    ----------
    utterance : int
        Its row in the batch.
    code : str
        Of the fault: "C8", "C9", "C10", "C13".
    evidence : str
        What was found.
    fix : str
        What to do.
    """

    utterance: int
    code: str
    evidence: str
    fix: str

    def __str__(self):
        return f"utterance {self.utterance}: {self.code}, {self.evidence}; {self.fix}"


def validate_batch(batch, model):
    """Look at a batch before it is trained on.

    Parameters
    ----------
    batch : tuple
        What `sampling.UtteranceBatches` gives: a dictionary with "spectrogram",
        (batch, frames, bands), and "frames", (batch,); and labels,
        (batch, labels), padded with -1.
    model : networks.CTCNet
        What it is going to be trained with.

    Returns
    -------
    list of Problem
        Empty if all is well. C8: fewer outputs than labels plus repeats, so that
        no path spells them. C9: a length beyond the spectrogram. C10: lengths or
        labels of the wrong shape. C13: a label that is the blank, or no output.

    Raises
    ------
    ArgumentError
        If the batch is no such pair.
    """
    try:
        inputs, labels = batch
        spectrogram = np.asarray(inputs["spectrogram"])
        frames, labels = np.asarray(inputs["frames"]), np.asarray(labels)
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise ArgumentError(
            'a batch is ({"spectrogram": ..., "frames": ...}, labels), as '
            "sampling.UtteranceBatches gives it"
        ) from error
    n = len(spectrogram)
    if frames.shape != (n,) or labels.ndim != 2 or len(labels) != n:
        evidence = f"frames {frames.shape} and labels {labels.shape} for {n} utterances"
        fix = f"give frames the shape ({n},) and labels ({n}, labels)"
        return [Problem(0, "C10", evidence, fix)]
    problems = []
    for i in range(n):
        problems += _utterance(
            i, int(frames[i]), spectrogram.shape[1], labels[i], model
        )
    return problems


def _utterance(i, frames, there, labels, model):
    labels = labels[labels >= 0]
    blank, outputs = model.vocabulary.blank, len(model.vocabulary)
    if not 0 < frames <= there:
        yield Problem(
            i,
            "C9",
            f"its length is given as {frames} of {there} frames",
            "give the number of frames before the padding",
        )
    wrong = labels[(labels == blank) | (labels >= outputs)]
    if len(wrong):
        what = "is the blank" if wrong[0] == blank else f"is none of {outputs} outputs"
        yield Problem(
            i, "C13", f"label {wrong[0]} {what}", "encode with the network's symbols"
        )
    repeats = int(np.count_nonzero(labels[1:] == labels[:-1]))
    needed, offered = len(labels) + repeats, int(model.output_frames(frames))
    if offered < needed:
        yield Problem(
            i,
            "C8",
            f"{len(labels)} labels with {repeats} repeats need {needed} outputs, "
            f"{frames} frames give {offered}",
            "leave it out, or use a smaller stride",
        )
