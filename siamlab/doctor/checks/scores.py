"""Faults of a distance or of a metric: S3, S4, S5, S6, S8, S10, S14."""

import numpy as np
from keras import tree

from ..arrays import take, to_arrays
from ..check import check
from ..divergences import are_distributions
from ..objective import direction, gradient
from ..report import Skip
from ..sweep import line_to_zero

_NOTEBOOK = "07_kl_hinge_loss"


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
    form = c.kl_form
    if form is None:
        raise Skip("the distance is not a KL divergence")
    if form[1] or are_distributions(c):
        return None
    e = np.concatenate(c.embeddings).astype(np.float64)
    sums, below = e.sum(axis=1), float(np.mean(e <= 0))
    p, share = np.random.default_rng(0).random((2, 24, c.dim), np.float32)
    made = np.nanmin(c.apart(p * 2 / c.dim, p * 2 / c.dim * (0.3 + 2.7 * share[:, :1])))
    if made >= -1e-6 and below < 0.01 and form[0] != "sum":
        return None
    return float(np.median(sums)), (
        f"the outputs sum to {sums.min():.3g} to {sums.max():.3g}, and {below:.0%} of "
        f"them are 0 or less; distances of such outputs go down to {made:.3g}"
    )


@check("S6", "fatal", _NOTEBOOK, follows="S5")
def s6_clipped_outputs(program):
    """A clip removes the gradient of outputs.

    Symptom: The loss stands still although the outputs are plainly wrong.
    Cause: clip(x, epsilon, 1) has no gradient for outputs below epsilon or above 1.
    Fix: compute with log_softmax, which needs no clip

    The share of outputs that do not change the distance at all.

    For three partners each, the gradient of an output must be 0, and a change of the
    output by half of its size, or from 0 to -0.1, must not change the distance either,
    while a value between 0 and 1 must. Without a clip there are no such outputs, except
    by underflow; 5 % are allowed. If the embeddings have passed a layer without
    weights, such as a Lambda, the outputs before it are examined.
    """
    c = program.comparison
    value, function, n = _distance_by_output(c, program.sweep)
    # Probabilities of exactly 0 or 1 have no gradient without any clip.
    stuck = (value < 0) | (value > 1) if c.learned_head else np.ones(value.shape, bool)
    for partner in range(n):
        slopes = gradient(lambda e, k=partner: function(e, k), value)[0]
        if not np.isfinite(slopes).all():
            raise Skip("the gradient of the distance is not finite")
        stuck &= slopes.reshape(value.shape) == 0
    if not c.has_scores:  # a hinge that is satisfied has no gradient for a whole row
        stuck &= ~stuck.all(axis=-1, keepdims=True)
    share = float(stuck.mean())
    if share <= 0.05:
        return None

    def changes(other):
        """Return how much other values change the distances, at most."""
        moved = np.where(stuck, other, value).astype(np.float32)
        pairs = [[to_arrays(function(v, k)) for v in (value, moved)] for k in range(n)]
        return np.max([abs(q - p).max() / max(abs(p).max(), 1e-12) for p, q in pairs])

    # A gradient of 0 may be a minimum; only a clip stays flat at a distance. Elsewhere
    # the same outputs must count; otherwise they are not compared.
    away = np.where((value > 0) & (value <= 1), 0.5, 1.5) * value
    if not changes(np.where(value == 0, -0.1, away)) <= 1e-5:  # or NaN
        return None
    if not changes(np.random.default_rng(2).uniform(0.05, 0.9, value.shape)) > 1e-6:
        return None
    below = float(np.mean(value[stuck] <= 0))
    return share, (
        f"{share:.0%} of the outputs of the batch have no gradient, and a change by "
        f"half of their size changes no distance; {below:.0%} of these are 0 or less"
    )


def _distance_by_output(c, sweep):
    """Return outputs, and a function of them and of a partner's number, and how many.

    The function returns a tensor: the distance of each row, or their sum. For a learned
    comparison, the outputs are its results, and the partners are the two labels.
    """
    if c.learned_head:
        if not (sweep.by_score and c.any_rows):
            raise Skip("the comparison is learned")
        labels = [np.repeat(label[None], c.n, axis=0) for label in c.two_labels]
        return c.outputs, lambda e, k: c.loss.tensor(labels[k], e), 2
    second = c.embeddings[-1]
    size, share = np.abs(second).max(axis=0), np.random.default_rng(11)
    middle = np.clip(share.random(second.shape) * size, 1e-3, 0.99).astype(np.float32)
    partners = second, np.roll(second, 1, axis=0), middle
    if c.towers is not None and c.has_scores and not c.towers.joined:
        place = c.towers.before_clipping
        if place not in (None, c.towers.places[0]):

            def before(e, k):
                return tree.flatten(c.towers.score_before(place, e))[0]

            return c.towers.calls[place].output, before, 1
    return c.embeddings[0], lambda e, k: c.tensor_pull(e, partners[k]), 3


@check("S8", "serious", _NOTEBOOK, follows="S5")
def s8_not_symmetric(program):
    """The distance depends on the order of the two inputs.

    Symptom: The same two recordings have two distances.
    Cause: KL(p || q) is not KL(q || p).
    Fix: add both directions: kl(p, q) + kl(q, p)

    Exchange the two embeddings: the distance must stay the same.

    The embeddings are made up, in four sizes. 5 % of the mean are far above rounding
    and far below what a divergence does (30 % and more). A comparison that is itself
    learned may depend on the order.
    """
    c = program.comparison
    worst, shown = 0.0, ""
    for a, b in zip(*(np.split(e, 4) for e in c.made["far"]), strict=True):
        # Both directions, if there are two, change places.
        one, other = (np.sort(c.apart(*pair), axis=1) for pair in ((a, b), (b, a)))
        fine = np.isfinite(one + other).all(axis=1)
        one, other = one[fine], other[fine]
        gap, size = np.abs(one - other), np.abs(one + other).mean() / 2
        if len(gap) and size > 1e-6 and gap.mean() / size > worst:
            worst, k = float(gap.mean() / size), int(np.argmax(gap.max(axis=1)))
            shown = f"{one[k].max():.3g} one way and {other[k].max():.3g} the other"
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
    sweep = program.sweep
    top, bounded = sweep.reach
    if not bounded:
        return None
    d, loss = sweep.different()
    margin = line_to_zero(d, loss)
    if margin is None or loss[-1] <= 0.05 * loss.max():
        return None
    return top, (
        f"the greatest distance that embeddings of any size reach is {top:.3g}, "
        f"where a pair of different speakers still costs {loss[-1]:.3g} of "
        f"{loss.max():.3g}; the loss would reach 0 at {margin:.3g}"
    )


@check("S10", "serious", _NOTEBOOK, follows="S1 S12 S13 S14 S30 S11")
def s10_margin_out_of_scale(program):
    """The margin does not fit the scale of the distances.

    Symptom: The loss is 0 at once, or a constant gradient pushes every pair for
        ever.
    Cause: The margin was taken from a paper that uses another distance.
    Fix: choose the margin from the quantiles of the distances of different speakers

    Count the pairs of different speakers within the margin, of at least 8.

    Too small: below 2 %, and the median distance is more than 7 times the margin.
    Within that, the pairs of one speaker, which are as far apart at first, pull all
    distances into reach. Too large: above 98 %, and the margin is more than 20 times
    the median distance, while the distance has no bound; a softmax starts with
    distances near 0 and grows into its margin. Where the loss compares embeddings,
    their distance is the loss of one speaker, usually a square, and so are the limits.
    """
    c = program.comparison
    margin = program.sweep.margin
    if margin is None:
        raise Skip("the loss of different speakers is not a hinge")
    pairs = c.different_pairs()
    if len(pairs[0]) < 8:
        raise Skip("there are fewer than 8 pairs of different speakers")
    d = c.apart(*pairs).min(axis=1)
    d = d[np.isfinite(d)]
    if not d.any():
        raise Skip("the distances of the batch are not known")
    inside, middle = float(np.mean(d < margin)), float(np.median(d))
    grows = program.sweep.reach[1] or c.kl_form is not None
    power = 1 if c.has_scores else 2
    is_small = inside < 0.02 and middle > 7**power * margin
    is_large = inside > 0.98 and margin > 20**power * max(middle, 1e-12) and not grows
    if not (is_small or is_large):
        return None
    return inside, (
        f"{inside:.0%} of {len(d)} pairs of different speakers are within the margin "
        f"of {margin:.3g}; the median of their distances is {middle:.3g}"
    )


# ------------------------------------------------------------------------------ metrics


@check("S3", "fatal", "08_verification_metrics", follows="S1")
def s3_metric_of_distances(program):
    """The metric does not tell how good the network is.

    Symptom: Accuracy never exceeds 0.5, or falls while the loss falls.
    Cause: Label 1 means the same speaker, whose distance is small; and 0.5 is not a
        threshold of a distance.
    Fix: use the equal error rate, metrics=[siamlab.metrics.EER()], or an accuracy
        at a threshold chosen on other data

    Compute the metric for perfect outputs, those of equal and of most distant pairs.

    A metric of which more is better must be at least 0.9, one of which less is better
    at most 0.1, or above 0.9 if only its name is wrong. If the loss is a hinge, all
    outputs below 0.4 times the margin and beyond 1.05 times the margin count as
    separated; a metric with a threshold at 0.5 that gets less than 80 % of them right
    has the wrong threshold.
    """
    tested = list(_tested_metrics(program))
    if not tested:
        raise Skip("for no metric it is known whether more or less is better")
    return next(((value, said) for _, value, said in tested if said), None)


def _tested_metrics(program):
    """Yield name and value for perfect outputs of each metric, and what is wrong."""
    c, sweep = program.comparison, program.sweep
    labels = (np.random.default_rng(6).permutation(24) % 2).astype(int)
    perfect, y = take(sweep.best_outputs, labels), c.two_labels[labels]
    for metric in c.metrics:
        better = metric.direction
        value = metric(y, perfect) if better else np.nan
        if not np.isfinite(value):
            continue
        least, said = 0.9, f"for perfect outputs, {metric.name} is {value:.3g}"
        if better > 0 and value >= least:
            least, value = 0.8, _metric_of_separated(program, metric, y, labels)
            said = (
                "for pairs that a threshold separates without an error, "
                f"{metric.name} is {value:.3g}: its threshold is 0.5"
            )
        is_wrong = value < least if better > 0 else 0.1 < value < 0.9
        yield metric.name, value, said if is_wrong else ""


def _metric_of_separated(program, metric, y, labels):
    """Return the metric of separated pairs; 1 if it has no threshold at 0.5."""
    c, sweep = program.comparison, program.sweep
    margin = sweep.margin
    if margin is None or not sweep.by_score:
        return 1.0
    # Of one label only: with both, verdicts that are all wrong look as good.
    ones, near_threshold = c.two_labels[[1] * 4], ([0.499] * 4, [0.501] * 4)
    sides = [metric(ones, sweep.of_distances(d)) for d in near_threshold]
    if abs(np.diff(sides)[0]) < 1e-6:
        return 1.0
    rng = np.random.default_rng(8)
    near = rng.uniform(0, 0.4 * margin, len(labels))
    far = rng.uniform(1.05 * margin, 1.5 * margin, len(labels))
    d = np.where(labels == c.near_label, near, far)
    return metric(y, sweep.of_distances(d))


@check("S4", "serious", "08_verification_metrics", follows="S3 S1")
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
    watching = [c for c in tree.flatten(program.callbacks) if hasattr(c, "monitor")]
    if not watching:
        raise Skip("no callback monitors a metric")
    for each in watching:
        operator, mode = getattr(each, "monitor_op", None), getattr(each, "mode", "")
        falls = operator(1, 2) if callable(operator) else mode == "min"
        rises = not falls if callable(operator) else mode == "max"
        better = direction(each.monitor)
        if (falls and better > 0) or (rises and better < 0):
            best = "smallest" if falls else "greatest"
            return 1.0, (
                f"the best epoch is taken to be the one with the {best} {each.monitor}"
            )
    names = {each.monitor.removeprefix("val_") for each in watching}
    if names & {"acc", "accuracy"}:
        names |= {"acc", "accuracy"}
    for name, value, said in _tested_metrics(program):
        if said and name in names:
            return value, f"{name} is monitored, and {said}"
    return None
