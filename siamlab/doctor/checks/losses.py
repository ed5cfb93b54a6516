"""Faults of a loss, whichever distance it receives: S1, S2, S12, S13, S15, S16."""

import numpy as np
from scipy import stats

from ..arrays import n_rows, take
from ..check import check
from ..divergences import are_distributions, kl_form_or_none
from ..objective import gradient, is_finite
from ..report import Skip

_NOTEBOOK = "05_kl_hinge_loss"
_N = 24  # made-up rows; enough to mix labels in many ways


@check("S1", "fatal", _NOTEBOOK)
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
        return _labels_of_another_shape(c)
    if c.style != "pairs":
        raise Skip("the loss uses no label for each pair")
    n = _N if c.any_rows else c.n
    y, out = c.mixed_labels(n, 2), c.varied_outputs(n, 3)
    tried, reason = 0, Skip("there is neither a loss nor a metric", "loss")
    functions = {"the loss": lambda labels, outputs: c.loss(labels, outputs)}
    if c.has_scores:
        functions |= {f"the metric {m.name}": m for m in _metrics(c)}
    for name, function in functions.items():
        try:
            values = [function(labels, out) for labels in _shuffled(y)]
            if not np.isfinite(values).all():
                raise Skip("the loss of made-up outputs is not finite")
            tried += 1
            constant = np.ptp(values) <= 2e-5 * max(np.abs(values).max(), 1e-12)
            if constant and _uses_labels(c, function, y, out):
                shapes = f"labels have the shape {c.labels.shape}, outputs "
                shapes += f"{getattr(c.outputs, 'shape', '')}"
                return np.ptp(values), (
                    f"{name} is {values[0]:.4g} and stays {values[1]:.4g} when the "
                    f"labels are shuffled; {shapes}"
                )
        except Skip as skip:
            reason = skip
    if not tried:
        raise reason
    return None


def _metrics(c):
    try:
        return c.metrics
    except Skip:
        return []


def _shuffled(y, count=6):
    """Return the labels, and the same labels in other orders."""
    rng = np.random.default_rng(1)
    return [y, *(y[rng.permutation(len(y))] for _ in range(count))]


def _uses_labels(c, function, y, out):
    """Return whether the number of labels of each kind and the outputs matter."""
    n = len(y)
    by_label = [function(y, out), function(np.repeat(c.two_labels[:1], n, 0), out)]
    by_output = [function(y, take(out, np.full(n, k))) for k in range(0, n, 3)]
    return _differ(by_label) and _differ(by_output)


def _differ(values):
    return np.ptp(values) > 1e-4 * max(np.abs(values).max(), 1e-12)


def _labels_of_another_shape(c):
    labels = np.asarray(c.labels)
    other = labels[:, 0] if labels.ndim == 2 else labels[:, None]
    if labels.ndim > 2 or (labels.ndim == 2 and labels.shape[1] != 1):
        raise Skip("the labels are not one number for each row")
    e = c.clusters(between=1.0)
    order = np.random.default_rng(1).permutation(len(labels))

    def gain(y):
        return c.cost(y[order], e) - c.cost(y, e)

    try:
        given, reshaped = gain(labels), gain(other)
    except Skip:
        return None
    # A loss that accepts both shapes gains the same with both.
    if not np.isfinite([given, reshaped]).all() or given >= 0.7 * reshaped:
        return None
    return given, (
        f"perfect clusters cost {given:.3g} less than shuffled ones; with labels "
        f"of shape {other.shape} in place of {labels.shape}, {reshaped:.3g} less"
    )


@check("S12", "fatal", _NOTEBOOK, follows="S1")
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
    c = program.comparison
    curve = c.curve
    if _has_no_gradient(c):
        return (
            0.0,
            "the loss changes with the embeddings, and its gradient is exactly 0",
        )
    losses = {"one speaker": curve.same, "different speakers": curve.different}
    spans = {name: float(np.ptp(values)) for name, values in losses.items()}
    if max(spans.values()) <= 0:
        raise Skip("the loss does not depend on the distance")
    for name, other in (tuple(spans), tuple(spans)[::-1]):
        limit = 1e-5 * float(np.abs(losses[name]).max())
        if spans[name] <= limit and spans[other] > max(spans[name], limit):
            return spans[name], (
                f"from equal embeddings to those far apart, the loss of {name} changes "
                f"by {spans[name]:.2g}, that of {other} by {spans[other]:.3g}"
            )
    return None


def _has_no_gradient(c):
    """Return whether the loss of one kind of pairs changes, and has no gradient."""
    if c.style not in ("pairs", "batch") or c.towers is None:
        return False
    a, b, _ = c.paths()
    a, b = (np.resize(e, (c.n, c.dim)) for e in (a, b))
    situations: list = []
    if c.style == "batch":
        situations = [(c.labels, (np.where(np.arange(c.n)[:, None] % 2, a, b),))]
    else:
        labels = [np.repeat(label[None], c.n, axis=0) for label in c.two_labels]
        situations = [(label, (a, b)) for label in labels]
    flat = []
    for labels, embeddings in situations:
        try:
            slopes = c.cost_gradient(labels, *embeddings)
        except Skip:
            return False
        halves = [tuple(e[half] for e in embeddings) for half in _halves(c.n)]
        costs = [c.cost(labels, *half) for half in halves]
        # A hinge that is satisfied rightly has no gradient.
        changes = c.cost(labels, *embeddings) > min(costs) + 1e-6
        flat.append(changes and not any(s.any() for s in slopes))
    # Without any gradient, the loss may be computed outside of the backend.
    return any(flat) and (len(flat) == 1 or not all(flat))


def _halves(n):
    """Return the first half of the rows twice over, and the second half."""
    rows = np.arange(n)
    return rows % (n // 2), rows % (n // 2) + n // 2


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
    If the recordings of pairs with one label resemble each other clearly more in their
    average spectrum (rank test, p < 1e-6), that label must mean the same speaker; of
    the recordings of triplets, the positive must not be the one that differs more from
    the anchor (p < 0.01).
    """
    c = program.comparison
    if c.style != "batch" and kl_form_or_none(c) and not are_distributions(c):
        raise Skip("the outputs are not distributions")
    curve = c.curve
    span = np.ptp(curve.different)
    if not np.ptp(curve.same) > 0 or not span > 0:
        raise Skip("the loss does not change with the distance")
    for one in curve.paths(c.margin_or_none()):
        d, same, different = one.distance, one.same, one.different
        falls = float(np.max(np.maximum.accumulate(same) - same))
        if falls > 0.02 * np.ptp(curve.same):
            return falls, (
                f"the loss of one speaker falls by {falls:.3g} while the distance grows"
            )
        low = int(np.argmin(different))
        bump = float(np.max(different[: low + 1] - different[0]))
        rise = float(np.max(different[low:]) - different[low])
        if rise > 0.02 * span and low == 0:
            return rise, (
                "the loss of different speakers is smallest for equal embeddings, "
                f"{different[0]:.3g}, and rises by {rise:.3g}"
            )
        if bump > 0.02 * span:
            return bump, (
                f"the loss of different speakers rises by {bump:.3g} from equal "
                "embeddings on, where it should fall"
            )
        if rise > 0.02 * span and different[low] < -0.02 * span:
            return rise, (
                f"the loss of different speakers is smallest, {different[low]:.3g}, at "
                f"a distance of {d[low]:.3g}, and rises by {rise:.3g} from there"
            )
    return _exchanged_roles(program, c)


def _exchanged_roles(program, c):
    """Compare what the loss pulls together with the recordings themselves."""
    sounds = program.sounds
    if sounds[0].ndim != 3:
        return None
    means = [s.mean(axis=1) for s in sounds]

    def gap(i, j):
        return np.linalg.norm(means[i] - means[j], axis=1)

    if c.style == "triplets":
        anchor, positive, negative = c.roles
        pulled, pushed = gap(anchor, positive), gap(anchor, negative)
        p = float(stats.wilcoxon(pulled, pushed, alternative="greater").pvalue)
        limit = 0.01
    elif c.style == "pairs" and not c.learned_head:
        same, d = c.is_same, gap(0, 1)
        if min(same.sum(), (~same).sum()) < 16:
            return None
        pulled, pushed = d[same], d[~same]
        p = float(stats.mannwhitneyu(pulled, pushed, alternative="greater").pvalue)
        limit = 1e-6
    else:
        return None
    if not p < limit:
        return None
    return p, (
        "the loss pulls together the recordings that differ more: the distance of "
        f"their average spectra is {np.median(pulled):.3g}, that of the recordings "
        f"that it pushes apart {np.median(pushed):.3g}"
    )


@check("S2", "serious", _NOTEBOOK, follows="S1")
def s2_mean_inside(program):
    """The loss of one pair depends on the other pairs of the batch.

    Symptom: Training stops as soon as different speakers are apart on average,
        however close some of them are.
    Cause: A mean over the batch stands inside the hinge: mean(axis=-1) of one value
        per pair.
    Fix: remove the mean: the loss of a pair is a function of its own distance

    Exchange half of a batch: the loss must be a sum over pairs.

    For two batches A and B, and the two batches that arise if half of their rows are
    exchanged, the sums of the losses must be equal, within 1 % of the range. The rows
    are near in A and far in B, at eight scales, so that a hinge is active in one of
    them. It is asked only where the loss is meant for single pairs or triplets.
    """
    c = program.comparison
    if c.style not in ("triplets", "pairs"):
        raise Skip("the loss compares all embeddings of a batch")
    n = c.n if not c.any_rows else _N
    y = c.mixed_labels(n, 2)
    half = np.arange(n) % 4 < 2
    levels = _levels(c, n)
    costs: dict = {}

    def cost(*parts):
        if parts not in costs:
            a, b = (levels[k] for k in parts)
            rows = [np.where(_column(half, p), p, q) for p, q in zip(a, b, strict=True)]
            costs[parts] = c.loss(y, rows[0] if c.has_scores else c.outputs_of(*rows))
        return costs[parts]

    worst, shown = 0.0, ""
    for i in range(len(levels)):
        for j in range(i):
            four = [cost(i, i), cost(j, j), cost(i, j), cost(j, i)]
            if not np.isfinite(four).all() or np.ptp(four) <= 1e-4 * np.abs(four).max():
                continue
            gap = abs(four[0] + four[1] - four[2] - four[3]) / np.ptp(four)
            if gap > worst:
                worst = gap
                shown = f"{four[0] + four[1]:.4g} and {four[2] + four[3]:.4g}"
    if worst <= 0.01:
        return None
    return worst, (
        "two batches with near and with far pairs, and the two that arise by "
        f"exchanging half of their rows, cost {shown} together, which should be equal"
    )


def _column(mask, array):
    return mask.reshape((-1,) + (1,) * (np.ndim(array) - 1))


def _levels(c, n):
    """Return rows that are all near, then further and further apart."""
    rng = np.random.default_rng(9)
    steps = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0)
    if c.has_one_score:
        low, high = c.score_range
        if c.sign < 0:
            low, high = high, low
        return [
            [c.as_outputs(low + t * (high - low) * (0.8 + 0.2 * rng.random(n)))]
            for t in steps
        ]
    a, b = (np.resize(e[:48], (n, c.dim)) for e in c.made["far"])
    rows = [[a, c.like_embeddings(a + t * (b - a))] for t in (0.0, 0.03, 0.1, 0.3, 1.0)]
    if c.has_scores:
        return [[c.outputs_of(*each)] for each in rows]
    if c.style == "pairs":
        return rows
    other = c.like_embeddings(a + 0.2 * (b[::-1] - a))
    order = np.argsort(c.roles)
    return [[(p, q, other)[k] for k in order] for p, q in rows]


@check("S15", "fatal", _NOTEBOOK, follows="S30")
def s15_not_finite(program):
    """The loss or its gradient is not finite for equal or for large embeddings.

    Symptom: NaN after some steps, often after hours.
    Cause: The square root of 0, the logarithm of 0, or an epsilon that float32
        rounds away.
    Fix: put the epsilon inside the root, sqrt(maximum(x, 1e-7)), and use
        log_softmax

    Loss and gradient for the batch, for equal and for large embeddings.

    Equal recordings occur in practice. Large embeddings are made by noise in front of
    the last layer, ten times as large as in the batch. Each number is finite or it is
    not: there is no threshold.
    """
    c = program.comparison
    for e in c.embeddings:
        if not np.isfinite(e).all():
            share = float(np.mean(~np.isfinite(e)))
            return share, f"{share:.0%} of the numbers in the embeddings are not finite"
    if c.style == "classes":
        value = c.loss(c.labels, c.outputs)
        if np.isfinite(value):
            return None
        return value, f"the loss of the batch is {value}"
    for name, embeddings in _situations(c).items():
        if not all(np.isfinite(e).all() for e in embeddings):
            return 1.0, f"the last layers of the network are not finite for {name}"
        if not is_finite(c.outputs_of(*embeddings)):
            return 1.0, f"the output is not finite for {name}"
        if not c.has_loss:
            continue
        value = c.cost(c.labels, *embeddings)
        if not np.isfinite(value):
            return value, f"the loss is {value} for {name}"
        try:
            slopes = np.concatenate(
                [s.reshape(-1) for s in c.cost_gradient(c.labels, *embeddings)]
            )
        except Skip:
            continue
        share = float(np.mean(~np.isfinite(slopes)))
        if share:
            return share, f"{share:.0%} of the gradient is not finite for {name}"
    return _at_the_ends(c)


def _situations(c):
    """Return embeddings for which a loss may fail, by name."""
    n, k = c.n, len(c.embeddings)
    quarter = slice(24, 48)  # ten times the size that occurs
    large = [np.resize(c.made["far"][i % 2][quarter], (n, c.dim)) for i in range(2)]
    close = np.resize(c.made["close"][0][quarter], (n, c.dim))
    if k == 1:
        e = c.embeddings[0].copy()
        e[1] = e[0]
        big = np.where(np.arange(n)[:, None] % 2, large[0], np.roll(large[1], 1, 0))
        return {"the batch": c.embeddings, "two equal rows": (e,), "large rows": (big,)}
    first = c.embeddings[0]
    return {
        "the batch": c.embeddings,
        "equal embeddings": (first,) * k,
        "equal, large embeddings": (close,) * k,
        "large embeddings": tuple(np.roll(large[i % 2], i, 0) for i in range(k)),
    }


def _at_the_ends(c):
    """Loss and gradient of the greatest and the smallest score."""
    if not (c.has_one_score and c.any_rows):
        return None
    ends = np.repeat(c.score_range, 2)
    out, y = c.as_outputs(ends), c.two_labels[[0, 1, 0, 1]]
    value = c.loss(y, out)
    slopes = gradient(lambda o: c.loss_tensor(y, o), out)[0]
    if np.isfinite(value) and np.isfinite(slopes).all():
        return None
    return float(np.mean(~np.isfinite(slopes))), (
        f"for scores of {ends[0]:.3g} and {ends[-1]:.3g}, loss or gradient is not "
        f"finite"
    )


@check("S16", "serious", _NOTEBOOK, follows="S1")
def s16_batch_size(program):
    """The loss grows with the batch.

    Symptom: Another batch size needs another learning rate, and losses cannot be
        compared.
    Cause: A sum over the pairs, or a division by a fixed number.
    Fix: divide by the number of pairs: take the mean

    Repeat the same rows twice, four and eight times: a mean stays, a sum doubles.

    A loss that weighs all pairs of a batch against each other grows with the logarithm
    of the batch, by less and less. So both steps must be by 1.7 or more, or by 0.6 or
    less.
    """
    c = program.comparison
    if not c.any_rows or c.style == "other":
        raise Skip("the loss takes batches of one size only")
    n = 12
    y, out = c.mixed_labels(n, 4), c.varied_outputs(n, 5)

    def cost(times):
        rows = np.tile(np.arange(n_rows(out)), times)
        return c.loss(None if y is None else take(y, rows), take(out, rows))

    two, four, eight = cost(2), cost(4), cost(8)
    if not np.isfinite([two, four, eight]).all() or 0 in (two, four):
        raise Skip("the loss of made-up outputs is 0 or not finite")
    steps = four / two, eight / four
    if min(steps) < 1.7 and not 0 < max(steps) < 0.6:
        return None
    return steps[1], f"twice the same rows cost {steps[1]:.3g} times as much"
