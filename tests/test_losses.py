import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import errors, losses

LOSSES = [
    losses.KLHinge(margin=2.0),
    losses.KLHinge(margin=2.0, weighting="pairs"),
    losses.KLHinge(margin=2.0, from_logits=True),
    losses.Contrastive(margin=1.5),
    losses.Contrastive(margin=1.5, weighting="pairs"),
    losses.SupervisedContrastive(temperature=0.5),
]
PAIRED = LOSSES[:5]


def outputs_for(loss, rng, n, units=5):
    """Something that the loss takes: distributions, or anything."""
    if isinstance(loss, losses.KLHinge) and not loss.from_logits:
        return rng.dirichlet(np.ones(units), size=n).astype(np.float32)
    return rng.normal(size=(n, units)).astype(np.float32)


def of_one_pair(loss, a, b, same):
    """The plain function for one pair, whose two directions count together."""
    if isinstance(loss, losses.Contrastive):
        return losses.contrastive(a, b, same, loss.margin)
    if loss.from_logits:
        a, b = tf.nn.softmax(a), tf.nn.softmax(b)
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
        return tf.add_n([*together, *apart]) / (len(together) + len(apart))
    # Each pair's cost adds two directions: half of it is the mean direction.
    means = [tf.add_n(kind) / (2 * len(kind)) for kind in (together, apart) if kind]
    return tf.add_n(means)


def value_and_gradient(function, outputs):
    outputs = tf.Variable(outputs)
    with tf.GradientTape() as tape:
        value = function(outputs)
    return float(value), np.asarray(tape.gradient(value, outputs))


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


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_large_speaker_ids_are_told_apart(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12)
    assert float(loss(ids + 2**24 - 4, outputs)) == float(loss(ids, outputs))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
@pytest.mark.parametrize("ids", [[0, 1, 2], [5, 5, 5], [3]])
def test_a_batch_without_one_kind_of_pair_is_finite(loss, rng, ids):
    value, gradient = value_and_gradient(
        lambda y: loss(np.array(ids), y), outputs_for(loss, rng, len(ids))
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.name)
def test_outputs_of_half_precision_are_computed_in_float32(loss, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng, 12).astype(np.float16)
    found = loss(ids, tf.constant(outputs))
    assert found.dtype == tf.float32
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
