"""What a network of phones says, and how it is read (C15, C16, C21)."""

import numpy as np

from ... import ctc
from ..decoders import call_decoder, made_up
from ..rule import NotExamined, rule

_NOTEBOOK = "03_ctc_that_does_not_learn"


def _probabilities(given):
    """Rows of probabilities, (frames, classes), from arrays, a list, or logits."""
    parts = list(given) if isinstance(given, list | tuple) else [given]
    out = np.concatenate(
        [np.asarray(p, np.float64).reshape(-1, np.shape(p)[-1]) for p in parts]
    )
    if out.min() < 0 or np.abs(out.sum(-1) - 1).max() > 1e-2:
        out = np.exp(out - out.max(axis=-1, keepdims=True))
        out /= out.sum(axis=-1, keepdims=True)
    return out


def _said(case):
    """Posteriors at sound, (frames, classes), and which class is the blank."""
    given = case.facts.get("posteriors")
    blank = case.facts.get("blank")
    if given is not None:
        out = _probabilities(given)
        if blank is None:
            blank = case.phones.blank
        return out, int(blank) % out.shape[1]
    phones = case.phones.as_ctc
    out = phones.posteriors
    try:
        there = np.arange(out.shape[1]) < phones.true_outputs[:, None]
    except NotExamined:
        there = np.ones(out.shape[:2], bool)
    try:
        blank = phones.blank
    except NotExamined:
        if blank is None:
            raise
    return out[there], int(blank) % out.shape[2]


@rule(
    "C15",
    "ctc",
    "serious",
    title="the blank is starved",
    symptom="after framewise pretraining CTC starts with a huge loss, says too much",
    cause="the pretraining never showed the blank, so that its bias is far too low",
    fix="reset the bias of the blank when CTC begins",
    notebook=_NOTEBOOK,
)
def c15_blank_starved(case):
    """Average the posterior of the blank over all frames of sound.

    An untrained network gives each class about 1/K, a trained one gives the blank most
    frames. Below a tenth of 1/K, and a fifth of the median of the other classes, it
    was taught never to say it.
    """
    out, blank = _said(case)
    mean = out.mean(axis=0)
    classes = len(mean)
    others = np.delete(mean, blank)
    if mean[blank] >= 0.1 / classes or mean[blank] >= 0.2 * np.median(others):
        return None
    return float(mean[blank]), (
        f"the mean posterior of the blank is {mean[blank]:.2g}, with {classes} classes"
    )


@rule(
    "C16",
    "ctc",
    "minor",
    title="only blanks are said",
    symptom="every transcription is empty",
    cause="most frames begin no label, so that saying nothing is learned first",
    fix="train on, with a warm-up of the learning rate; look at the input if it stays",
    notebook=_NOTEBOOK,
)
def c16_only_blanks(case):
    """Take the share of frames at which the blank is the best output.

    Above 99 % in the last epoch; or, on the batch, above 99 % with a mean posterior
    above 0.6, which no untrained network has.
    """
    rates = case.facts.get("blank_rate")
    if rates is not None:
        rates = np.atleast_1d(np.asarray(rates, float)).reshape(-1)
        if rates[-1] <= 0.99:
            return None
        return float(rates[-1]), (
            f"after {len(rates)} epochs the blank is best at {rates[-1]:.1%} of the "
            "frames"
        )
    out, blank = _said(case)
    rate = float(np.mean(out.argmax(axis=1) == blank))
    mean = float(out[:, blank].mean())
    if rate <= 0.99 or mean <= 0.6:
        return None
    return rate, (
        f"the blank is best at {rate:.1%} of the frames, with a mean posterior of "
        f"{mean:.2f}"
    )


@rule(
    "C21",
    "ctc",
    "serious",
    title="the decoder drops blanks before it joins repeats",
    symptom="two equal labels in a row are never decoded as two",
    cause="without the blank between them two equal labels look like one held",
    fix="join repeats first, then drop blanks",
    notebook=_NOTEBOOK,
)
def c21_decoder(case):
    """Decode made-up outputs: a blank a is two labels, a a is one, blank is none.

    Exact. With `posteriors` and `labels` those are decoded as well: a decoder that
    misses labels which a beam search finds is too greedy for them.
    """
    decode = case.fact("decode")
    blank, classes = _alphabet(case)
    candidates = [classes - 1, 0] if blank is None else [int(blank) % classes]
    called = [b for b in candidates if _decoded(decode, [b] * 8, classes) == 0]
    if blank is None and not called:
        raise NotExamined("decode= gives labels for blanks alone; give blank=")
    b = (called or candidates)[0]
    one, *others = [k for k in range(classes) if k != b]
    shown = {
        "a blank a": ([b, one, b, one, b, b, b, b], 2),
        "a a": ([b, one, one, b, b, b, b, b], 1),
        "blanks alone": ([b] * 8, 0),
    }
    if others:
        two = others[0]
        shown["a a blank a b b"] = ([one, one, b, one, two, two, b, b], 3)
    tried = 0
    for name, (best, wanted) in shown.items():
        found = _decoded(decode, best, classes)
        if found is None:
            continue
        tried += 1
        if found != wanted:
            return (
                found,
                f"the outputs {name} are decoded to {found} labels, not {wanted}",
            )
    greedy = _too_greedy(case, decode, b)
    if greedy is None and not tried:
        raise NotExamined("decode= cannot be called with made-up outputs")
    return greedy or None


def _alphabet(case):
    """The blank and the number of classes, as far as they are known."""
    blank, classes = case.facts.get("blank"), None
    try:
        classes = case.phones.classes
        blank = case.phones.blank if blank is None else blank
    except NotExamined:
        pass
    given = case.facts.get("posteriors")
    if classes is None and given is not None:
        parts = given if isinstance(given, list | tuple) else [given]
        classes = int(np.shape(parts[0])[-1])
    return blank, int(classes or 6)


def _decoded(decode, best, classes):
    """How many labels a decoder finds; None if it cannot be called."""
    try:
        return len(call_decoder(decode, made_up(best, classes)))
    except NotExamined:
        return None


def _too_greedy(case, decode, blank):
    """Posteriors of the program's own, decoded and searched; None if there are none."""
    given, labels = case.facts.get("posteriors"), case.facts.get("labels")
    if given is None or labels is None:
        return None
    given = [np.asarray(given)] if np.ndim(given) == 2 else list(given)
    labels = list(labels) if np.ndim(labels[0]) else [labels]
    if len(given) != len(labels):
        return None
    missed = 0
    for p, truth in zip(given, labels, strict=True):
        p = np.maximum(np.asarray(p, np.float64), 1e-9)
        truth = np.asarray(truth).tolist()
        searched = np.asarray(ctc.beam_decode(np.log(p), blank, 16)).tolist()
        try:
            found = np.asarray(call_decoder(decode, p.astype(np.float32))).tolist()
        except NotExamined:
            return None
        missed += searched == truth and found != truth
    if not missed:
        return ()
    return (
        missed,
        f"a beam search reads {missed} of {len(given)} outputs rightly, decode= does "
        "not",
    )
