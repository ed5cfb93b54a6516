"""What is wrong with a loss, whatever distance it is given.

S1 broadcast labels, S2 a mean inside the loss of a pair, S12 no slope for one label,
S13 weights from predictions, S15 no number, S16 a loss that moves with the batch.
"""

import itertools

import numpy as np

from .. import rows, trace
from ..gradients import gradient
from ..rule import NotExamined, rule

_NOTEBOOK = "05_kl_hinge_loss"


def _varied(case, n, seed):
    """Outputs of n rows that differ widely, as the program could give them."""
    rng = np.random.default_rng(seed)
    pair = case.pair
    if pair.style == "batch":
        if pair.spread < 1e-3:
            raise NotExamined(
                "whatever it is given, the network's outputs hardly differ"
            )
        a, _ = pair.made["far"]
        a = a[: len(a) // 2]  # not the hugest, where little is a number
        picked = a[
            rng.permutation(len(a))[:n] if n <= len(a) else rng.integers(0, len(a), n)
        ]
        return pair.as_rows(picked)
    if pair.has_scores:
        low, high = pair.score_range
        # Half of them spread evenly, half of them near the least, of every size.
        even, small = rng.random(n), 10 ** rng.uniform(-9, 0, n)
        share = np.where(np.arange(n) % 2, even, small)
        return pair.as_outputs(low + (high - low) * share)
    # Not the hugest, where little is a number.
    halves = [(a[: len(a) // 2], b[: len(b) // 2]) for a, b in pair.made.values()]
    a, b = (np.concatenate(each) for each in zip(*halves, strict=True))
    pick = rng.integers(0, len(a), n)
    return pair.outputs_of(a[pick], b[pick])


def _labels(case, n, seed):
    """Labels of n rows, as mixed as a batch's."""
    rng = np.random.default_rng(seed)
    if case.pair.style == "batch":
        y = np.asarray(case.y)
        if case.pair.outputs_are_classes:
            return y[rng.integers(0, len(y), n)]
        ids = np.arange(n) // 2
        if y.ndim == 2 and y.shape[1] > 1:
            raise NotExamined("labels are one-hot rows")
        return case.pair.as_ids(rng.permutation(ids))
    # A third of one kind: with halves, some faults cancel.
    return case.pair.labels[(rng.permutation(n) % 3 == 0).astype(int)]


def _invariant(function, y, count=6):
    """Values of a function of labels, in order and shuffled; whether all are one."""
    rng = np.random.default_rng(1)
    shuffled = [y[rng.permutation(len(y))] for _ in range(count)]
    values = np.asarray([function(labels) for labels in (y, *shuffled)], np.float64)
    if not np.isfinite(values).all():
        raise NotExamined("with made-up outputs it is no finite number")
    return values, bool(np.ptp(values) <= 2e-5 * max(np.abs(values).max(), 1e-12))


@rule(
    "S1",
    "siamese",
    "fatal",
    title="Every label meets every distance, so that the labels cancel out",
    symptom="The loss stalls at once; accuracy stays at 0.5 whatever the network does.",
    cause="Distances of shape (batch,) meet labels of shape (batch, 1): a table of "
    "(batch, batch).",
    fix="give distances and labels one shape, (batch, 1): keepdims=True in the sum",
    notebook=_NOTEBOOK,
)
def s1_broadcast(case):
    """Shuffle the labels: loss and metric have to change.

    The outputs are made up and differ widely, so that it matters which of them has
    which label. Equal means to 2e-5 of the value, the rounding of float32 over a
    batch. A loss that does not depend on how many labels are of each kind, either,
    does not use them, which is another matter.
    """
    pair = case.pair
    n = 24
    y = _labels(case, n, 2)
    out = _varied(case, n, 3)
    examined = False
    try:
        objective = case.objective
        x = pair.inputs(n)
        values, same = _invariant(lambda labels: objective.total(labels, out, x), y)
        examined = True
        moves = _moves(lambda o: objective.total(y, o, x), out)
        if same and moves and _counts(lambda o: objective.total(o, out, x), case, y):
            shape = objective.values(y, out, x).shape
            return np.ptp(values), (
                f"the loss is {values[0]:.6g} and stays {values[1]:.6g} when the "
                "labels "
                f"are shuffled; before it is averaged its shape is {shape} for {n} rows"
            )
    except NotExamined as reason:
        unknown = reason
    if pair.style == "batch":
        if not examined:
            raise unknown
        return None
    for measure in _measures(case):
        try:
            values, same = _invariant(lambda labels, m=measure: m(labels, out), y)
            counts = _counts(lambda labels, m=measure: m(labels, out), case, y)
            examined = True
        except NotExamined:
            continue
        if same and counts and _moves(lambda o, m=measure: m(y, o), out):
            return np.ptp(values), (
                f"the metric {measure.name} is {values[0]:.4g} and stays so when the "
                "labels are shuffled"
            )
    if not examined:
        raise NotExamined("there is neither a loss nor a metric that can be computed")
    return None


def _counts(function, case, y):
    """Whether a function of labels depends on how many are of each kind."""
    if case.pair.style == "batch":
        other = np.repeat(y[:1], len(y), 0)
    else:
        other = np.repeat(case.pair.labels[:1], len(y), 0)
    one, two = function(y), function(other)
    return abs(one - two) > 1e-4 * max(abs(one), abs(two), 1e-12)


def _moves(function, out):
    """Whether a function of outputs depends on them: on those of one row for all."""
    n = rows.count(out)
    values = [function(rows.take(out, np.full(n, k))) for k in range(n)]
    return np.ptp(values) > 1e-4 * max(np.abs(values).max(), 1e-12)


def _measures(case):
    try:
        return case.measures
    except NotExamined:
        return []


@rule(
    "S2",
    "siamese",
    "serious",
    title="A mean stands inside the loss of a pair: each pair is pushed for all",
    symptom="Training stops as soon as different speakers are apart on average, "
    "however "
    "close some of them are.",
    cause="mean(axis=-1) over a value per pair is a mean over the batch.",
    fix="leave the mean out: the loss of a pair is a function of its own distance",
    notebook=_NOTEBOOK,
)
def s2_mean_inside(case):
    """The slope of one pair's loss must not depend on the other pairs' distances.

    One pair is held, the others are put nearer and further apart; its slope has to
    stay the same to 1 % of its greatest value. Of the loss over all pairs of a batch
    it is only asked that far pairs do not shut off a close one: softmax losses rightly
    weigh pairs against each other, but never with exactly 0.
    """
    pair = case.pair
    objective = case.objective
    n = 10
    if pair.style == "batch":
        return _s2_of_batch(case)
    y = pair.labels[(np.arange(n) % 2)]
    x = pair.inputs(n)
    if not _counts(
        lambda labels: objective.total(labels, _varied(case, n, 1), x), case, y
    ):
        raise NotExamined("the loss does not use the labels of the pairs")

    def of_held(out, held, value):
        """Slope with respect to the held pair, among these others."""
        out = out.copy()
        out[held] = value
        slope = gradient(lambda o: objective.tensor(y, o, x), out)[0][held]
        return slope.reshape(-1)

    worst, shown = 0.0, (0.0, 0.0)
    around = _surroundings(case, n)
    if not all(isinstance(out, np.ndarray) for out in around):
        raise NotExamined("the model has several outputs")
    for held in (0, 1):
        for value in [out[held].copy() for out in around]:
            slopes = np.stack([of_held(out, held, value) for out in around])
            size = np.abs(slopes).max()
            if not np.isfinite(slopes).all() or not size > 0:
                continue
            apart = np.ptp(slopes, axis=0).max() / size
            if apart > worst:
                k = np.ptp(slopes, axis=0).argmax()
                worst, shown = apart, (slopes[:, k].min(), slopes[:, k].max())
    if worst <= 0.01:
        return _moved_by_others(objective, y, around, x)
    return worst, (
        f"the slope of one pair's loss runs from {shown[0]:.3g} to {shown[1]:.3g} "
        "while "
        "only the other pairs' distances are exchanged"
    )


def _moved_by_others(objective, y, around, x):
    """Whether the loss of a pair itself moves when another pair does."""
    worst = 0.0
    for near, far in itertools.pairwise(around):
        before = objective.values(y, near, x)
        if before.shape[:1] != (len(y),) or before.size != len(y):
            return None  # one number for all: nobody says whose it is
        moved = near.copy()
        moved[0] = far[0]
        after = objective.values(y, moved, x)
        change = np.abs(after - before).reshape(len(y))
        if np.isfinite(change).all() and change[0] > 0:
            worst = max(worst, float(change[1:].max() / change[0]))
    if worst <= 0.01:
        return None
    return worst, (
        f"when one pair moves, the loss of others moves by up to {worst:.1%} of its own"
    )


def _surroundings(case, n):
    """Outputs of n pairs, all of them near, then further and further apart."""
    pair = case.pair
    if pair.has_scores:
        low, high = pair.score_range
        rng = np.random.default_rng(9)
        return [
            pair.as_outputs(low + share * (high - low) * (0.8 + 0.2 * rng.random(n)))
            for share in (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0)
        ]
    a, b = (e[np.arange(n)] for e in pair.made["far"])
    c, d = (e[24 + np.arange(n)] for e in pair.made["far"])
    ways = [(a, a + share * (b - a)) for share in (0.01, 0.1, 0.4, 1.0)]
    ways += [(c, c + share * (d - c)) for share in (0.4, 1.0)]
    return [pair.outputs_of(p, q.astype(np.float32)) for p, q in ways]


def _s2_of_batch(case):
    pair = case.pair
    close_a, close_b = pair.made["close"]
    far_a, far_b = pair.made["far"]
    ids = pair.as_ids(np.arange(4))
    x = pair.inputs(4)
    tried = 0
    for k in range(0, 24, 3):
        two = [close_a[k], close_b[k]]
        alone = pair.losses(close_a[k : k + 1], close_b[k : k + 1], 0)[0]
        if not alone > 0:
            continue
        for far in (30, 60, -1):
            out = pair.as_rows([*two, far_a[far], far_b[far]])
            slope = gradient(lambda o: case.objective.tensor(ids, o, x), out)[0]
            near = gradient(
                lambda o: case.objective.tensor(
                    ids[:2], o, None if x is None else rows.take(x, slice(2))
                ),
                out[:2],
            )[0]
            if not np.isfinite(slope).all() or not np.abs(near).max() > 0:
                continue
            tried += 1
            if not np.abs(slope[:2]).max() > 0:
                return 0.0, (
                    "two different speakers who are close are not pushed apart (their "
                    "slope is exactly 0) as soon as two others are far apart"
                )
    if not tried:
        raise NotExamined("no two made-up embeddings are within the loss's reach")
    return None


@rule(
    "S12",
    "siamese",
    "fatal",
    title="For one of the two labels the loss does not move with the distance",
    symptom="Different speakers are never pushed apart; everything ends in one place.",
    cause="The label multiplies the distance inside the hinge, margin - y * d, so that "
    "y = 0 takes the distance out.",
    fix="let the label choose the branch: y * d + (1 - y) * relu(margin - d)",
    notebook=_NOTEBOOK,
)
def s12_no_slope(case):
    """Move a pair from equal to as far apart as it can be: both losses have to change.

    A change below 1e-5 of the loss itself is rounding.
    """
    pair = case.pair
    a, b = pair.embeddings
    n = min(16, len(a))
    first = np.concatenate([a[:n], a[:n], *(m[0][:48:2] for m in pair.made.values())])
    second = np.concatenate([a[:n], b[:n], *(m[1][:48:2] for m in pair.made.values())])
    spans, sizes = [], []
    for label in (0, 1):
        losses = pair.losses(first, second, label)
        losses = losses[np.isfinite(losses)]
        if len(losses) < 8:
            raise NotExamined("the loss of made-up embeddings is no number")
        spans.append(float(np.ptp(losses)))
        sizes.append(float(np.abs(losses).max()))
    if pair.style == "batch" and _flat(spans, sizes) is not None:
        # Two rows may be too few for a loss of many; two speakers of two rows are not.
        spans = [_span_of_clusters(case, apart) for apart in (True, False)]
    if max(spans) <= 0:
        raise NotExamined("the loss depends on no distance")
    flat = _flat(spans, sizes)
    if flat is None:
        return None
    what = (
        ("different speakers", "one speaker")[flat]
        if pair.style == "batch"
        else (f"pairs of label {pair.labels[flat].reshape(-1)[-1]:g}")
    )
    return spans[flat], (
        f"over all distances the loss of {what} moves by {spans[flat]:.2g}, that of "
        "the "
        f"others by {spans[1 - flat]:.3g}"
    )


def _flat(spans, sizes):
    """Which of two losses does not move, but for rounding; None if both do."""
    for k in (0, 1):
        if spans[k] <= 1e-5 * sizes[k] and spans[1 - k] > spans[k]:
            return k
    return None


def _span_of_clusters(case, apart):
    """How the loss of four rows moves, two of each of two speakers.

    While the speakers are drawn apart, or, with `apart` False, the rows of one of them.
    """
    pair = case.pair
    ids = pair.as_ids([0, 0, 1, 1])
    x = pair.inputs(4)
    third = pair.made["far"][0][-1]
    values = []
    for name in ("close", "far", "opposite"):
        a, b = pair.made[name]
        for k in range(0, 48, 4):
            four = [a[k], a[k], b[k], b[k]] if apart else [a[k], b[k], third, third]
            values.append(case.objective.total(ids, pair.as_rows(four), x))
    finite = [value for value in values if np.isfinite(value)]
    return float(np.ptp(finite)) if finite else 0.0


@rule(
    "S13",
    "siamese",
    "fatal",
    title="The loss is not least where it should be: predictions weigh it",
    symptom="The loss falls, even below 0, and speakers are no easier to tell apart.",
    cause="(1 - y_pred) * hinge, where (1 - y_true) was meant.",
    fix="weigh the two branches with the labels, never with the predictions",
    notebook=_NOTEBOOK,
)
def s13_weighted_by_predictions(case):
    """The loss of one speaker must rise with the distance, that of two must fall.

    On a fine scale of distances. A dip or a bump of less than 2 % of the whole range is
    let pass; so is a loss of different speakers that rises again where it has a target
    (a squared error), as long as it is never below 0.
    """
    pair = case.pair
    d, same, different = pair.curve
    try:
        top = min(float(d.max()), 4 * pair.margin)
    except NotExamined:
        top = float(d.max())
    if pair.has_scores and pair.scores(*pair.embeddings).shape[1] == 1:
        low = max(float(d.min()), 0.0)
        if not top > low:
            raise NotExamined("the distances are all one")
        d = low + (top - low) * np.unique(
            np.concatenate([np.linspace(0, 1, 49), np.geomspace(1e-4, 1, 24)])
        )
        near = pair.near_label
        same = pair.losses_of_scores(d, near)
        different = pair.losses_of_scores(d, 1 - near)
    else:
        within = d <= top
        d, same, different = d[within], same[within], different[within]
    span = np.ptp(different)
    if not span > 0 or not np.isfinite(span):
        raise NotExamined("the loss does not change with the distance")
    # How far each curve goes the wrong way, from its best point so far.
    falls = float(np.max(np.maximum.accumulate(same) - same))
    rises = float(np.max(different - np.minimum.accumulate(different)))
    least = np.flatnonzero(different <= different.min() + 1e-6 * span)[-1]
    bump = float(different[: least + 1].max() - different[0])
    if falls > 0.02 * np.ptp(same):
        k = int(np.argmax(np.maximum.accumulate(same) - same))
        return falls, (
            f"the loss of one speaker falls by {falls:.3g} towards a distance of "
            f"{d[k]:.3g}, where it should rise"
        )
    if bump > 0.02 * span:
        k = int(np.argmax(different[: least + 1]))
        return bump, (
            f"the loss of different speakers rises by {bump:.3g} from equal "
            "embeddings to "
            f"a distance of {d[k]:.3g}, where it should fall"
        )
    if rises > 0.02 * span and different.min() < -0.02 * span:
        return rises, (
            f"the loss of different speakers is least, {different.min():.3g}, at a "
            f"distance of {d[int(np.argmin(different))]:.3g}, and rises by {rises:.3g} "
            "from there"
        )
    return None


@rule(
    "S15",
    "siamese",
    "fatal",
    title="The loss or its slope is no number where two embeddings are equal or "
    "extreme",
    symptom="NaN after some steps, often after hours.",
    cause="The root of 0, the logarithm of 0, an epsilon that float32 rounds away.",
    fix="work with log-softmax, put the epsilon inside the root, never below 1e-7",
    notebook=_NOTEBOOK,
)
def s15_no_number(case):
    """Equal embeddings, and extreme ones that the network can give.

    Equal recordings happen. The extreme ones are made by noise at the last layer, of 10
    times the size that it has on the batch. There is no threshold: a number is finite
    or it is not.
    """
    pair = case.pair
    a, b = pair.embeddings
    if pair.style == "batch" and pair.outputs_are_classes:
        loss = case.objective.total(case.y, case.output, case.x)
        if np.isfinite(loss):
            return None
        return loss, f"the loss of the batch is {loss}"
    if not np.isfinite(a).all() or not np.isfinite(b).all():
        bad = np.mean(~np.isfinite(np.concatenate([a, b])))
        return (
            bad,
            f"{bad:.0%} of the embeddings' coordinates of the batch are no number",
        )
    n = min(16, len(a))
    far_a, far_b = pair.made["far"]
    same_a, _ = pair.made["close"]
    probes = {
        "the pairs of the batch": (a[:n], b[:n]),
        "equal embeddings": (a[:n], a[:n]),
        "equal embeddings of great size": (same_a[24:48:3], same_a[24:48:3]),
        "embeddings of great size": (far_a[24:48:2], far_b[24:48:2]),
    }
    for name, (first, second) in probes.items():
        if not np.isfinite(first).all() or not np.isfinite(second).all():
            share = float(np.mean(~np.isfinite(first)))
            return share, f"the network's last layers give no number for {name}"
        if pair.style == "batch":
            value = np.atleast_1d(trace.arrays(pair.pulled(first, second)))
        else:
            value = np.concatenate(
                [
                    each.reshape(-1)
                    for each in rows.flat((pair.outputs_of(first, second),))
                ]
            )
        slopes = np.concatenate([p.reshape(-1) for p in pair.slopes(first, second)])
        share = float(np.mean(~np.isfinite(slopes)))
        if not np.isfinite(value).all():
            share = float(np.mean(~np.isfinite(value)))
            return share, f"{share:.0%} of the values for {name} are no number"
        if share:
            return share, f"{share:.0%} of the slopes for {name} are no number"
    return _at_the_ends(pair)


def _at_the_ends(pair):
    """The loss of the greatest and of the least scores, and its slope there."""
    if pair.style == "batch" or not pair.has_scores:
        return None
    ends = np.repeat(pair.score_range, 2)
    out = pair.as_outputs(ends)
    y = pair.labels[[0, 1, 0, 1]]
    objective = pair.case.objective
    x = pair.inputs(4)
    values = objective.values(y, out, x)
    slopes = gradient(lambda o: objective.tensor(y, o, x), out)[0]
    share = float(np.mean(~np.isfinite(slopes)))
    if np.isfinite(values).all() and not share:
        return None
    return share, (
        f"the loss of scores from {ends[0]:.3g} to {ends[-1]:.3g} is {values.ravel()}, "
        f"{share:.0%} of its slopes are no number"
    )


@rule(
    "S16",
    "siamese",
    "serious",
    title="The loss grows with the batch",
    symptom="Another batch size wants another learning rate; losses cannot be "
    "compared.",
    cause="A sum, or a division by a number that was the batch size once.",
    fix="divide by the number of pairs that there are",
    notebook=_NOTEBOOK,
)
def s16_batch_size(case):
    """The same rows twice, four and eight times over: a mean stays, a sum doubles.

    A loss that weighs all pairs of a batch against each other grows with its
    logarithm, by 0.7 nats each time, and less and less of itself. So both steps have to
    grow by 1.7 or more, or to shrink by 0.6 or less.
    """
    pair, objective = case.pair, case.objective
    n = 12
    y, out = _labels(case, n, 4), _varied(case, n, 5)
    x = pair.inputs(n)

    def cost(times):
        """Loss of the rows, so many times over."""
        many = np.concatenate([np.arange(n)] * times)
        inputs = None if x is None else rows.take(x, many)
        return objective.total(rows.take(y, many), rows.take(out, many), inputs)

    two, four, eight = cost(2), cost(4), cost(8)
    if not np.isfinite([two, four, eight]).all() or 0 in (two, four):
        raise NotExamined("with made-up outputs the loss is 0 or no number")
    steps = four / two, eight / four
    if min(steps) < 1.7 and not 0 < max(steps) < 0.6:
        return None
    ratio = steps[1]
    return ratio, f"the same rows twice over cost {ratio:.3g} times as much"
