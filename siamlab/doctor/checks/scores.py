"""Faults of a distance or of a metric: S3, S4, S5, S6, S8, S10, S14."""

import keras
import numpy as np

from ..arrays import take
from ..check import check
from ..comparison import line_to_zero
from ..divergences import are_distributions, kl_form, kl_form_or_none, lopsided
from ..objective import Metric, gradient
from ..report import Skip

_NOTEBOOK = "05_kl_hinge_loss"


@check("S5", "fatal", _NOTEBOOK)
def s5_not_distributions(program):
    """A KL divergence of outputs that are not distributions.

    Symptom: Distances below 0, and a loss that falls without end.
    Cause: The outputs of a linear layer, a ReLU or a PReLU go into the divergence.
    Fix: end the network in a softmax, Dense(n, activation="softmax"), or use
        siamlab.distances.generalized_kl

    The rows of the embeddings must be positive and sum to 1.

    Whether the distance is a KL divergence is found out by its values for made-up
    distributions. The sums of a softmax are within 2e-3 of 1, even in float16; a fault
    are 10 % of the rows beyond 1 %. A divergence that is never negative for positive
    outputs of any sum is allowed, as long as the outputs are positive.
    """
    c = program.comparison
    form = kl_form(c)
    if form is None:
        raise Skip("the distance is not a KL divergence")
    if form[1]:
        return None
    if are_distributions(c):
        return None
    e = np.concatenate(c.embeddings).astype(np.float64)
    sums = e.sum(axis=1)
    rng = np.random.default_rng(0)
    p = rng.random((24, c.dim)) * 2 / c.dim
    q = p * rng.uniform(0.3, 3, (24, 1))
    made = c.apart(p.astype(np.float32), q.astype(np.float32))
    below = float(np.mean(e <= 0))
    if np.nanmin(made) >= -1e-6 and below < 0.01 and form[0] != "sum":
        return None
    smallest = float(np.nanmin(c.apart(*_pair_of_batch(c))))
    return float(np.median(sums)), (
        f"the outputs sum to {sums.min():.3g} to {sums.max():.3g}, and {below:.0%} of "
        f"them are 0 or less; the smallest distance of the batch is {smallest:.3g}, "
        f"and {np.nanmin(made):.3g} of made-up outputs"
    )


def _pair_of_batch(c):
    a = c.embeddings[0]
    return (a, c.embeddings[1]) if len(c.embeddings) > 1 else (a, np.roll(a, -1, 0))


@check("S6", "fatal", _NOTEBOOK, follows="S5")
def s6_clipped_outputs(program):
    """A clip removes the gradient of outputs.

    Symptom: The loss stands still although the outputs are plainly wrong.
    Cause: clip(x, epsilon, 1) has no gradient for outputs below epsilon or above 1.
    Fix: compute with log_softmax, which needs no clip

    The share of outputs that do not change the distance at all.

    For three partners each, the gradient of an output must be 0, and a change of the
    output by half of its size, or from 0 to -0.1, must not change the distance either.
    Without a clip there are none, except by underflow; 5 % are allowed. If the
    embeddings have passed a layer without weights, such as a Lambda, the outputs before
    it are examined.
    """
    c = program.comparison
    if len(c.embeddings) > 1 and c.learned_head:
        return _clipped_scores(c)
    value, function = _distance_by_output(c)
    stuck = np.ones(value.shape, bool)
    for partner in range(3):
        slopes = gradient(lambda e, k=partner: function(e, k), value)[0]
        if not np.isfinite(slopes).all():
            raise Skip("the gradient of the distance is not finite")
        stuck &= slopes.reshape(value.shape) == 0
    share = float(stuck.mean())
    if share <= 0.05:
        return None
    # A gradient of 0 may be a minimum; only a clip stays flat at a distance.
    further = np.where(value == 0, -0.1, 1.5 * value)
    moved = np.where(stuck, further, value).astype(np.float32)
    for partner in range(3):
        before, after = (
            np.asarray(keras.ops.convert_to_numpy(function(v, partner)), float)
            for v in (value, moved)
        )
        size = max(float(np.abs(before).max()), 1e-12)
        if not np.abs(after - before).max() <= 1e-5 * size:
            return None
    # Somewhere else the same outputs must count; otherwise they are not compared.
    alive = _within(value, stuck)
    other = np.asarray(keras.ops.convert_to_numpy(function(alive, 0)), float)
    before = np.asarray(keras.ops.convert_to_numpy(function(value, 0)), float)
    if not np.abs(other - before).max() > 1e-6:
        raise Skip("the distance does not depend on the outputs")
    below = float(np.mean(value[stuck] <= 0))
    return share, (
        f"{share:.0%} of the outputs of the batch have no gradient, and half as much "
        f"again changes no distance; {below:.0%} of these are 0 or less"
    )


def _clipped_scores(c):
    """The same for the output of a learned comparison, and the loss of both labels."""
    if not (c.has_one_score and c.has_loss and c.any_rows):
        raise Skip("the comparison is learned")
    scores = np.asarray(c.outputs, np.float32)
    stuck = np.ones(scores.shape, bool)
    for label in c.two_labels:
        labels = np.repeat(label[None], len(scores), axis=0)
        slopes = gradient(lambda e, y=labels: c.loss_tensor(y, e), scores)[0]
        stuck &= slopes == 0
        moved = np.where(stuck, 1.5 * scores, scores)
        if stuck.any() and abs(c.loss(labels, moved) - c.loss(labels, scores)) > 1e-6:
            return None
    share = float(stuck.mean())
    if share <= 0.05:
        return None
    return share, (
        f"{share:.0%} of the outputs of the batch, from {scores.min():.3g} to "
        f"{scores.max():.3g}, have no gradient, whichever the label is"
    )


def _within(value, stuck):
    """Replace the outputs that do not count by values between 0 and 1."""
    rng = np.random.default_rng(2)
    return np.where(stuck, rng.uniform(0.05, 0.9, value.shape), value).astype(
        np.float32
    )


def _distance_by_output(c):
    """Return outputs, and the distance as a function of them and of a partner's number.

    The function returns a tensor: one distance for each row, or their sum.
    """
    rng = np.random.default_rng(11)
    second = c.embeddings[-1] if len(c.embeddings) > 1 else c.embeddings[0]
    size = np.abs(second)
    middle = np.clip(rng.random(second.shape) * size.max(axis=0), 1e-3, 0.99)
    partners = [
        second,
        np.roll(second, 1, axis=0),
        middle.astype(np.float32),
    ]
    places = c.towers.before_clipping if c.towers is not None else None
    if places and len(c.embeddings) == 2 and places != c.towers.places and c.has_scores:
        value = c.towers.calls[places[0]].output
        return value, lambda e, k: _rows(c.towers.score_before(places[0], e))
    value = c.embeddings[0]
    if c.has_scores:
        return value, lambda e, k: _rows(c.score(e, partners[k]))
    if c.style == "pairs":
        labels = np.repeat(c.two_labels[c.near_label][None], c.n, 0)
        return value, lambda e, k: c.tensor_cost(labels, e, partners[k])
    if c.style == "triplets":
        order = np.argsort(c.roles)

        def triplet(e, k):
            rows = (e, partners[k], keras.ops.stop_gradient(keras.ops.add(e, 0.0)))
            return c.tensor_cost(c.labels, *(rows[i] for i in order))

        return value, triplet
    if c.style == "batch" and c.any_rows:
        ids = c.ids(np.arange(2 * c.n) // 2)

        def batch(e, k):
            pairs = keras.ops.stack([keras.ops.convert_to_tensor(e), partners[k]], 1)
            rows = keras.ops.reshape(pairs, (2 * c.n, c.dim))
            return c.loss_tensor(ids, rows)

        return value, batch
    raise Skip("the program compares no pairs of outputs")


def _rows(outputs):
    return keras.tree.flatten(outputs)[0]


@check("S8", "serious", _NOTEBOOK, follows="S5")
def s8_not_symmetric(program):
    """The distance depends on the order of the two inputs.

    Symptom: The same two recordings have two distances.
    Cause: KL(p || q) is not KL(q || p).
    Fix: add both directions: kl(p, q) + kl(q, p)

    Exchange the two embeddings: the distance must stay the same.

    For embeddings of the batch, for made-up ones, and, if the distance is a KL
    divergence, for distributions that are near one way only. 5 % of the mean are far
    above rounding and far below what a divergence does (30 % and more). A comparison
    that is itself learned may depend on the order.
    """
    c = program.comparison
    n = min(16, c.n)
    sets = [tuple(e[:n] for e in _pair_of_batch(c))]
    sets += [tuple(e[:24] for e in c.made["far"])]
    form = kl_form_or_none(c)
    if form is not None:
        sets.append(tuple(np.log(e) if form[1] else e for e in lopsided(c.dim)))
    worst, shown = 0.0, ""
    for a, b in sets:
        one, other = c.apart(a, b), c.apart(b, a)
        if one.shape[1] == 2:  # both directions, which change places
            one, other = np.sort(one, axis=1), np.sort(other, axis=1)
        fine = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
        if not fine.any():
            continue
        gap = np.abs(one - other)[fine]
        size = float(((np.abs(one) + np.abs(other))[fine]).mean() / 2)
        if size > 1e-6 and gap.mean() / size > worst:
            k = int(np.argmax(gap.max(axis=1)))
            worst = float(gap.mean() / size)
            there, back = one[fine][k].max(), other[fine][k].max()
            shown = f"{there:.3g} one way and {back:.3g} the other"
    if worst <= 0.05:
        return None
    return worst, (
        f"exchanging the embeddings changes distances by {worst:.0%} of their "
        f"mean; one is {shown}"
    )


# ------------------------------------------------------------------------------ margins


@check("S14", "serious", _NOTEBOOK, follows="S1 S12 S13")
def s14_margin_out_of_reach(program):
    """No distance can reach the margin.

    Symptom: The loss of different speakers never falls below a constant.
    Cause: The distance has an upper bound, such as 2 between vectors of length 1,
        or 1 after a sigmoid.
    Fix: choose a margin below the greatest distance, or a distance without a bound

    Compare the greatest distance that embeddings of any size reach with the margin.

    A distance has a bound if embeddings ten times as large are no further apart. A
    hinge out of reach is a straight line, or a parabola, all the way: the loss of
    different speakers, or its root, fits a line over the distance, its root or its
    square, within 0.2 % of its range, and at the bound it is still above 5 % of its
    greatest value. The margin is where the line reaches 0.
    """
    c = program.comparison
    if c.style not in ("pairs", "triplets"):
        raise Skip("the loss is not a hinge over distances")
    if c.style == "pairs" and c.learned_head:
        curve = c.curve
        top = curve.distance.max()
        bounded = _is_bounded(c.head_outputs)
    else:
        top, bounded = c.reach
    if not bounded:
        return None
    if c.style == "pairs" and c.learned_head:
        d, loss = curve.distance, curve.different
    elif c.has_one_score:
        low = max(c.score_range[0], 0.0) if c.sign > 0 else -c.score_range[1]
        d = np.linspace(low, top, 33)
        label = c.two_labels[1 - c.near_label]
        loss = c.row_costs(label, c.as_outputs(c.sign * d))
    else:
        a, b = c.made["far"]
        d, loss = c.apart(a, b).mean(axis=1), c.push(a, b)
        order = np.argsort(d)
        d, loss = d[order], loss[order]
    if not (np.isfinite(d).all() and np.isfinite(loss).all() and np.ptp(loss) > 0):
        raise Skip("the loss of different speakers is constant or not finite")
    margin = line_to_zero(d, loss)
    if margin is None or loss[-1] <= 0.05 * loss.max():
        return None
    return top, (
        f"the greatest distance that embeddings of any size reach is {top:.3g}, "
        f"where a pair of different speakers still costs {loss[-1]:.3g} of "
        f"{loss.max():.3g}; the loss would reach 0 at {margin:.3g}"
    )


def _is_bounded(outputs):
    """Return whether outputs for growing noise stop growing, as behind a sigmoid."""
    sizes = np.abs(np.asarray(outputs, float)).reshape(len(outputs), -1).max(axis=1)
    *_, small, large = np.array_split(sizes, 4)
    return bool(large.max() <= 1.25 * small.max())


@check("S10", "serious", _NOTEBOOK, follows="S1 S12 S13 S14 S30 S11")
def s10_margin_out_of_scale(program):
    """The margin does not fit the scale of the distances.

    Symptom: The loss is 0 at once, or a constant gradient pushes every pair for
        ever.
    Cause: The margin was taken from a paper that uses another distance.
    Fix: choose the margin from the quantiles of the distances of different speakers

    Count the pairs of different speakers within the margin, of at least 8.

    Too small: below 2 %, and the median distance is more than 10 times the margin.
    Within that, the pairs of one speaker, which are as far apart at first, pull all
    distances into reach. Too large: above 98 %, and the margin is more than 20 times
    the median distance, while the distance has no bound; a softmax starts with
    distances near 0 and grows into its margin.
    """
    c = program.comparison
    margin = c.margin
    pairs = c.different_pairs()
    if len(pairs[0]) < 8:
        raise Skip("there are fewer than 8 pairs of different speakers")
    d = c.apart(*pairs).min(axis=1)
    d = d[np.isfinite(d)]
    if not len(d):
        raise Skip("the distances of the batch are not finite")
    inside = float(np.mean(d < margin))
    low, middle, high = np.quantile(d, [0.05, 0.5, 0.95])
    said = (
        f"{inside:.0%} of {len(d)} pairs of different speakers are within the "
        f"margin of {margin:.3g}; their distances are {low:.3g}, {middle:.3g} and "
        f"{high:.3g} (5 %, median, 95 %)"
    )
    if inside < 0.02 and middle > 10 * margin:
        return inside, said
    grows = c.reach[1] or kl_form(c) is not None
    if inside > 0.98 and not grows and margin > 20 * max(middle, 1e-12):
        return inside, said
    return None


# ------------------------------------------------------------------------------ metrics


@check("S3", "fatal", "06_accuracy_on_distances", follows="S1")
def s3_metric_of_distances(program):
    """The metric does not tell how good the network is.

    Symptom: Accuracy never exceeds 0.5, or falls while the loss falls.
    Cause: Label 1 means the same speaker, whose distance is small; and 0.5 is not a
        threshold of a distance.
    Fix: use the equal error rate, metrics=[siamlab.metrics.EER()], or an accuracy
        at a threshold chosen on other data

    Compute the metric for perfect outputs, those with the smallest loss.

    A metric of which more is better must be at least 0.9, one of which less is better
    at most 0.1. If the loss is a hinge, all outputs below 0.4 times the margin and
    beyond 1.05 times the margin count as separated; a metric with a threshold at 0.5
    that gets less than 80 % of them right has the wrong threshold.
    """
    tested = _tested_metrics(program.comparison)
    if not tested:
        raise Skip("for no metric it is known whether more or less is better")
    for name, value, direction, separated in tested:
        if separated and value < 0.8:
            return value, (
                f"for pairs that a threshold separates without an error, {name} is "
                f"{value:.3g}: its threshold is 0.5"
            )
        if not separated and (value < 0.9 if direction > 0 else value > 0.1):
            return value, f"for perfect outputs, {name} is {value:.3g}"
    return None


def _tested_metrics(c):
    """Return name, value for perfect outputs, direction and kind of test of each."""
    if c.style != "pairs":
        raise Skip("the model has no output for a pair")
    labels = (np.random.default_rng(6).permutation(24) % 2).astype(int)
    y, perfect = c.two_labels[labels], take(c.best_outputs, labels)
    found = []
    for metric in c.metrics:
        direction = metric.direction or _counts_right(metric, y, perfect)
        value = metric(y, perfect) if direction else np.nan
        if not np.isfinite(value):
            continue
        found.append((metric.name, value, direction, False))
        if direction > 0 and value >= 0.9:
            separated = _metric_of_separated(c, metric, y, labels)
            if separated is not None:
                found.append((metric.name, separated, direction, True))
    return found


def _counts_right(metric, y, outputs):
    """Return 1 for a metric that is 0 or 1 for each single pair, otherwise 0."""
    try:
        values = {
            metric(y[[i, i]], take(outputs, [j, j])) for i in (0, -1) for j in (0, -1)
        }
    except Skip:
        return 0
    return int(values == {0.0, 1.0})


def _metric_of_separated(c, metric, y, labels):
    """Return the metric of separated pairs; None if it has no threshold at 0.5."""
    margin = c.margin_or_none()
    if margin is None or not c.has_one_score:
        return None
    rng = np.random.default_rng(8)
    near = rng.uniform(0, 0.4 * margin, len(labels))
    far = rng.uniform(1.05 * margin, 1.5 * margin, len(labels))
    # Of one label only: with both, verdicts that are all wrong look as good.
    ones = c.two_labels[[1] * 4]
    below, above = (
        metric(ones, c.as_outputs(np.full(4, c.sign * t))) for t in (0.499, 0.501)
    )
    if abs(below - above) < 1e-6:
        return None
    d = np.where(labels == c.near_label, near, far)
    return metric(y, c.as_outputs(c.sign * d))


@check("S4", "serious", "06_accuracy_on_distances", follows="S3 S1")
def s4_monitored(program):
    """Training is stopped or saved by a metric that means nothing.

    Symptom: The best epoch is an arbitrary one.
    Cause: Early stopping or a checkpoint monitors an accuracy of distances.
    Fix: monitor the equal error rate of other speakers: monitor="val_eer",
        mode="min"

    The monitored metric fails for perfect outputs, as in S3, or improves the wrong way.

    The mode that is given, or that Keras takes from the name, must be the direction in
    which the metric improves.
    """
    if not program.callbacks:
        raise Skip("no callbacks were given", "callbacks")
    callbacks = program.callbacks
    callbacks = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    monitored = [getattr(each, "monitor", None) for each in callbacks]
    monitored = [name for name in monitored if isinstance(name, str)]
    if not monitored:
        raise Skip("no callback monitors a metric")
    for name in monitored:
        wrong_way = _monitored_the_wrong_way(callbacks, name)
        if wrong_way:
            return 1.0, wrong_way
    tested = _tested_metrics(program.comparison)
    for name in monitored:
        plain = str(name).removeprefix("val_")
        for metric, value, direction, separated in tested:
            if metric != plain and {metric, plain} != {"acc", "accuracy"}:
                continue
            wrong = value < 0.8 if direction > 0 else value > 0.1
            if wrong:
                pairs = "separated pairs" if separated else "perfect outputs"
                return value, (
                    f"{name} is monitored, and for {pairs} {metric} is {value:.3g}"
                )
    return None


def _monitored_the_wrong_way(callbacks, name):
    """Return a sentence if a callback waits for the metric to get worse."""
    direction = Metric(name, None).direction
    for callback in callbacks:
        if getattr(callback, "monitor", None) != name:
            continue
        operator, mode = getattr(callback, "monitor_op", None), 0
        if operator is np.less or getattr(callback, "mode", "") == "min":
            mode = -1
        elif operator is np.greater or getattr(callback, "mode", "") == "max":
            mode = 1
        if mode and direction and mode != direction:
            best = "greatest" if mode > 0 else "smallest"
            return f"the best epoch is taken to be the one with the {best} {name}"
    return ""
