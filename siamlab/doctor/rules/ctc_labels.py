"""Labels, blank, and what the loss takes (C12, C13, C20, C22)."""

import numpy as np

from ..phones import as_lists
from ..rule import NotExamined, rule
from ..segments import by_utterance, collapsed

_NOTEBOOK = "03_ctc_that_does_not_learn"


@rule(
    "C12",
    "ctc",
    "serious",
    title="the activation does not fit the loss",
    symptom="the loss stops far above 0, or is NaN",
    cause="a softmax is taken twice, or logits stand where probabilities are asked",
    fix="give the loss logits if it takes logits, and probabilities if it takes those",
    notebook=_NOTEBOOK,
)
def c12_activation(case):
    """Find out what the loss takes, and what the outputs are.

    A loss that a constant added to each frame leaves alone takes logits; one that a
    factor leaves alone takes probabilities. Probabilities as logits leave at least
    log(1 + (K - 1) / e) nats for each frame. The logarithm of a softmax is fine as
    logits. As probabilities, outputs must not be negative, nor above 1.
    """
    phones = case.phones
    kind, wants = phones.output_kind, phones.wants
    if wants == "logits":
        if kind == "probabilities":
            return 1.0, (
                "the outputs are probabilities, and the loss applies a softmax to them "
                "again" + _least(phones)
            )
        return _softmax_within(phones)
    out = np.asarray(phones.outputs)
    if wants == "probabilities":
        outside = float(np.mean((out < -1e-6) | (out > 1 + 1e-3)))
        if outside > 0.01:
            return outside, (
                f"the loss takes probabilities, and {outside:.0%} of the outputs are "
                "negative or above 1"
            )
        return None
    if kind != "log":
        return 1.0, "the loss takes logarithms of probabilities; outputs are none"
    return None


def _least(phones):
    try:
        cost = phones.oracle.cost(phones.blank, kind="probabilities")
    except NotExamined:
        return ""
    return f"; the best outputs there are still cost {np.nanmin(cost):.1f} nats"


def _softmax_within(phones):
    """Two softmaxes inside the loss: the best logits cost as much as a guess."""
    if not phones.is_ctc:
        return None
    try:
        cost = phones.oracle.cost(phones.blank, kind="logits")
    except NotExamined:
        return None
    cost = np.asarray(cost)[phones.oracle.rows]
    frames = phones.outputs.shape[1]
    # A normalized loss is small in any case; so compare with a guess.
    guess = phones.loss(np.zeros(phones.outputs.shape), phones.safe_labels)
    guess = np.asarray(guess)[phones.oracle.rows]
    share = float(np.nanmedian(cost / np.maximum(guess, 1e-9)))
    # More than that for each frame: something else is wrong, and no path is left.
    most = 1.3 * np.log1p((phones.classes - 1) / np.e) * frames
    if not 0.2 < share < 1.5 or np.nanmedian(cost) > most:
        return None
    return share, (
        f"the best outputs there are cost {np.nanmedian(cost):.1f} nats in {frames} "
        "frames: a softmax is applied twice within the loss"
    )


@rule(
    "C13",
    "ctc",
    "fatal",
    title="a label is the blank",
    symptom="one symbol is never recognized, or the labels are cut short",
    cause="keras.losses.CTC has its blank at 0, the old function at the last class",
    fix="shift the labels away from the blank",
    notebook=_NOTEBOOK,
)
def c13_label_is_blank(case):
    """Find the blank by its behavior, and count true labels that equal it.

    Exact. Zeros behind the labels are padding. A label beyond the classes counts as
    well, and so does padding that the loss takes for labels.
    """
    phones = case.phones.as_ctc
    labels = phones.labels
    flat = np.concatenate(labels) if len(labels) else np.asarray([], int)
    if not len(flat):
        raise NotExamined("there are no labels")
    try:
        blank = phones.blank
    except NotExamined:
        called = None if phones.style == "arrays" else phones.attempt[2]
        blank = called.blank if called is not None else case.fact("blank")
    try:
        classes = phones.classes
    except NotExamined:
        classes = None if phones.style == "arrays" else phones.called.classes
    said = case.facts.get("blank")
    if said is not None and classes and int(said) % classes != blank:
        return float(blank), f"the blank of the loss is {blank}, not {int(said)}"
    hits = int(np.sum(flat == int(blank)))
    if hits:
        return hits, (
            f"{hits} of {len(flat)} labels are {blank}, which is the blank of the loss"
        )
    if classes:
        if blank < 0:
            blank += classes
        beyond = int(np.sum(flat >= classes))
        if beyond:
            return (
                beyond,
                f"{beyond} labels are {classes} or more: there is no such class",
            )
    return _padding_as_labels(phones)


def _padding_as_labels(phones):
    """Count the padding that the loss takes for labels."""
    called = None if phones.style == "arrays" else phones.attempt[2]
    if called is None or called.labels is None:
        return None
    pads = sum(int(np.sum(row < 0)) for row in called.labels)
    if not pads:
        return None
    return pads, f"{pads} negative numbers, which are padding, are taken for labels"


@rule(
    "C20",
    "ctc",
    "serious",
    title="true doubles are lost",
    symptom="two equal sounds in a row are never recognized as two",
    cause="labels were made by collapsing the labels of frames",
    fix="take labels from the table of segments",
    notebook=_NOTEBOOK,
)
def c20_doubles_lost(case):
    """Compare the number of segments with that of labels, utterance by utterance.

    Exact: labels are fewer than segments, and as many as when equal neighbors are
    collapsed.
    """
    facts = case.facts
    collapse = facts.get("collapse")
    if facts.get("segments_table") is not None:
        segments = by_utterance(facts["segments_table"])
        doubles = [len(s) - len(collapsed(s)) for s in segments]
        if not sum(doubles):
            return None
        if collapse is not None and facts.get("labels") is None:
            made = [len(_call(collapse, np.repeat(_numbers(s), 3))) for s in segments]
        else:
            labels = facts.get("labels")
            labels = case.phones.labels if labels is None else as_lists(labels)
            made = [len(row) for row in labels]
        there = [len(s) for s in segments]
        return _fewer(there, made, sum(doubles))
    if collapse is not None and facts.get("frame_labels") is not None:
        labels = facts.get("labels")
        labels = case.phones.labels if labels is None else as_lists(labels)
        frames = facts["frame_labels"]
        made = [len(_call(collapse, np.asarray(row))) for row in frames]
        there = [len(row) for row in labels]
        repeats = sum(len(row) - len(collapsed(row)) for row in labels)
        return _fewer(there, made, repeats) if repeats else None
    raise NotExamined("needs segments_table= and labels= or collapse=")


def _numbers(segment_labels):
    return np.unique(np.asarray(segment_labels, dtype=str), return_inverse=True)[1] + 1


def _call(collapse, frames):
    try:
        return list(collapse(frames))
    except Exception as error:
        raise NotExamined(f"collapse= cannot be called: {error}") from error


def _fewer(there, made, doubles):
    if len(there) != len(made):
        there, made = [sum(there)], [sum(made)]
    lost = sum(there) - sum(made)
    if lost <= 0 or lost < 0.5 * doubles or lost > doubles:
        return None
    return lost, (
        f"{sum(there)} segments have become {sum(made)} labels; {doubles} segments "
        "repeat the one before"
    )


@rule(
    "C22",
    "ctc",
    "serious",
    title="frames without a label count as class 0",
    symptom="class 0 is recognized everywhere, and accuracy looks better than it is",
    cause="the position of the maximum of a row of zeros is 0",
    fix="label such frames -1 and leave them out of the loss",
    notebook=_NOTEBOOK,
)
def c22_rows_of_zeros(case):
    """Find rows of zeros, or frames without a label, that became class 0.

    Exact, with `one_hot` and `classes`, or `frame_labels` (-1: none). In one-hot
    targets of a batch they are a fault if a metric or the loss counts them.
    """
    facts = case.facts
    hot, classes = facts.get("one_hot"), facts.get("classes")
    if classes is not None and np.ndim(classes) == 0:  # how many there are
        classes = _numbers_of_batch(case)
    if hot is not None and (classes is not None or not case.batches):
        flat = _flat_rows(hot)
        empty = ~np.concatenate([np.any(r != 0, axis=-1) for r in flat])
        if not empty.any():
            return None
        if classes is not None:
            numbers = np.concatenate(
                [np.asarray(c).reshape(-1) for c in _list(classes)]
            )
            if len(numbers) != len(empty):
                raise NotExamined("one_hot= and classes= have not as many frames")
            empty &= numbers == 0
        return _zeros(empty)
    frames = facts.get("frame_labels")
    if frames is not None and classes is not None:
        numbers = np.concatenate([np.asarray(c).reshape(-1) for c in _list(classes)])
        true = np.concatenate([np.asarray(f).reshape(-1) for f in _list(frames)])
        none = np.asarray([t in ("", None, -1) or t != t for t in true.tolist()])
        if len(none) != len(numbers):
            raise NotExamined("frame_labels= and classes= have not as many frames")
        return _zeros(none & (numbers == 0))
    phones = case.phones
    if phones.label_slot is None or phones.label_slot.array.ndim != 3:
        raise NotExamined("needs one_hot= and classes=, or one-hot targets")
    y = phones.label_slot.array
    empty = ~np.any(y != 0, axis=-1)
    if not empty.any() or not _counted(case, empty):
        return None
    return _zeros(empty)


def _numbers_of_batch(case):
    """Labels of frames as numbers, if the batch has such; else None."""
    slot = case.phones.label_slot
    if slot is None or slot.array.ndim != 2:
        return None
    return list(slot.array)


def _zeros(empty):
    if not empty.any():
        return None
    return float(empty.mean()), (
        f"{empty.sum()} frames without a label ({empty.mean():.1%}) count as class 0"
    )


def _list(given):
    return list(given) if isinstance(given, list | tuple) else [np.asarray(given)]


def _flat_rows(hot):
    return [np.asarray(h).reshape(-1, np.asarray(h).shape[-1]) for h in _list(hot)]


def _counted(case, empty):
    """Whether what is said at these frames moves the loss or a metric."""
    phones = case.phones
    out = np.asarray(phones.outputs, np.float32)
    if out.shape[:2] != empty.shape:
        raise NotExamined("there is no target for each output")
    other = out.copy()
    sure = np.full(out.shape[2], out.min())
    sure[0] = max(out.max(), 1.0)
    other[empty] = sure
    last = out.copy()
    last[empty] = sure[::-1]
    y = phones.label_slot.array
    try:
        if not np.isclose(
            np.mean(phones.whole(other)), np.mean(phones.whole(last)), rtol=1e-4
        ):
            return True
    except NotExamined:
        pass
    try:
        for measure in case.measures:
            if abs(measure(y, other) - measure(y, last)) > 1e-6:
                return True
    except NotExamined:
        pass
    return False
