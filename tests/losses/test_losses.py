import keras
import numpy as np
import pytest
from gradients import value_and_gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import errors, layers, losses

LOSSES = [
    losses.KLHinge(margin=2.0),
    losses.KLHinge(margin=2.0, weighting="pairs"),
    losses.KLHinge(margin=2.0, from_logits=True),
    losses.Contrastive(margin=1.5),
    losses.Contrastive(margin=1.5, weighting="pairs"),
    losses.SupervisedContrastive(temperature=0.5),
    losses.GE2E(scale=5.0),
    losses.Triplet(margin=0.4),
    losses.AAMSoftmax(margin=0.3, scale=8.0),
]
PAIRED = LOSSES[:5]


def outputs_for(loss, rng, n, units=5):
    """Something that the loss takes: distributions, cosines, or anything."""
    if isinstance(loss, losses.AAMSoftmax):
        return rng.uniform(-0.9, 0.9, size=(n, units)).astype(np.float32)
    if isinstance(loss, losses.KLHinge) and not loss.from_logits:
        return rng.dirichlet(np.ones(units), size=n).astype(np.float32)
    return rng.normal(size=(n, units)).astype(np.float32)


def of_one_pair(loss, a, b, same):
    """The plain function for one pair, whose two directions count together."""
    if isinstance(loss, losses.Contrastive):
        return losses.contrastive(a, b, same, loss.margin)
    if loss.from_logits:
        a, b = keras.ops.softmax(a), keras.ops.softmax(b)
    return losses.kl_hinge(a, b, same, loss.margin)


def by_looping(loss, ids, outputs):
    """All pairs one after the other, weighted as the docstring says."""
    together, apart = [], []
    for i in range(len(ids)):
        for j in range(i + 1, len(ids)):
            same = bool(ids[i] == ids[j])
            cost = of_one_pair(loss, outputs[i], outputs[j], same)
            (together if same else apart).append(cost)
    if loss.weighting == "pairs":
        return sum([*together, *apart]) / (len(together) + len(apart))
    # Each pair's cost adds two directions: half of it is the mean direction.
    means = [sum(kind) / (2 * len(kind)) for kind in (together, apart) if kind]
    return sum(means)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=7), st.integers(0, 99))
@pytest.mark.parametrize("loss", PAIRED, ids=lambda x: f"{x.name}-{x.weighting}")
def test_all_pairs_at_once_are_the_loop_gradient_included(loss, ids, seed):
    outputs = outputs_for(loss, np.random.default_rng(seed), len(ids))
    fast = value_and_gradient(lambda y: loss(np.array(ids), y), outputs)
    slow = value_and_gradient(lambda y: by_looping(loss, ids, y), outputs)
    assert fast[0] == pytest.approx(slow[0], rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(0, 2), min_size=2, max_size=8), st.integers(0, 99))
def test_supervised_contrastive_is_the_formula(ids, seed):
    outputs = np.random.default_rng(seed).normal(size=(len(ids), 4))
    unit = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    score = unit @ unit.T / 0.5
    anchors = []
    for i in range(len(ids)):
        others = [a for a in range(len(ids)) if a != i]
        positives = [p for p in others if ids[p] == ids[i]]
        if positives:
            log_sum = np.log(np.sum(np.exp(score[i, others])))
            anchors.append(-np.mean([score[i, p] - log_sum for p in positives]))
    expected = np.mean(anchors) if anchors else 0.0
    found = losses.SupervisedContrastive(temperature=0.5)(np.array(ids), outputs)
    assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_pair_worked_out_by_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    there, back = 0.143841, 0.130812
    assert float(losses.kl_hinge(p, q, True)) == pytest.approx(there + back, abs=1e-5)
    apart = (0.2 - there) + (0.2 - back)
    assert float(losses.kl_hinge(p, q, False, margin=0.2)) == pytest.approx(
        apart, abs=1e-5
    )


def test_kl_hinge_pushes_both_directions():
    p = np.array([[0.9, 0.1], [0.5, 0.5]], np.float32)
    _, gradient = value_and_gradient(
        lambda y: losses.KLHinge(margin=5.0)(np.array([0, 1]), y), p
    )
    assert (np.abs(gradient) > 1e-3).all()


def test_different_speakers_beyond_the_margin_are_left_alone():
    far = np.array([[0.999, 0.001], [0.001, 0.999]], np.float32)
    value, gradient = value_and_gradient(
        lambda y: losses.KLHinge(margin=3.0)(np.array([0, 1]), y), far
    )
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_the_order_of_rows_does_not_matter(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12)
    order = rng.permutation(12)
    expected = float(loss(ids, outputs))
    assert float(loss(ids[order], outputs[order])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_the_speakers_do_matter(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12)
    assert abs(float(loss(ids, outputs)) - float(loss(rng.permutation(ids), outputs)))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_speaker_ids_may_stand_in_a_column(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12)
    assert float(loss(ids[:, None], outputs)) == float(loss(ids, outputs))


# AAM-softmax numbers the speakers of the training set from 0.
UNNUMBERED = [loss for loss in LOSSES if not isinstance(loss, losses.AAMSoftmax)]


@pytest.mark.parametrize("loss", UNNUMBERED, ids=lambda x: x.name)
def test_large_speaker_ids_are_told_apart(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12)
    assert float(loss(ids + 2**24 - 4, outputs)) == float(loss(ids, outputs))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
@pytest.mark.parametrize("ids", [[0, 1, 2], [4, 4, 4], [3]])
def test_a_batch_without_one_kind_of_pair_is_finite(loss, rng, ids):
    value, gradient = value_and_gradient(
        lambda y: loss(np.array(ids), y), outputs_for(loss, rng, len(ids))
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_outputs_of_half_precision_are_computed_in_float32(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12).astype(np.float16)
    found = loss(ids, keras.ops.convert_to_tensor(outputs))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    expected = float(loss(ids, outputs.astype(np.float32)))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_larger_margin_costs_more(rng):
    ids, outputs = np.arange(12) // 3, rng.dirichlet(np.ones(5), size=12)
    costs = [float(losses.KLHinge(margin=m)(ids, outputs)) for m in (0.5, 1, 2, 4)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_twice_the_segments_cost_the_same_per_pair_of_speakers(rng):
    # The mean over different pairs does not move with the size of the batch.
    ids, outputs = np.arange(6), rng.dirichlet(np.ones(5), size=6)
    once = float(losses.KLHinge()(ids, outputs))
    twice = losses.KLHinge()(np.tile(ids, 2), np.tile(outputs, (2, 1)))
    assert float(twice) == pytest.approx(once, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_a_loss_survives_saving(loss, rng):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12)
    assert float(again(ids, outputs)) == float(loss(ids, outputs))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: losses.KLHinge(margin=-1.0), r"positive; got -1.0. .* nats; try 3"),
        (lambda: losses.Contrastive(margin=0), r"positive; got 0. .*; try 1"),
        (lambda: losses.KLHinge(weighting="mean"), "balanced, pairs; got 'mean'"),
        (lambda: losses.SupervisedContrastive(0), "positive; got 0. Try 0.1"),
        (lambda: losses.GE2E(-1), "positive; got -1. Try 10"),
        (lambda: losses.Triplet(0), "positive; got 0.*try 0.2"),
        (lambda: losses.AAMSoftmax(2.0), "margin=2.0, scale=30.0. Try 0.2 and 30"),
        (lambda: losses.DistanceHinge(0), "positive; got 0.*try 3"),
        (lambda: losses.DistanceContrastive(-1), "positive; got -1.*try 1"),
    ],
)
def test_values_out_of_range_are_named(make, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        make()


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


def test_a_supervised_contrastive_batch_worked_out_by_hand():
    outputs = np.array([[1, 0], [3, 0], [0, 1]], np.float32)
    # Each of the two chooses the other with e / (e + 1); the third has nobody.
    found = losses.SupervisedContrastive(1.0)(np.array([0, 0, 1]), outputs)
    assert float(found) == pytest.approx(np.log(1 + np.exp(-1)), rel=1e-5)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="small steps want float64, which only TensorFlow has unasked",
)
def test_the_gradient_of_supervised_contrastive_is_that_of_small_steps(rng):
    ids, outputs = np.array([0, 0, 1, 1, 1, 2]), rng.normal(size=(6, 3))
    loss = losses.SupervisedContrastive(0.5, dtype="float64")
    _, gradient = value_and_gradient(lambda y: loss(ids, y), outputs)
    for place in np.ndindex(outputs.shape):
        step = np.zeros_like(outputs)
        step[place] = 1e-5
        change = float(loss(ids, outputs + step)) - float(loss(ids, outputs - step))
        assert gradient[place] == pytest.approx(change / 2e-5, abs=1e-6)


@pytest.mark.parametrize("weighting", ["balanced", "pairs"])
def test_one_pair_does_not_move_another(weighting):
    # Two of one speaker, and two others who are beyond the margin of everybody.
    outputs = np.array([[0.0], [0.5], [10.0], [20.0]], np.float32)
    loss = losses.Contrastive(margin=1.0, weighting=weighting)
    _, gradient = value_and_gradient(lambda y: loss(np.array([0, 0, 1, 2]), y), outputs)
    assert (np.abs(gradient[:2]) > 1e-3).all()
    np.testing.assert_array_equal(gradient[2:], 0)


@pytest.mark.parametrize(
    "loss",
    [
        losses.KLHinge(margin=2.0, weighting="pairs"),
        losses.Contrastive(margin=1.5, weighting="pairs"),
    ],
    ids=lambda x: x.name,
)
def test_the_divisor_is_the_number_of_pairs_there_are(loss, rng):
    # Each row once more: four times the cost, and the pairs of a row with its
    # double cost nothing. So the mean changes as the number of pairs does.
    n = 7
    ids, outputs = np.arange(n) // 3, outputs_for(loss, rng, n)
    once = float(loss(ids, outputs))
    twice = float(loss(np.tile(ids, 2), np.tile(outputs, (2, 1))))
    pairs, more_pairs = n * (n - 1) / 2, 2 * n * (2 * n - 1) / 2
    assert twice == pytest.approx(once * 4 * pairs / more_pairs, rel=1e-4)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
@pytest.mark.parametrize(
    ("ids", "shape"),
    [
        ((3,), (2, 4)),
        ((1,), (2, 4)),  # it would broadcast
        ((2, 4), (2, 4)),  # one-hot
        ((2,), (2, 3, 4)),
        ((2,), (2,)),
    ],
)
def test_ids_and_outputs_that_do_not_belong_together_are_named(loss, ids, shape):
    sentence = r"one speaker id for each row.*got outputs of shape \(2,.*ids of shape"
    with pytest.raises(errors.ArgumentError, match=sentence):
        loss(np.zeros(ids), np.full(shape, 0.25, np.float32))


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(0, 2), min_size=2, max_size=8), st.integers(0, 99))
def test_ge2e_is_the_formula(ids, seed):
    outputs = np.random.default_rng(seed).normal(size=(len(ids), 4))
    unit = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    ids = np.array(ids)

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    costs = []
    for i in range(len(ids)):
        others = (ids == ids[i]) & (np.arange(len(ids)) != i)
        if not others.any():
            continue
        scores = {
            speaker: 5.0 * cosine(unit[i], unit[ids == speaker].mean(axis=0))
            for speaker in set(ids.tolist())
        }
        scores[ids[i]] = 5.0 * cosine(unit[i], unit[others].mean(axis=0))
        costs.append(np.log(sum(map(np.exp, scores.values()))) - scores[ids[i]])
    found = losses.GE2E(scale=5.0)(ids, outputs)
    assert float(found) == pytest.approx(np.mean(costs) if costs else 0.0, abs=1e-4)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(0, 2), min_size=2, max_size=8), st.integers(0, 99))
def test_triplets_take_the_nearest_negative_beyond_the_positive(ids, seed):
    outputs = np.random.default_rng(seed).normal(size=(len(ids), 4))
    unit = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    costs = []
    for a in range(len(ids)):
        d = np.sum(np.square(unit - unit[a]), axis=1)
        negatives = [d[n] for n in range(len(ids)) if ids[n] != ids[a]]
        for p in range(len(ids)):
            if p == a or ids[p] != ids[a] or not negatives:
                continue
            beyond = [x for x in negatives if x > d[p]]
            costs.append(max(0.4 + d[p] - (min(beyond or [max(negatives)])), 0))
    found = losses.Triplet(margin=0.4)(np.array(ids), outputs)
    assert float(found) == pytest.approx(np.mean(costs) if costs else 0.0, abs=1e-4)


def test_aam_softmax_is_the_formula(rng):
    ids, cosines = np.array([0, 4, 4, 2]), rng.uniform(-0.9, 0.9, size=(4, 5))
    scores = cosines.copy()
    for row, speaker in enumerate(ids):
        scores[row, speaker] = np.cos(np.arccos(cosines[row, speaker]) + 0.3)
    log_p = 8.0 * scores - np.log(np.exp(8.0 * scores).sum(axis=1, keepdims=True))
    expected = -np.mean(log_p[np.arange(4), ids])
    found = losses.AAMSoftmax(margin=0.3, scale=8.0)(ids, cosines)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_without_a_margin_aam_softmax_is_cross_entropy_of_cosines(rng):
    ids, cosines = np.array([0, 4, 4, 2]), rng.uniform(-0.9, 0.9, size=(4, 5))
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(
        ids, 8.0 * cosines
    )
    found = losses.AAMSoftmax(margin=0.0, scale=8.0)(ids, cosines)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_the_angle_has_a_gradient_at_its_ends():
    cosines = np.array([[1.0, -1.0], [-1.0, 1.0]], np.float32)
    _, gradient = value_and_gradient(
        lambda y: losses.AAMSoftmax()(np.array([0, 0]), y), cosines
    )
    assert np.isfinite(gradient).all()


DISTANCE_LOSSES = [losses.DistanceHinge(2.0), losses.DistanceContrastive(1.5)]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("column", [False, True])
def test_the_hinge_of_distances_is_the_formula_of_one_pair(rng, directions, column):
    d, same = rng.uniform(0, 4, size=(9, directions)), rng.integers(2, size=9)
    expected = [
        sum(x if s else max(2.0 - x, 0) for x in row)
        for row, s in zip(d, same, strict=True)
    ]
    loss = losses.DistanceHinge(2.0, reduction=None)
    found = loss(same[:, None] if column else same, d)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_distances_of_twins_cost_what_their_outputs_do(rng):
    p, q = (rng.dirichlet(np.ones(5), size=9) for _ in range(2))
    same = rng.integers(2, size=9)
    d = np.asarray(layers.Distance("kl")([p, q]))
    np.testing.assert_allclose(
        losses.DistanceHinge(2.0, reduction=None)(same, d),
        losses.kl_hinge(p, q, same, 2.0),
        rtol=1e-4,
    )
    d = np.asarray(layers.Distance("euclidean")([p, q]))
    np.testing.assert_allclose(
        losses.DistanceContrastive(1.5, reduction=None)(same, d),
        losses.contrastive(p, q, same, 1.5),
        rtol=1e-4,
    )


@pytest.mark.parametrize("loss", DISTANCE_LOSSES, ids=lambda x: x.name)
def test_one_distance_does_not_move_another_pair(loss, rng):
    each = type(loss)(loss.margin, reduction=None)
    _, gradient = value_and_gradient(
        lambda d: each(np.array([0, 1, 0, 1]), d)[0], rng.uniform(0.1, 1.0, size=(4, 1))
    )
    assert gradient[0] != 0
    np.testing.assert_array_equal(gradient[1:], 0)


@pytest.mark.parametrize("loss", DISTANCE_LOSSES, ids=lambda x: x.name)
def test_a_loss_of_distances_survives_saving(loss, rng):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    d, same = rng.uniform(0, 4, size=(9, 2)), rng.integers(2, size=9)
    assert float(again(same, d)) == float(loss(same, d))


@pytest.mark.parametrize("loss", DISTANCE_LOSSES, ids=lambda x: x.name)
@pytest.mark.parametrize(
    ("labels", "shape"), [((3,), (2, 1)), ((2, 2), (2, 1)), ((2,), (2,))]
)
def test_labels_and_distances_that_do_not_belong_together_are_named(
    loss, labels, shape
):
    with pytest.raises(errors.ArgumentError, match=r"distances of shape .* labels of"):
        loss(np.zeros(labels), np.zeros(shape, np.float32))
