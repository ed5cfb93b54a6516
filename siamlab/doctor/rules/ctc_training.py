"""How a network of phones is trained (C17 to C19, C23 to C26)."""

import numpy as np

from .. import source_text
from ..loaders import hides_broken
from ..ranks import flat_order, quarters, rank_correlation
from ..rule import NotExamined, rule

_NOTEBOOK = "03_ctc_that_does_not_learn"


@rule(
    "C17",
    "ctc",
    "minor",
    title="long utterances rule the batch",
    symptom="short utterances are learned late, and the loss jumps from batch to batch",
    cause="the loss of an utterance is a sum over its frames",
    fix="divide the loss of each utterance by its length or its number of labels",
    notebook=_NOTEBOOK,
)
def c17_long_rule(case):
    """Compare the loss with the length, over utterances.

    By itself a sum does little harm. It does where lengths differ widely: the longest
    quarter of the utterances is 4 times as long as the shortest or more, and has at
    least 3 times its loss; rank correlation 0.7 or more.
    """
    given = case.facts.get("loss_by_utterance")
    # With the order of the epochs it is about the order (C26).
    if given is not None and case.facts.get("order") is None:
        loss = np.asarray(given, float).reshape(-1)
        lengths = _lengths(case)
    else:
        phones = case.phones.as_ctc
        lengths = phones.true_outputs.astype(float)
        if lengths.max() < 4 * max(lengths.min(), 1):
            return None
        uniform = np.zeros(phones.outputs.shape)
        if phones.wants == "probabilities":
            uniform += 1 / phones.classes
        elif phones.wants == "log":
            uniform -= np.log(phones.classes)
        loss = phones.loss(uniform)
    if len(loss) != len(lengths):
        raise NotExamined("there are not as many losses as lengths")
    fine = np.isfinite(loss) & (lengths > 0)
    loss, lengths = loss[fine], lengths[fine]
    if len(loss) < 4:
        raise NotExamined("fewer than four utterances")
    shorter, longer = quarters(lengths, lengths)
    little, much = quarters(loss, lengths)
    r = rank_correlation(loss, lengths)
    if longer < 4 * shorter or much < 3 * max(little, 1e-9) or r < 0.7:
        return None
    return r, (
        f"the longest quarter has {much / max(little, 1e-9):.1f} times the loss of the "
        f"shortest; rank correlation of loss and length {r:.2f}"
    )


def _lengths(case):
    for name in ("lengths", "input_lengths"):
        if case.facts.get(name) is not None:
            return np.asarray(case.facts[name], float).reshape(-1)
    return np.asarray(case.phones.true_frames, float)


@rule(
    "C18",
    "ctc",
    "serious",
    title="the steps are too long",
    symptom="the loss rises again, or jumps, after a good start",
    cause="stochastic gradient descent with a high rate and momentum: ten steps add up",
    fix="use Adam, or a lower rate with a warm-up",
    notebook=_NOTEBOOK,
)
def c18_steps_too_long(case):
    """Read the gradient norms, the losses by epoch, and the optimizer, in this order.

    More than half of the later steps clipped: the rate, not the gradient, decides
    their length. A loss that ends at 1.5 times its least value, or as NaN, has
    diverged. Of an optimizer alone: SGD that clips nothing and whose rate divided by
    (1 - momentum) is 0.15 or more, from the first step; 0.02 with momentum 0.9 is 0.2,
    while the usual 0.01 with 0.9 is 0.1. (Clipped to 5, 0.02 learns: notebook 03.)
    """
    facts = case.facts
    norms, history = facts.get("grad_norms"), facts.get("history")
    if norms is not None:
        return _clipped(case, np.asarray(norms, float).reshape(-1))
    if history is not None and "loss" in history:
        loss = np.asarray(history["loss"], float)
        if len(loss) > 2:
            least = float(np.nanmin(loss)) if np.isfinite(loss).any() else np.nan
            if np.isfinite(loss[0]) and not np.isfinite(loss[-1]):
                return float("nan"), "the loss began as a number and is none at the end"
            if loss[-1] > 1.5 * least and loss[-1] - least > 0.2 * (loss[0] - least):
                return float(loss[-1] / least), (
                    f"the loss fell to {least:.3g} and ends at {loss[-1]:.3g}"
                )
            return None
    return _long_sgd(case)


def _clipped(case, norms):
    limit = case.facts.get("clipnorm")
    if limit is None:
        kept = case.optimizer
        limit = getattr(kept, "clipnorm", None) or getattr(
            kept, "global_clipnorm", None
        )
    if limit is None:
        raise NotExamined("grad_norms= needs clipnorm=")
    later = norms[len(norms) // 2 :]
    share = float(np.mean(~(later <= float(limit))))
    if share <= 0.5:
        return None
    return share, f"{share:.0%} of the later steps are clipped to {float(limit):g}"


def _long_sgd(case):
    import keras

    optimizer = case.optimizer
    if isinstance(optimizer, str):
        optimizer = keras.optimizers.get(optimizer)
    if not isinstance(optimizer, keras.optimizers.SGD):
        return None
    if any(getattr(optimizer, n, None) for n in ("clipnorm", "global_clipnorm")):
        return None
    rate = getattr(optimizer, "_learning_rate", optimizer.learning_rate)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = rate(0)  # a warm-up begins low
    rate = float(np.asarray(rate))
    momentum = float(getattr(optimizer, "momentum", 0) or 0)
    long = rate / max(1 - momentum, 1e-3)
    if long < 0.15:
        return None
    return long, (
        f"SGD with rate {rate:g} and momentum {momentum:g}: steps add up to "
        f"{long:.2g} times the gradient"
    )


@rule(
    "C19",
    "ctc",
    "minor",
    title="`decay` is no argument of today's Keras",
    symptom="an error about an argument, or a learning rate that never falls",
    cause="optimizers of Keras 3 have no decay; what is set on one is ignored",
    fix="use a schedule from keras.optimizers.schedules",
    notebook=_NOTEBOOK,
)
def c19_decay(case):
    """Look for `decay` among arguments, in the source, or set on the optimizer.

    Exact; a decay of 0 does nothing and is let pass.
    """
    facts, examined = case.facts, False
    kwargs = facts.get("optimizer_kwargs")
    if kwargs is not None:
        examined = True
        if kwargs.get("decay"):
            return float(kwargs["decay"]), f"decay={kwargs['decay']} is given"
    if facts.get("source") is not None:
        examined = True
        found = source_text.decay(facts["source"])
        if found is not None:
            return found
    try:
        optimizer = case.optimizer
    except NotExamined:
        if examined:
            return None
        raise
    value = vars(optimizer).get("decay") if hasattr(optimizer, "__dict__") else None
    if isinstance(value, int | float) and value:
        return float(
            value
        ), f"decay = {value} was set on the optimizer, which ignores it"
    return None


@rule(
    "C23",
    "ctc",
    "serious",
    title="broken files disappear silently",
    symptom="there are fewer utterances than files, and nobody says so",
    cause="a broad except catches every error and goes on",
    fix="catch the one error that is meant, and say which file is left out",
    notebook="01_sound_to_spectrogram",
)
def c23_broken_files(case):
    """Hand a broken file to the loader.

    It should raise, warn, log or print; if none of these, files disappear. In the
    source: an except of everything that does nothing.
    """
    if case.facts.get("loader") is not None:
        return hides_broken(
            case.facts["loader"], case.facts.get("files"), case.facts.get("broken")
        )
    return source_text.silent_except(case.fact("source", "loader"))


@rule(
    "C24",
    "ctc",
    "minor",
    title="batches are sorted by length and never shuffled",
    symptom="the loss moves in the same wave through each epoch",
    cause="utterances come in the same order, from short to long or back",
    fix="shuffle the batches in each epoch",
    notebook=_NOTEBOOK,
)
def c24_order(case):
    """Compare the order of epochs with each other and with the lengths.

    The same in each epoch, and a rank correlation of place and length of 0.95 or
    more, up or down: batches that are sorted among each other reach that, those
    that are put together by length and then shuffled do not.
    """
    fit = case.facts.get("fit") or {}
    order = case.facts.get("order")
    if order is None:
        if fit.get("shuffle") is not False:
            raise NotExamined("needs order=")
        lengths = _lengths(case)
        epochs = [np.arange(len(lengths))]
    else:
        epochs = flat_order(order)
        if len(epochs) < 2:
            raise NotExamined("order= needs two epochs")
        lengths = None
    if any(len(e) != len(epochs[0]) or (e != epochs[0]).any() for e in epochs[1:]):
        return None
    lengths = _lengths(case) if lengths is None else lengths
    first = epochs[0].astype(int)
    if len(first) < 4 or first.min() < 0 or first.max() >= len(lengths):
        raise NotExamined("order= names utterances that lengths= has not")
    if np.ptp(lengths[first]) == 0:
        return None
    r = rank_correlation(np.arange(len(first)), lengths[first])
    if abs(r) < 0.95:
        return None
    return abs(r), (
        f"{len(epochs)} epochs have one order; its rank correlation with the length is "
        f"{r:.2f}"
    )


@rule(
    "C25",
    "ctc",
    "minor",
    title="no seed, or no validation",
    symptom="results cannot be repeated, or nobody knows whether anything was learned",
    cause="the training is not told what to compare with",
    fix="set a seed, and pass validation_data to fit",
    notebook=_NOTEBOOK,
)
def c25_no_seed_or_validation(case):
    """Read the arguments of fit, the history, the seed, or the source.

    A seed counts as missing only if `seed=None` is said, or if a whole program's source
    sets none; validation if neither fit nor the history, or the seed beside fit, names
    it. Arguments of fit alone may be some of them.
    """
    facts, examined = case.facts, False
    fit, history = facts.get("fit"), facts.get("history")
    validated = None
    if fit is not None:
        validated = any(
            fit.get(name) is not None
            and fit.get(name) is not False
            and not (name == "validation_split" and not fit[name])
            for name in ("validation_data", "validation_split")
        )
    if history is not None and fit is not None and not validated:
        validated = any(str(name).startswith("val_") for name in history)
    if validated is not None and (history is not None or "seed" in facts):
        examined = True
        if not validated:
            return 0.0, "fit is given no validation data: there is no val_loss"
    if "seed" in facts:
        examined = True
        if facts["seed"] is None or facts["seed"] is False:
            return 0.0, "no seed is set"
    if facts.get("source") is not None:
        return source_text.seed_and_validation(facts["source"])
    if not examined:
        raise NotExamined("needs fit= with history= or seed=, or source=")
    return None


@rule(
    "C26",
    "ctc",
    "minor",
    title="no curriculum",
    symptom="the first epochs bring nothing, since long utterances are too hard",
    cause="long utterances come first as often as short ones",
    fix="give short utterances first in the first epoch",
    notebook=_NOTEBOOK,
)
def c26_no_curriculum(case):
    """Compare order, length and loss: whether long ones are hard, and come early.

    Needs all three. The longest quarter has twice the loss of the shortest, and in
    the first epoch place and length have a rank correlation below 0.3.
    """
    epochs = flat_order(case.fact("order"))
    loss = np.asarray(case.fact("loss_by_utterance"), float).reshape(-1)
    lengths = _lengths(case)
    first = epochs[0].astype(int)
    if len(loss) != len(lengths) or len(first) < 4 or first.max() >= len(lengths):
        raise NotExamined("order=, lengths= and loss_by_utterance= do not fit")
    r = rank_correlation(np.arange(len(first)), lengths[first])
    little, much = quarters(loss, lengths)
    if r >= 0.3 or much < 2 * max(little, 1e-9):
        return None
    return r, (
        f"the longest quarter has {much / max(little, 1e-9):.1f} times the loss of the "
        f"shortest, and the first epoch is not from short to long (r = {r:.2f})"
    )
