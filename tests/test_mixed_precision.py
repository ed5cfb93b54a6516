"""Half precision in the network, float32 in the loss.

Tests of a policy put the former one back: it belongs to the whole process.
"""

import keras
import numpy as np
import pandas as pd
import pytest

from siamlab import (
    Features,
    ctc,
    distances,
    layers,
    losses,
    networks,
    sampling,
    scaling,
)

# Largest relative rounding of one number, and its largest number.
HALF = {"float16": (2.0**-11, 65504.0), "bfloat16": (2.0**-8, 3e38)}

OF_BATCHES = [
    losses.KLHinge(margin=2.0),
    losses.KLHinge(margin=2.0, from_logits=True),
    losses.Contrastive(margin=1.5),
    losses.SupervisedContrastive(temperature=0.5),
    losses.GE2E(scale=5.0),
    losses.Triplet(margin=0.4),
    losses.AAMSoftmax(margin=0.3, scale=8.0),
]
OF_DISTANCES = [losses.DistanceHinge(margin=2.0), losses.DistanceContrastive()]


@pytest.fixture(params=list(HALF))
def half(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{request.param}")
    yield request.param
    keras.config.set_dtype_policy(before)


def rounded(x, dtype):
    """The same numbers as half precision has them, in float32."""
    return keras.ops.cast(keras.ops.cast(x, dtype), "float32")


def outputs_for(loss, rng, rows=12, units=6):
    """Something that the loss takes."""
    if isinstance(loss, losses.AAMSoftmax):
        return rng.uniform(-0.9, 0.9, size=(rows, units)).astype(np.float32)
    if isinstance(loss, losses.KLHinge) and not loss.from_logits:
        return rng.dirichlet(np.ones(units), size=rows).astype(np.float32)
    return rng.normal(size=(rows, units)).astype(np.float32)


@pytest.mark.parametrize("loss", OF_BATCHES, ids=lambda x: x.name)
def test_a_loss_of_rounded_outputs_is_the_loss_in_float32(loss, half, rng):
    """Nothing but the outputs is rounded: the loss computes in float32."""
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng)
    expected = type(loss).from_config(loss.get_config() | {"dtype": "float32"})
    given = keras.ops.cast(outputs, half)
    found = loss(ids, given)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    same = float(expected(ids, rounded(outputs, half)))
    assert float(found) == pytest.approx(same, rel=1e-6, abs=1e-6)
    # And rounding of outputs moves it by little.
    exact = float(expected(ids, outputs))
    assert float(found) == pytest.approx(exact, rel=20 * HALF[half][0], abs=0.01)


@pytest.mark.parametrize("loss", OF_DISTANCES, ids=lambda x: x.name)
def test_a_loss_of_rounded_distances_is_the_loss_in_float32(loss, half, rng):
    same, d = np.arange(12) % 2, rng.uniform(0, 4, size=(12, 1)).astype("f4")
    expected = type(loss).from_config(loss.get_config() | {"dtype": "float32"})
    found = loss(same, keras.ops.cast(d, half))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert float(found) == pytest.approx(float(expected(same, rounded(d, half))))


@pytest.mark.parametrize("loss", OF_BATCHES, ids=lambda x: x.name)
def test_large_outputs_do_not_overflow(loss, half, rng):
    ids, outputs = np.arange(12) // 3, outputs_for(loss, rng)
    if isinstance(loss, losses.KLHinge | losses.Contrastive | losses.Triplet):
        # Squares and differences of these are beyond float16.
        logits = getattr(loss, "from_logits", True)
        outputs = outputs * 3e4 / np.abs(outputs).max() if logits else outputs
    found = loss(ids, keras.ops.cast(outputs, half))
    assert np.isfinite(float(found))


@pytest.mark.parametrize("pairwise", [distances.pairwise_kl, distances.pairwise_cosine])
def test_distances_are_at_least_float32(pairwise, half, rng):
    outputs = keras.ops.cast(rng.dirichlet(np.ones(5), size=4), half)
    assert keras.backend.standardize_dtype(pairwise(outputs).dtype) == "float32"


@pytest.mark.parametrize("head", networks.HEADS)
def test_heads_are_float32_and_lstms_are_not(head, half):
    net = networks.blstm_encoder(n_frames=6, n_mels=4, units=3, output_dim=4, head=head)
    assert keras.backend.standardize_dtype(net.output.dtype) == "float32"
    assert net.get_layer("blstm_1").compute_dtype == half
    assert {w.dtype for w in net.trainable_weights} == {"float32"}


def test_heads_of_other_networks_are_float32(half):
    symbols = ctc.Vocabulary(("a", "b"))
    base = networks.blstm_encoder(
        n_frames=6, n_mels=4, units=3, output_dim=4, head="unit"
    )
    for net in (
        networks.xvector_encoder(n_mels=4, units=3, output_dim=4),
        networks.ctc_blstm(symbols, n_bins=4, units=(3,)).encoder,
        networks.framewise_blstm(
            ctc.Vocabulary(("a",), blank=None), n_bins=4, units=(3,)
        ).encoder,
        networks.classifier(base, n_speakers=5),
    ):
        assert keras.backend.standardize_dtype(net.output.dtype) == "float32", net.name


def test_decibels_are_scaled_before_they_are_rounded(half, rng):
    """-80.3 has steps of 0.5 in bfloat16; 1.3, what it becomes, of 0.008."""
    x = rng.uniform(-90, -10, size=(3, 6, 4)).astype(np.float32)
    scaler = scaling.StandardScaler().fit([*x])
    quiet = [layers.RandomGain(max_gain_db=1.0)]  # in front of it, and off
    net = networks.blstm_encoder(
        n_frames=6, n_mels=4, units=3, output_dim=4, scaler=scaler, augmentation=quiet
    )
    # Its numbers are not rounded either.
    scaled = keras.Model(net.input, net.get_layer("scale").output)(x)
    assert keras.backend.standardize_dtype(scaled.dtype) == half
    exact = np.stack([scaler.transform([one])[0] for one in x])
    worst = np.abs(keras.ops.convert_to_numpy(scaled).astype("f4") - exact).max()
    assert worst < 2 * HALF[half][0]


@pytest.mark.parametrize("kind", [layers.Distance, layers.CosineClassifier])
def test_outputs_in_float32_are_compared_in_float32(kind, half):
    """A probability of 1e-9 is nothing in float16, and ruins a divergence."""
    p = np.array([[1 - 1e-9, 1e-9], [0.25, 0.75]], np.float32)
    inputs = [p, p[::-1].copy()] if kind is layers.Distance else p
    layer = kind("kl") if kind is layers.Distance else kind(3)
    found = keras.ops.convert_to_numpy(layer(inputs))
    exact = kind.from_config(layer.get_config() | {"dtype": "float32"})
    exact(inputs)
    exact.set_weights(layer.get_weights())
    np.testing.assert_array_equal(found, keras.ops.convert_to_numpy(exact(inputs)))


@pytest.mark.slow
def test_a_network_learns_in_half_precision(half, rng):
    centers = rng.normal(size=(4, 1, 5))
    noise = 0.3 * rng.normal(size=(16, 12, 5))
    x = [(centers[i % 4] + noise[i]).astype(np.float32) for i in range(16)]
    features = Features(x, pd.DataFrame({"speaker": [str(i % 4) for i in range(16)]}))
    batches = sampling.SpeakerBatches(
        features, n_speakers=4, n_segments=4, n_frames=6, steps_per_epoch=20, seed=0
    )
    keras.utils.set_random_seed(0)
    how = {"n_frames": 6, "n_mels": 5, "units": 8, "output_dim": 4, "dropout": 0.0}
    base = networks.blstm_encoder(head="unit", **how)
    net = networks.SpeakerNet(base)
    loss = losses.SupervisedContrastive(temperature=0.5)
    net.compile(keras.optimizers.Adam(0.02), loss=loss)
    history = net.fit(batches, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    # Chance is log 15; with four of each, log 3 is as low as it can get.
    lowest = np.log(3)
    assert history[-1] - lowest < 0.6 * (history[0] - lowest), history
