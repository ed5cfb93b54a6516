"""Faults of a loss, whichever distance it receives: S1, S2, S12, S13, S15, S16."""

import contextlib

import numpy as np
from keras import tree
from scipy import stats

from ..arrays import take
from ..check import check
from ..comparison import N_MADE
from ..divergences import are_distributions
from ..objective import gradient
from ..report import Skip

_NOTEBOOK = "07_kl_hinge_loss"
_N = 24  # made-up rows; enough to mix labels in many ways


@check("S1", "fatal", "06_never_above_half")
def s1_broadcast_labels(program):
    """Every label is compared with every distance, so the labels cancel out.

    Symptom: The loss stalls at once; accuracy stays at 0.5 whatever the network
        does.
    Cause: Distances of shape (batch,) and labels of shape (batch, 1), or the
        reverse, broadcast to a table of shape (batch, batch).
    Fix: give distances and labels the same shape, (batch, 1): keepdims=True in the
        sum

    Shuffle the labels: the loss and the metrics must change.

    The outputs are made up and differ widely, so it matters which of them has which
    label. Values count as equal within 2e-5 of their size, the rounding of float32 over
    a batch. A loss that does not even depend on the number of labels of each kind does
    not use them, which is no fault by itself. For a loss over all pairs of a batch,
    perfect clusters must cost less with their own labels than with shuffled ones; it is
    a fault if they gain less than 70 % of what they gain with labels of the other
    shape, (batch,) or (batch, 1).
    """
    c = program.comparison
    if c.style == "batch":
        return _labels_of_another_shape(c, program.sweep)
    if c.style != "pairs":
        raise Skip("the loss uses no label for each pair")
    n = _N if c.any_rows else c.n
    y, out = c.mixed_labels(n, 2), program.sweep.varied_outputs(n, 3)
    functions = {"the loss": c.loss} if c.has_loss else {}
    if c.has_scores:
        with contextlib.suppress(Skip):
            functions |= {f"the metric {m.name}": m for m in c.metrics}
    if not functions:
        raise Skip("there is neither a loss nor a metric", "loss")
    rng = np.random.default_rng(1)
    shuffled = [y, *(rng.permutation(y) for _ in range(6))]
    for name, function in functions.items():
        values = [function(labels, out) for labels in shuffled]
        if not np.isfinite(values).all():
            raise Skip(f"{name} of made-up outputs is not finite")
        if not _differ(values, 2e-5) and _uses_labels(c, function, y, out):
            return np.ptp(values), (
                f"{name} is {values[0]:.4g} and stays {values[1]:.4g} when the labels "
                f"are shuffled; labels have the shape {c.labels.shape}, outputs "
                f"{getattr(c.outputs, 'shape', '')}"
            )
    return None


def _uses_labels(c, function, y, out):
    """Return whether the number of labels of each kind and the outputs matter."""
    n = len(y)
    by_label = [function(y, out), function(np.repeat(c.two_labels[:1], n, 0), out)]
    by_output = [function(y, take(out, np.full(n, k))) for k in range(0, n, 3)]
    return _differ(by_label, 1e-4) and _differ(by_output, 1e-4)


def _differ(values, share):
    return np.ptp(values) > share * max(np.abs(values).max(), 1e-12)


def _labels_of_another_shape(c, sweep):
    labels = np.asarray(c.labels)
    if labels.ndim not in (1, 2) or labels[0].size != 1:
        raise Skip("the labels are not one number for each row")
    other = labels[:, 0] if labels.ndim == 2 else labels[:, None]
    e = sweep.clusters(between=1.0)
    order = np.random.default_rng(1).permutation(len(labels))

    def gain(y):
        return c.cost(y[order], e) - c.cost(y, e)

    try:
        given, reshaped = gain(labels), gain(other)
    except Skip:
        return None
    # A loss that accepts both shapes gains the same with both.
    if not reshaped > 0 or not given < 0.7 * reshaped:  # or NaN
        return None
    return given, (
        f"perfect clusters cost {given:.3g} less than shuffled ones; with labels "
        f"of shape {other.shape} in place of {labels.shape}, {reshaped:.3g} less"
    )


@check("S12", "fatal", _NOTEBOOK, follows="S1 S2")
def s12_no_gradient(program):
    """For one of the two labels, the loss does not change with the distance.

    Symptom: Different speakers are never pushed apart, and all embeddings meet.
    Cause: The label multiplies the distance inside the hinge, margin - y * d, so y
        = 0 removes the distance.
    Fix: let the label choose the branch: y * d + (1 - y) * relu(margin - d)

    Move two embeddings from equal to far apart: both losses must change.

    A change below 1e-5 of the loss itself is rounding. A loss that changes, but has a
    gradient of exactly 0 everywhere, counts something instead of measuring it.
    """
    _, same, different = np.concatenate(program.sweep.curves, axis=1)
    losses = {"one speaker": same, "different speakers": different}
    spans = {name: float(np.ptp(values)) for name, values in losses.items()}
    if max(spans.values()) <= 0:
        raise Skip("the loss does not depend on the distance")
    if _has_no_gradient(program.comparison, program.sweep):
        return 0.0, "the loss changes with the distance, and its gradient is exactly 0"
    for name, other in (tuple(spans), tuple(spans)[::-1]):
        limit = 1e-5 * float(np.abs(losses[name]).max())
        if spans[name] <= limit and spans[other] > max(spans[name], limit):
            return spans[name], (
                f"from equal embeddings to those far apart, the loss of {name} changes "
                f"by {spans[name]:.2g}, that of {other} by {spans[other]:.3g}"
            )
    return None


def _has_no_gradient(c, sweep):
    """Return whether the loss of one kind of pairs changes, and has no gradient."""
    if c.style != "pairs" or c.towers is None:
        return False
    a, b = sweep.pairs(np.geomspace(1e-5, 1, c.n), np.zeros(c.n, int))
    given: list = [(np.repeat(y[None], c.n, axis=0), a, b) for y in c.two_labels]
    flat = []
    for y, *e in given:
        halves = [np.resize(rows, c.n) for rows in np.array_split(np.arange(c.n), 2)]
        costs = [c.cost(y, *(each[rows] for each in e)) for rows in halves]
        try:
            is_flat = not any(slope.any() for slope in c.cost_gradient(y, *e))
        except Skip:
            return False
        flat.append(is_flat and abs(costs[1] - costs[0]) > 1e-6)
    # Without any gradient, the loss may be computed outside of the backend.
    return any(flat) and not all(flat)


@check("S13", "fatal", _NOTEBOOK, follows="S1 S15")
def s13_wrong_minimum(program):
    """The loss is not smallest where it should be.

    Symptom: The loss falls, even below 0, and speakers are no easier to tell apart.
    Cause: Predictions weight the branches, (1 - y_pred) * hinge, or the two labels
        have exchanged their roles.
    Fix: weight the branches with the labels: y_true for the same speaker, 1 -
        y_true for different speakers

    The loss of one speaker must rise with the distance, that of two must fall.

    Along paths from equal embeddings to those far apart, at most to four times the
    margin. A dip or a bump of less than 2 % of the whole range is allowed, and so is a
    loss of different speakers that has its minimum at a target and is never negative.
    It must not fall below 0 without end: three times as far for embeddings of ten times
    the size. What the loss pulls together must not be recordings that differ clearly
    more in the mean and the spread of their bands than those that it pushes apart, in
    pairs or triplets (rank test, p < 0.001).
    """
    c = program.comparison
    if c.style != "batch" and c.kl_form and not are_distributions(c):
        raise Skip("the outputs are not distributions")
    limit = np.inf if program.sweep.margin is None else 4 * program.sweep.margin
    curves = [np.stack(each)[:, each[0] <= limit] for each in program.sweep.curves]
    curves = [each for each in curves if each.shape[1] >= 3]
    if not curves:
        raise Skip("too few of the made-up distances are within the margin")
    _, of_same, of_different = np.ptp(np.concatenate(curves, axis=1), axis=1)
    if not (of_same > 0 and of_different > 0):
        raise Skip("the loss does not change with the distance")
    for d, same, different in curves:
        low = int(np.argmin(different))
        is_target = low > 0 and different[low] >= -0.02 * of_different
        rise = 0.0 if is_target else np.max(different[low:]) - different[low]
        faults = {
            "one speaker falls while the distance grows": (
                np.max(np.maximum.accumulate(same) - same) / of_same
            ),
            "different speakers rises from equal embeddings on": (
                np.max(different[: low + 1] - different[0]) / of_different
            ),
            f"different speakers rises from {d[low]:.3g} on": rise / of_different,
        }
        for said, share in faults.items():
            if share > 0.02:
                return share, f"the loss of {said}, by {share:.0%} of its range"
    return _falls_without_end(c) or _exchanged_roles(program, c)


def _falls_without_end(c):
    """Compare the loss of different speakers for embeddings of two sizes."""
    if c.style not in ("pairs", "triplets") or c.learned_head:
        return None
    parts = np.array_split(c.push(*c.made["far"]), 4)
    *_, large, largest = (float(np.median(part)) for part in parts)
    if not largest < 3 * large < 0:  # or NaN
        return None
    return largest, (
        "the loss of different speakers falls without end: for embeddings ten times as "
        f"large it is {largest:.3g} instead of {large:.3g}"
    )


def _exchanged_roles(program, c):
    """Compare what the loss pulls together with the recordings themselves."""
    sounds = program.inputs.sounds
    if sounds[0].ndim < 3:
        return None
    flat = [s.reshape(*s.shape[:2], -1) for s in sounds]
    spectra = [np.concatenate([s.mean(axis=1), s.std(axis=1)], axis=1) for s in flat]

    def gap(i, j):
        return np.linalg.norm(spectra[i] - spectra[j], axis=1)

    if c.style == "triplets":
        anchor, positive, negative = c.roles
        pulled, pushed = gap(anchor, positive), gap(anchor, negative)
    elif c.style == "pairs" and not c.learned_head:
        pulled, pushed = gap(0, 1)[c.is_same], gap(0, 1)[~c.is_same]
    else:
        return None
    if min(len(pulled), len(pushed)) < 16:
        return None
    p = float(stats.mannwhitneyu(pulled, pushed, alternative="greater").pvalue)
    if not p < 1e-3:
        return None
    return p, (
        "the loss pulls together the recordings that differ more: the distance of "
        f"the mean and the spread of their bands is {np.median(pulled):.3g}, that of "
        f"the recordings that it pushes apart {np.median(pushed):.3g}"
    )


@check("S2", "serious", _NOTEBOOK, follows="S1")
def s2_mean_inside(program):
    """The loss of one pair depends on the other pairs of the batch.

    Symptom: Training stops as soon as different speakers are apart on average,
        however close some of them are.
    Cause: A mean over the batch stands inside the hinge: mean(axis=-1) of one value
        per pair.
    Fix: remove the mean: the loss of a pair is a function of its own distance

    Move the pairs of one label apart, alone and in a batch with all others.

    The loss of the batch must follow that of the single pair: it must be a linear
    function of it, within 1 % of its range. Three of four pairs of one label, or of
    all triplets, move; the others stay near. It is asked at all scales from 1e-9 of the
    greatest distance, so that a hinge is active in some of them, and only where the
    loss is meant for single pairs or triplets.
    """
    c, sweep = program.comparison, program.sweep
    if c.style not in ("triplets", "pairs"):
        raise Skip("the loss compares all embeddings of a batch")
    if c.style == "pairs" and s1_broadcast_labels(program):
        raise Skip("every label is compared with every distance")
    kinds = c.two_labels if c.style == "pairs" else [c.no_label] * 4
    rows = np.arange(_N if c.any_rows else c.n)
    y = np.stack(kinds)[rows % 2]
    t = np.unique([*np.geomspace(1e-9, 1, 28), *np.linspace(0, 1, 21)])
    for k, label in enumerate(kinds):
        path = N_MADE // 4 + k
        moving = ((rows % 2 == k) | (c.style == "triplets")) & (rows % 8 < 6)
        alone = c.row_costs(label, sweep.outputs(t, path))
        all_at = [sweep.outputs(np.where(moving, step, 0.0), path) for step in t]
        together = np.asarray([c.loss(y, out) for out in all_at])
        for n in range(6, len(t) + 1):
            x, z = alone[:n], together[:n]
            span = np.ptp(z)
            if not np.isfinite([x, z]).all() or span <= 1e-3 * np.abs(z).max():
                continue
            fit = np.polynomial.Polynomial.fit(x, z, 1) if np.ptp(x) else np.mean
            gap = float(np.abs(z - fit(x)).max() / span)
            if gap > 0.01:
                return gap, (
                    "while some pairs move apart, the loss of the batch changes by "
                    f"{span:.3g}, of which {gap:.0%} do not follow from their own loss"
                )
    return None


@check("S15", "fatal", _NOTEBOOK, follows="S30 S6")
def s15_not_finite(program):
    """The loss or its gradient is not finite for equal or for large embeddings.

    Symptom: NaN after some steps, often after hours.
    Cause: The square root of 0, the logarithm of 0, or an epsilon that float32
        rounds away.
    Fix: put the epsilon inside the root, sqrt(maximum(x, 1e-7)), and use
        log_softmax

    Loss and gradient for the batch, for equal and for large embeddings.

    Equal recordings occur in practice. Large embeddings are made up, ten times as large
    as those of the batch. Each number is finite or it is not: there is no threshold.
    """
    for what, values in _numbers(program.comparison, program.sweep):
        values = np.concatenate([np.ravel(each) for each in tree.flatten(values)])
        share = float(np.mean(~np.isfinite(values)))
        if share:
            return share, f"{share:.0%} of the numbers in {what} are not finite"
    return None


def _numbers(c, sweep):
    """Yield all numbers that should be finite, by name."""
    for name, embeddings in _situations(c).items():
        yield f"the embeddings, for {name},", embeddings
        outputs = c.outputs_of(*embeddings)
        yield f"the output for {name}", outputs
        if c.has_loss:
            yield f"the loss of {name}", c.loss(c.labels, outputs)
        with contextlib.suppress(Skip):
            yield f"the gradient for {name}", _slopes(c, embeddings)
    if not (sweep.by_score and c.has_loss and c.any_rows):
        return
    ends = np.repeat(sweep.ends, 2)
    out, y = sweep.of_scores(ends), c.two_labels[[0, 1, 0, 1]]
    name = f"scores of {ends[0]:.3g} and {ends[-1]:.3g}"
    yield f"the loss of {name}", c.loss(y, out)
    with contextlib.suppress(Skip):
        slopes = gradient(lambda o: c.loss.tensor(y, o), out)
        yield f"the gradient of the loss for {name}", slopes


def _slopes(c, embeddings):
    """Return the gradient of the loss by the embeddings, or that of the scores."""
    if c.has_loss and (c.loss.differentiable or not c.has_scores):
        return c.cost_gradient(c.labels, *embeddings)
    return gradient(lambda *e: tree.flatten(c.score(*e))[0], *embeddings)


def _situations(c):
    """Return embeddings for which a loss may fail, by name."""
    n, k, first = c.n, len(c.embeddings), c.embeddings[0]
    found = {"the batch": c.embeddings}
    if c.style == "classes":
        return found
    # Ten times the size that occurs.
    made = [e[N_MADE // 4 : N_MADE // 2] for e in c.made["far"]]
    large = [np.roll(np.resize(made[i % 2], (n, c.dim)), i, axis=0) for i in range(k)]
    if k == 1:
        equal, rows = first.copy(), np.arange(n)[:, None]
        equal[1] = equal[0]
        large = [np.where(rows % 2, large[0], np.resize(made[1], (n, c.dim)))]
        return found | {"two equal rows": (equal,), "large rows": tuple(large)}
    return found | {
        "equal embeddings": (first,) * k,
        "equal, large embeddings": (large[0],) * k,
        "large embeddings": tuple(large),
    }


@check("S16", "serious", _NOTEBOOK, follows="S1")
def s16_batch_size(program):
    """The loss grows with the batch.

    Symptom: Another batch size needs another learning rate, and losses cannot be
        compared.
    Cause: A sum over the pairs, or a division by a fixed number.
    Fix: divide by the number of pairs: take the mean

    Repeat the same rows 4, 8 and 16 times: a mean stays, a sum doubles.

    A loss that weighs all pairs of a batch against each other grows with the logarithm
    of the batch, by less and less. So both steps must be by 1.7 or more, or by 0.6 or
    less, and equal within 15 %; or both by 3.5 or more, as of a sum over all pairs.
    """
    c, n = program.comparison, 12
    if c.style == "other":
        raise Skip("the loss compares neither pairs, nor triplets, nor batches")
    if c.any_rows:
        y, out = c.mixed_labels(n, 4), program.sweep.varied_outputs(n, 5)

    def cost(times):
        rows = np.tile(np.arange(n), times)
        if not c.any_rows:
            return program.loss_of_rows(rows % c.n)
        return c.loss(None if y is None else take(y, rows), take(out, rows))

    costs = np.asarray([cost(4), cost(8), cost(16)])
    if not np.isfinite(costs).all() or not costs.all():
        raise Skip("the loss of made-up outputs is 0 or not finite")
    steps = costs[1:] / costs[:-1]
    if min(steps) < 1.7 and not 0 < max(steps) < 0.6:
        return None
    if abs(steps[1] / steps[0] - 1) > 0.15 and min(steps) < 3.5:
        return None
    return steps[1], f"twice the same rows cost {steps[1]:.3g} times as much"
