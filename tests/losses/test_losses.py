import keras
import numpy as np
import pytest
from gradients import value_and_gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import errors, losses

PAIR_LOSSES = [
    losses.KLHinge(margin=2.0),
    losses.KLHinge(margin=2.0, weighting="pairs"),
    losses.KLHinge(margin=2.0, from_logits=True),
    losses.Contrastive(margin=1.5),
    losses.Contrastive(margin=1.5, weighting="pairs"),
]
OTHER_LOSSES = [
    losses.SupervisedContrastive(temperature=0.5),
    losses.GE2E(scale=5.0),
    losses.Triplet(margin=0.4),
    losses.AAMSoftmax(margin=0.3, scale=8.0),
]
BATCH_LOSSES = PAIR_LOSSES + OTHER_LOSSES
DISTANCE_LOSSES = [losses.DistanceHinge(2.0), losses.DistanceContrastive(1.5)]


# Speaker ids; two lengths, because JAX compiles each operation for each length.
IDS = [st.lists(st.integers(0, 2), min_size=n, max_size=n) for n in (2, 7)]


def each(all_losses):
    return pytest.mark.parametrize("loss", all_losses, ids=type)


def outputs_for(loss, rng, n, units=5):
    """Distributions, cosines, distances or any outputs, as the loss expects."""
    if isinstance(loss, losses.AAMSoftmax):
        outputs = rng.uniform(-0.9, 0.9, size=(n, units))
    elif isinstance(loss, losses.KLHinge) and not loss.from_logits:
        outputs = rng.dirichlet(np.ones(units), size=n)
    elif loss in DISTANCE_LOSSES:
        outputs = rng.uniform(0, 4, size=(n, 2))
    else:
        outputs = rng.normal(size=(n, units))
    return outputs.astype(np.float32)


def labels_for(loss):
    """Twelve labels: same or different speakers for distances, else speaker ids."""
    return np.arange(12) % 2 if loss in DISTANCE_LOSSES else np.arange(12) // 3


def cost_of_one_pair(loss, a, b, same):
    """Sum of both directions."""
    if isinstance(loss, losses.Contrastive):
        return losses.contrastive(a, b, same, loss.margin)
    if loss.from_logits:
        a, b = keras.ops.softmax(a), keras.ops.softmax(b)
    return losses.kl_hinge(a, b, same, loss.margin)


def loop_over_pairs(loss, ids, outputs):
    """All pairs one after the other, weighted as the docstring says."""
    same_costs, different_costs = [], []
    for i in range(len(ids)):
        for j in range(i + 1, len(ids)):
            same = bool(ids[i] == ids[j])
            cost = cost_of_one_pair(loss, outputs[i], outputs[j], same)
            (same_costs if same else different_costs).append(cost)
    if loss.weighting == "pairs":
        costs = same_costs + different_costs
        return sum(costs) / len(costs)
    # Each pair's cost adds two directions: half of it is the mean direction.
    kinds = (same_costs, different_costs)
    return sum(sum(costs) / (2 * len(costs)) for costs in kinds if costs)


@settings(deadline=None, max_examples=8)
@given(st.one_of(IDS), st.integers(0, 99))
@each(PAIR_LOSSES)
def test_a_loss_of_pairs_and_its_gradient_equal_the_slow_loop(loss, ids, seed):
    outputs = outputs_for(loss, np.random.default_rng(seed), len(ids))
    fast = value_and_gradient(lambda y: loss(np.array(ids), y), outputs)
    slow = value_and_gradient(lambda y: loop_over_pairs(loss, ids, y), outputs)
    assert fast[0] == pytest.approx(slow[0], rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-4, atol=1e-5)


def unit_rows(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def slow_supervised_contrastive(ids, outputs, temperature=0.5):
    """A cost for each row that has another row of its speaker."""
    score = unit_rows(outputs) @ unit_rows(outputs).T / temperature
    for i in range(len(ids)):
        others = [j for j in range(len(ids)) if j != i]
        positives = [j for j in others if ids[j] == ids[i]]
        if positives:
            log_sum = np.log(np.sum(np.exp(score[i, others])))
            yield -np.mean([score[i, j] - log_sum for j in positives])


def slow_ge2e(ids, outputs, scale=5.0):
    """A cost for each row, whose own centroid is computed without it."""
    unit = unit_rows(outputs)
    for i in range(len(ids)):
        others = (ids == ids[i]) & (np.arange(len(ids)) != i)
        if not others.any():
            continue
        centroids = {s: unit[ids == s].mean(axis=0) for s in set(ids.tolist())}
        centroids[ids[i]] = unit[others].mean(axis=0)
        scores = {s: scale * unit[i] @ unit_rows(c) for s, c in centroids.items()}
        yield np.log(sum(map(np.exp, scores.values()))) - scores[ids[i]]


def slow_triplet(ids, outputs, margin=0.4):
    """Each positive pair with the nearest negative that is farther, or the farthest."""
    unit = unit_rows(outputs)
    for a in range(len(ids)):
        d = np.sum(np.square(unit - unit[a]), axis=1)
        negatives = d[ids != ids[a]]
        for p in range(len(ids)):
            if p == a or ids[p] != ids[a] or not len(negatives):
                continue
            farther = negatives[negatives > d[p]]
            negative = min(farther) if len(farther) else max(negatives)
            yield max(margin + d[p] - negative, 0)


def slow_aam_softmax(ids, cosines, margin=0.3, scale=8.0):
    """Cross entropy, after the margin is added to the angle of the right speaker."""
    for speaker, row in zip(ids, cosines.astype(float), strict=True):
        row[speaker] = np.cos(np.arccos(row[speaker]) + margin)
        yield np.log(np.sum(np.exp(scale * row))) - scale * row[speaker]


SLOW = [slow_supervised_contrastive, slow_ge2e, slow_triplet, slow_aam_softmax]


# Always the same draws: a finite difference across the corner of a hinge is wrong.
@settings(deadline=None, max_examples=12, derandomize=True)
@given(st.one_of(IDS), st.integers(0, 99))
@pytest.mark.parametrize(("loss", "slow"), [*zip(OTHER_LOSSES, SLOW, strict=True)])
def test_a_loss_and_its_gradient_equal_the_slow_loop(loss, slow, ids, seed):
    ids, rng = np.array(ids), np.random.default_rng(seed)
    outputs = outputs_for(loss, rng, len(ids))
    step = 1e-6 * rng.normal(size=outputs.shape)
    points = (outputs, outputs + step, outputs - step)
    costs = [list(slow(ids, x.astype(float))) for x in points]
    expected, higher, lower = (np.mean(c) if c else 0.0 for c in costs)
    value, gradient = value_and_gradient(lambda y: loss(ids, y), outputs)
    assert value == pytest.approx(expected, rel=1e-4, abs=1e-4)
    change = np.sum(2 * step * gradient)
    assert change == pytest.approx(higher - lower, rel=1e-3, abs=1e-9)


def test_kl_hinge_penalizes_both_directions():
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    kl_pq, kl_qp = 0.143841, 0.130812
    same, different = (float(losses.kl_hinge(p, q, s, margin=0.2)) for s in (1, 0))
    assert same == pytest.approx(kl_pq + kl_qp, abs=1e-5)
    assert different == pytest.approx((0.2 - kl_pq) + (0.2 - kl_qp), abs=1e-5)


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        # Pairs cost 1/2 0.5^2 (same), 0 (1.5 + 0.25 apart), 1/2 0.25^2: a third.
        ("pairs", (0.125 + 0.0 + 0.03125) / 3),
        # Half a pair's cost for each direction, each kind by its own mean.
        ("balanced", 0.125 / 2 + (0.0 + 0.03125) / 4),
    ],
)
def test_a_contrastive_batch_worked_out_by_hand(weighting, expected):
    outputs = np.array([[0.0], [0.5], [2.0]], np.float32)
    loss = losses.Contrastive(margin=1.75, weighting=weighting)
    assert float(loss(np.array([0, 0, 1]), outputs)) == pytest.approx(expected)


def test_the_angle_of_aam_softmax_has_a_finite_gradient_at_its_ends():
    cosines = np.array([[1.0, -1.0], [-1.0, 1.0]], np.float32)
    loss = losses.AAMSoftmax()
    _, gradient = value_and_gradient(lambda y: loss(np.array([0, 0]), y), cosines)
    assert np.isfinite(gradient).all()


@each(BATCH_LOSSES)
def test_speaker_ids_may_be_large_and_stand_in_a_column(loss, rng):
    ids, outputs = labels_for(loss), outputs_for(loss, rng, 12)
    # AAM-softmax numbers the speakers of the training set from 0.
    offset = 0 if isinstance(loss, losses.AAMSoftmax) else 2**24 - 4
    assert float(loss(ids[:, None] + offset, outputs)) == float(loss(ids, outputs))


@each(BATCH_LOSSES)
@pytest.mark.parametrize("ids", [[0, 1, 2], [4, 4, 4], [3]])
def test_a_batch_without_one_kind_of_pair_is_finite(loss, rng, ids):
    outputs = outputs_for(loss, rng, len(ids))
    value, gradient = value_and_gradient(lambda y: loss(np.array(ids), y), outputs)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@each(BATCH_LOSSES + DISTANCE_LOSSES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_outputs_of_half_precision_are_computed_in_float32(loss, dtype, rng):
    labels = labels_for(loss)
    outputs = keras.ops.cast(outputs_for(loss, rng, 12), dtype)
    found = loss(labels, outputs)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    expected = float(loss(labels, keras.ops.cast(outputs, "float32")))
    assert float(found) == pytest.approx(expected, rel=1e-5)


@each([losses.KLHinge(from_logits=True), losses.Contrastive(), losses.Triplet()])
def test_large_outputs_of_half_precision_do_not_overflow(loss, rng):
    outputs = keras.ops.cast(rng.uniform(-3e4, 3e4, size=(12, 5)), "float16")
    assert np.isfinite(float(loss(labels_for(loss), outputs)))


@each(BATCH_LOSSES + DISTANCE_LOSSES)
def test_a_loss_survives_saving(loss, rng):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    labels, outputs = labels_for(loss), outputs_for(loss, rng, 12)
    assert float(again(labels, outputs)) == float(loss(labels, outputs))


@each(DISTANCE_LOSSES)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("shape", [(9,), (9, 1)])
def test_a_loss_of_distances_equals_its_slow_loop(loss, directions, shape, rng):
    def cost(d, same):
        too_close = max(loss.margin - d, 0)
        if isinstance(loss, losses.DistanceHinge):
            return d if same else too_close
        return 0.5 * (d**2 if same else too_close**2)

    d, same = rng.uniform(0, 4, size=(9, directions)), rng.integers(2, size=9)
    costs = [sum(cost(x, s) for x in row) for row, s in zip(d, same, strict=True)]
    found = float(loss(same.reshape(shape), d))
    assert found == pytest.approx(np.mean(costs), rel=1e-5)


OUT_OF_RANGE = {
    r"positive; got -1.0. .* nats; try 3": lambda: losses.KLHinge(margin=-1.0),
    r"positive; got 0. .*; try 1": lambda: losses.Contrastive(margin=0),
    "balanced, pairs; got 'mean'": lambda: losses.KLHinge(weighting="mean"),
    "positive; got 0. Try 0.1": lambda: losses.SupervisedContrastive(0),
    "positive; got -1. Try 10": lambda: losses.GE2E(-1),
    "positive; got 0.*try 0.2": lambda: losses.Triplet(0),
    "1.5 radians; got 2.0. Try 0.2": lambda: losses.AAMSoftmax(2.0),
    "positive; got 0.*try 3": lambda: losses.DistanceHinge(0),
    "positive; got -1.*try 1": lambda: losses.DistanceContrastive(-1),
}


@pytest.mark.parametrize(("message", "make"), OUT_OF_RANGE.items())
def test_settings_out_of_range_raise(make, message):
    with pytest.raises(errors.ArgumentError, match=message):
        make()


@each(BATCH_LOSSES)
@pytest.mark.parametrize(
    ("ids", "shape"),
    [
        ((1,), (2, 4)),  # it would broadcast
        ((2, 4), (2, 4)),  # one-hot
        ((2,), (2, 3, 4)),
        ((2,), (2,)),
    ],
)
def test_outputs_need_one_speaker_id_for_each_row(loss, ids, shape):
    message = r"one speaker id per row.*got outputs of shape \(2,.*ids of shape"
    with pytest.raises(errors.ArgumentError, match=message):
        loss(np.zeros(ids), np.full(shape, 0.25, np.float32))


@each(DISTANCE_LOSSES)
@pytest.mark.parametrize(("n", "shape"), [(3, (2, 1)), (2, (2,)), (2, (2, 8))])
def test_distances_need_one_label_for_each_pair(loss, n, shape):
    with pytest.raises(errors.ArgumentError, match=r"distances of shape .* labels of"):
        loss(np.zeros(n), np.zeros(shape, np.float32))
