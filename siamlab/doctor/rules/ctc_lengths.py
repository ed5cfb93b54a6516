"""Lengths, and the order of the arguments of the loss (C8 to C11, C14)."""

import re

import numpy as np

from .. import rows, trace
from ..ctc_oracle import path
from ..rule import NotExamined, rule

_NOTEBOOK = "03_ctc_that_does_not_learn"


def _counts(phones):
    return np.asarray([len(row) for row in phones.labels])


@rule(
    "C8",
    "ctc",
    "fatal",
    title="no path spells the labels",
    symptom="the loss is infinite, or a huge constant, for some utterances",
    cause="there are fewer outputs than labels and the blanks between repeats",
    fix="use longer inputs or a smaller stride, or leave these utterances out",
    notebook=_NOTEBOOK,
)
def c8_no_path(case):
    """Count, for each utterance: outputs before the padding, labels, repeats.

    Exact: a path needs one output for each label, and one more between two equal ones.
    """
    phones = case.phones.as_ctc
    repeats = [int(np.sum(row[1:] == row[:-1])) for row in phones.labels]
    needed = _counts(phones) + np.asarray(repeats)
    offered = phones.true_outputs
    if len(offered) != len(needed):
        raise NotExamined("there are not as many labels as lengths")
    short = np.flatnonzero(offered < needed)
    if not len(short):
        return None
    i = int(short[np.argmax(needed[short] - offered[short])])
    return len(short), (
        f"{len(short)} of {len(needed)} utterances: number {i} has "
        f"{offered[i]} outputs for {len(phones.labels[i])} labels with {repeats[i]} "
        "repeats"
    )


@rule(
    "C9",
    "ctc",
    "fatal",
    title="input lengths do not count the outputs",
    symptom="an error about sequence lengths, or, silently, a loss that reads padding",
    cause="the network's stride has changed the number of frames, and the lengths do "
    "not know",
    fix="derive the lengths from the model's output",
    notebook=_NOTEBOOK,
)
def c9_length_and_stride(case):
    """Compare the lengths that the loss is given with the model's outputs.

    `keras.ops.ctc_loss` takes lengths beyond the outputs silently. More than one frame
    and 2 % beyond the end is a fault; so is less than 60 % of an utterance, in most
    utterances.
    """
    phones = case.phones.as_ctc
    called = phones.attempt[2]
    if called is not None and called.logit_length is not None:
        given = called.logit_length.reshape(-1).astype(float)
        there = called.frames
        read = np.minimum(given, there)
    elif phones.style == "arrays":
        given, there = phones.input_lengths, phones.outputs.shape[1]
        read = given
    else:
        read = phones.oracle.frames_read.astype(float)
        given, there = read, phones.outputs.shape[1]
    beyond = given > there + max(1, 0.02 * there)
    if beyond.any():
        return float(given.max() / there), (
            f"lengths up to {given.max():.0f} are given for {there} outputs"
        )
    expected = phones.true_outputs
    known = (read >= 0) & (expected > 4)
    if len(read) != len(expected) or not known.any():
        return None
    counts = _counts(phones)
    if _are_counts(read, counts, expected):
        return None  # it is the wrong argument: C11
    stride = phones.stride
    undivided = np.abs(given - phones.true_frames) <= 1
    if stride > 1.4 and undivided[known].all() and (read - expected)[known].max() > 1:
        return float(stride), (
            f"lengths count frames of the spectrogram; outputs are {stride:.2g} "
            "times fewer"
        )
    share = read[known] / expected[known]
    if np.mean(share < 0.6) > 0.5:
        return float(np.median(share)), (
            f"the loss reads {np.median(share):.0%} of the outputs of an utterance"
        )
    return None


def _are_counts(lengths, counts, expected):
    """Whether lengths of the input are those of the labels."""
    if len(lengths) != len(counts):
        return False
    # A label that looks like padding at the end may have been taken for it.
    near = np.abs(lengths - counts)
    alike = np.mean(near == 0) >= 0.7 and near.max() <= 3
    return bool(alike) and float(np.median(expected)) > 1.5 * float(np.median(counts))


@rule(
    "C10",
    "ctc",
    "fatal",
    title="lengths have the wrong shape",
    symptom="an error about shapes, or a loss in which utterances are mixed",
    cause="(batch,) is given where (batch, 1) is asked, or the reverse",
    fix="give lengths in the shape that the loss asks for",
    notebook=_NOTEBOOK,
)
def c10_shape_of_lengths(case):
    """Try the other shape; move one utterance and watch the others' loss.

    The loss fails with the lengths as they are and works, or would, with the other
    rank; or the loss of one utterance moves by more than 1e-3 of itself when the
    outputs of another are changed.
    """
    phones = case.phones.as_ctc
    values, reason, called = phones.attempt
    if values is None:
        ranks = []
        if called is not None:
            both = (called.label_length, called.logit_length)
            ranks = [np.ndim(a) for a in both if a is not None]
        if any(rank != 1 for rank in ranks):
            return float(max(ranks)), (
                f"the CTC loss asks for lengths of shape (batch,); they have "
                f"{max(ranks)} dimensions: {reason}"
            )
        if _works_reshaped(phones):
            return 1.0, f"with lengths of the other rank the loss works; now: {reason}"
        if re.search(r"squeeze|axis .*out of (range|bounds)", str(reason), re.I):
            return 1.0, f"the loss expects lengths of another rank: {reason}"
        return None
    if values.ndim == 2 and values.shape[0] == values.shape[1] > 1:
        return values.shape[1], f"the loss of a batch has the shape {values.shape}"
    if not values.ndim or len(values) != phones.size or phones.size < 2:
        return None
    rng = np.random.default_rng(1)
    out = np.asarray(phones.outputs, np.float32)
    p = rng.dirichlet(np.ones(out.shape[2]), size=out.shape[:2]).astype(np.float32)
    other = p.copy()
    other[0] = p[0, ::-1]
    one, two = phones.loss(p), phones.loss(other)
    moved = np.abs(one - two)[1:] > 1e-3 * np.abs(one[1:]) + 1e-6
    if moved.any():
        return float(moved.mean()), (
            f"changing one utterance moves the loss of {moved.mean():.0%} of the others"
        )
    return None


def _works_reshaped(phones):
    for slot in phones.length_slots:
        a = slot.array
        other = a[:, None] if a.ndim == 1 else a[:, 0]
        if _works(phones, [(slot, other)]):
            return True
    changed = [
        (s, s.array[:, None] if s.array.ndim == 1 else s.array[:, 0])
        for s in phones.length_slots
    ]
    return len(changed) > 1 and _works(phones, changed)


def _works(phones, changed):
    """Whether the loss can be computed with other arrays in these slots."""
    x, y = phones.x, phones.y
    for slot, array in changed:
        x = slot.put(x, array) if slot.side == "x" else x
        y = slot.put(y, array) if slot.side == "y" else y
    try:
        if phones.style == "inside":
            out = trace.arrays(trace.call(phones.case.model, x))
            return bool(np.isfinite(rows.flat((out,))[0]).all())
        objective = phones.case.objective
        values = objective.values(y, phones.outputs, x if objective.takes_x else None)
        return bool(np.isfinite(values).all())
    except NotExamined:
        return False


@rule(
    "C11",
    "ctc",
    "fatal",
    title="arguments of the loss are in the wrong order",
    symptom="an error, or a loss that has nothing to do with the labels",
    cause="targets and outputs, or the two lengths, have changed places",
    fix="pass the arguments by their names",
    notebook=_NOTEBOOK,
)
def c11_order_of_arguments(case):
    """Exchange them; ask whether the right outputs cost less than others.

    Exact: the loss fails as it is and works exchanged; or the length of the input
    is the number of labels, in every utterance, while the outputs are half as many
    again or more; or outputs that spell an utterance's labels without a doubt cost
    more than those that spell another's.
    """
    phones = case.phones.as_ctc
    values, reason, called = phones.attempt
    counts = _counts(phones)
    if called is not None and called.logit_length is not None:
        given = called.logit_length.reshape(-1)
        if _are_counts(given, counts, phones.true_outputs):
            return float(np.mean(given)), (
                "the number of labels is passed as the length of the input "
                f"(for instance {int(given[0])})"
            )
        told = called.label_length
        if told is not None and np.size(told) == len(counts):
            told = told.reshape(-1)
            width = phones.label_array.shape[1]
            if (told > width).all() and (np.abs(told - phones.true_outputs) <= 1).all():
                return float(np.mean(told)), (
                    f"{int(told[0])}, a length of the input, is passed as the number "
                    f"of labels, of which there are {len(phones.labels[0])}"
                )
    if values is None:
        if phones.style == "labels" and _works_exchanged(phones):
            return (
                1.0,
                f"with targets and outputs exchanged the loss works; now: {reason}",
            )
        a, b = phones.length_roles
        if a is not None and b is not None and a.array.shape == b.array.shape:
            if _works(phones, [(a, b.array), (b, a.array)]):
                return (
                    1.0,
                    f"with the two lengths exchanged the loss works; now: {reason}",
                )
        return None
    return _wrong_labels(phones)


def _works_exchanged(phones):
    objective = phones.case.objective
    try:
        values = objective.values(
            np.asarray(phones.outputs, np.float32), phones.label_array
        )
    except NotExamined:
        return False
    return bool(np.isfinite(values).all())


def _wrong_labels(phones):
    """Ask whether the right outputs cost more than another utterance's."""
    oracle = phones.oracle
    blank, labels = oracle.blank, phones.labels
    fits = oracle.rows & [blank not in row for row in labels]
    turned = [labels[i - 1] for i in range(len(labels))]
    fits &= [
        len(a) != len(b) or (a != b).any() for a, b in zip(labels, turned, strict=True)
    ]
    if fits.sum() < 2:
        return None
    frames = phones.outputs.shape[1]

    def cost(said):
        best = np.stack([path(row, blank, frames) for row in said])
        return phones.loss(oracle.sure(np.clip(best, 0, oracle.shape[2] - 1)))[fits]

    right, wrong = np.nanmedian(cost(labels)), np.nanmedian(cost(turned))
    if not right > wrong:
        return None
    return float(right), (
        f"outputs that spell the labels cost {right:.1f} nats, those that spell "
        f"another utterance's {wrong:.1f}"
    )


@rule(
    "C14",
    "ctc",
    "serious",
    title="the loss reads the padding",
    symptom="the loss depends on the longest utterance of the batch",
    cause="all outputs are said to belong to each utterance",
    fix="give the loss the true lengths",
    notebook=_NOTEBOOK,
)
def c14_padding_in_loss(case):
    """Compare how many outputs the loss reads with those before the padding.

    Only in a batch with padding: an utterance of which it is 10 % or more. The loss
    reads padding if it takes all outputs of such an utterance.
    """
    phones = case.phones.as_ctc
    if phones.style == "arrays":
        raise NotExamined("no model was given")
    frames = phones.spectrogram.shape[1]
    padded = phones.is_padding.mean(axis=1) >= 0.1
    if not padded.any():
        return None
    called = phones.attempt[2]
    if called is not None and called.logit_length is not None:
        read = np.minimum(called.logit_length.reshape(-1), called.frames).astype(float)
        there = called.frames
    else:
        read, there = phones.oracle.frames_read, phones.outputs.shape[1]
    if len(read) != len(padded):
        raise NotExamined("there is no length for each utterance")
    expected = phones.true_outputs
    if called is not None and (called.logit_length > 1.02 * there + 1).any():
        return None  # lengths that know no stride: C9
    if phones.stride > 1.4 and (np.abs(read - phones.true_frames) <= 1)[padded].all():
        return None
    reads_all = (read >= there - 1) & (read > expected + max(1, 0.05 * there)) & padded
    if reads_all.sum() < max(1, 0.5 * padded.sum()):
        return None
    i = int(np.flatnonzero(reads_all)[np.argmin(expected[reads_all])])
    return float(reads_all.sum()), (
        f"the loss reads {read[i]:.0f} outputs of utterance {i}, of which "
        f"{expected[i]} are sound ({frames} frames with padding)"
    )
