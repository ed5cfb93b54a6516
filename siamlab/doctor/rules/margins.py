"""What is wrong with a margin: S10 out of scale, S14 out of reach."""

import numpy as np

from ..rule import NotExamined, rule

_NOTEBOOK = "05_kl_hinge_loss"


@rule(
    "S10",
    "siamese",
    "serious",
    title="The margin is out of scale with the distances",
    symptom="The loss is 0 at once, or a constant slope pushes every pair for ever.",
    cause="The margin was taken from a paper with another distance.",
    fix="take the margin from the quantiles of the distances of different speakers",
    notebook=_NOTEBOOK,
)
def s10_margin_out_of_scale(case):
    """How many pairs of different speakers are within the margin.

    None (below 2 %, of at least 8 pairs), and the median distance is over 3 times the
    margin: the hinge is dead. Nearer than that, pairs of one speaker draw the others in
    after some steps. All of them means
    something only where the margin is out of the network's reach as it is, more than 20
    times the median distance while distances have no bound: a softmax begins with
    hardly any distance and grows into its margin.
    """
    pair = case.pair
    margin = pair.margin
    a, b = pair.different_pairs
    if len(a) < 8:
        raise NotExamined("there are fewer than 8 pairs of different speakers")
    d = pair.apart(a, b).min(axis=1)
    d = d[np.isfinite(d)]
    if not len(d):
        raise NotExamined("the distances of the batch are no numbers")
    inside = float(np.mean(d < margin))
    low, middle, high = np.quantile(d, [0.05, 0.5, 0.95])
    said = (
        f"{inside:.0%} of {len(d)} pairs of different speakers are within the margin "
        "of "
        f"{margin:.3g}; their distances are {low:.3g}, {middle:.3g}, {high:.3g} (5 %, "
        "median, 95 %)"
    )
    if inside < 0.02 and middle > 3 * margin:
        return inside, said
    _, _, bounded = pair.reach
    grows = bounded or pair.divergence is not None
    if inside > 0.98 and not grows and margin > 20 * max(middle, 1e-12):
        return inside, said
    return None


@rule(
    "S14",
    "siamese",
    "serious",
    title="No distance ever reaches the margin",
    symptom="The loss of different speakers never gets below a constant.",
    cause="The distance has a bound, such as 2 between vectors of length 1.",
    fix="a margin below the greatest distance, or a distance without a bound",
    notebook=_NOTEBOOK,
)
def s14_margin_out_of_reach(case):
    """The greatest distance that embeddings of any size attain, against the margin.

    Distances have a bound where embeddings ten times as large are no further apart. A
    hinge that is out of reach is a straight line, or a parabola, all the way to there:
    the loss of different speakers, or its root, against the distance, or its root, fits
    a line to 0.2 % of its range, and is at the bound still above 5 % of its greatest
    value. Where the line gets to 0 is the margin.
    """
    pair = case.pair
    _, top, bounded = pair.reach
    if not bounded:
        return None
    d, _, loss = pair.curve
    if pair.has_scores:
        d = np.linspace(max(float(d.min()), 0.0), top, 33)
        loss = pair.losses_of_scores(d, 1 - pair.near_label)
    if not np.ptp(loss) > 0:
        raise NotExamined("the loss of different speakers does not change")
    margin = _line_to_zero(d, loss)
    if margin is None or loss[-1] <= 0.05 * loss.max():
        return None
    return top, (
        f"the greatest distance that embeddings of any size attain is {top:.3g}; "
        "there a "
        f"pair of different speakers still costs {loss[-1]:.3g} of {loss.max():.3g}, "
        "and "
        f"nothing only from {margin:.3g} on"
    )


def _line_to_zero(d, loss):
    """Where a hinge that is never reached would end; None if it is no hinge."""
    d, loss = np.maximum(d, 0), np.maximum(loss, 0)
    if not (np.isfinite(d) & np.isfinite(loss)).all() or np.ptp(d) == 0:
        raise NotExamined("distances or losses are no finite numbers")
    for of_loss in (1.0, 0.5):
        for of_distance in (1.0, 0.5, 2.0):
            x, y = d**of_distance, loss**of_loss
            slope, start = np.polyfit(x, y, 1)
            error = np.abs(start + slope * x - y).max()
            if slope < 0 and error < 2e-3 * np.ptp(y):
                return float((-start / slope) ** (1 / of_distance))
    return None
