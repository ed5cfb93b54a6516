"""Mixed precision: half precision inside the network, float32 in the losses."""

import keras
import numpy as np
import pandas as pd
import pytest

from siamlab import Features, ctc, layers, losses, networks, sampling, scaling

# Largest relative rounding error of one number.
ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}

BATCH_LOSSES = [
    losses.KLHinge(margin=2.0),
    losses.KLHinge(margin=2.0, from_logits=True),
    losses.Contrastive(margin=1.5),
    losses.SupervisedContrastive(temperature=0.5),
    losses.GE2E(scale=5.0),
    losses.Triplet(margin=0.4),
    losses.AAMSoftmax(margin=0.3, scale=8.0),
]
PAIR_LOSSES = [losses.DistanceHinge(margin=2.0), losses.DistanceContrastive()]


@pytest.fixture(params=list(ROUNDING))
def half(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{request.param}")
    yield request.param
    keras.config.set_dtype_policy(before)


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def valid_outputs(loss, rng):
    """Cosines, probabilities or vectors, whichever the loss takes."""
    if isinstance(loss, losses.AAMSoftmax):
        return rng.uniform(-0.9, 0.9, size=(12, 6)).astype(np.float32)
    if isinstance(loss, losses.KLHinge) and not loss.from_logits:
        return rng.dirichlet(np.ones(6), size=12).astype(np.float32)
    return rng.normal(size=(12, 6)).astype(np.float32)


@pytest.mark.parametrize("loss", [*BATCH_LOSSES, *PAIR_LOSSES], ids=lambda x: x.name)
def test_losses_round_their_inputs_and_nothing_else(loss, half, rng):
    if loss in PAIR_LOSSES:
        labels, x = np.arange(12) % 2, rng.uniform(0, 4, (12, 1)).astype(np.float32)
    else:
        labels, x = np.arange(12) // 3, valid_outputs(loss, rng)
    in_float32 = type(loss).from_config(loss.get_config() | {"dtype": "float32"})
    rounded = keras.ops.cast(x, half)
    found = loss(labels, rounded)
    assert dtype_of(found) == "float32"
    expected = float(in_float32(labels, keras.ops.cast(rounded, "float32")))
    assert float(found) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    exact = float(in_float32(labels, x))
    assert float(found) == pytest.approx(exact, rel=20 * ROUNDING[half], abs=0.01)


@pytest.mark.parametrize(
    "loss", [BATCH_LOSSES[1], losses.Contrastive(), losses.Triplet()]
)
def test_losses_of_large_outputs_do_not_overflow(loss, half, rng):
    x = rng.normal(size=(12, 6))
    large = keras.ops.cast(x * 3e4 / np.abs(x).max(), half)  # squares exceed float16
    assert np.isfinite(float(loss(np.arange(12) // 3, large)))


@pytest.mark.parametrize("head", networks.HEADS)
def test_heads_are_float32_and_lstms_are_not(head, half):
    net = networks.blstm_encoder(n_frames=6, n_mels=4, units=3, output_dim=4, head=head)
    assert dtype_of(net.output) == "float32"
    assert net.get_layer("blstm_1").compute_dtype == half
    assert {w.dtype for w in net.trainable_weights} == {"float32"}


def test_outputs_of_the_other_networks_are_float32(half):
    phones = ctc.Vocabulary(("a",)), ctc.Vocabulary(("a",), blank=None)
    xvector = networks.xvector_encoder(n_mels=4, units=3, output_dim=4)
    for net in (
        xvector,
        networks.classifier(xvector, n_speakers=5),
        networks.ctc_blstm(phones[0], n_bins=4, units=(3,)).encoder,
        networks.framewise_blstm(phones[1], n_bins=4, units=(3,)).encoder,
    ):
        assert dtype_of(net.output) == "float32", net.name


def test_decibels_are_scaled_before_they_are_rounded(half, rng):
    """Around -80, bfloat16 has steps of 0.5; around 1, of 0.008."""
    x = rng.uniform(-90, -10, size=(3, 6, 4)).astype(np.float32)
    scaler = scaling.StandardScaler().fit(list(x))
    augmentation = [layers.RandomGain(max_gain_db=1.0)]  # not active here
    net = networks.blstm_encoder(
        6, 4, units=3, output_dim=4, scaler=scaler, augmentation=augmentation
    )
    scaled = keras.Model(net.input, net.get_layer("scale").output)(x)
    assert dtype_of(scaled) == half
    found = keras.ops.convert_to_numpy(keras.ops.cast(scaled, "float32"))
    assert np.abs(found - scaler.transform(x)).max() < 4 * ROUNDING[half]


@pytest.mark.parametrize("kind", [layers.Distance, layers.CosineClassifier])
def test_layers_that_compare_compute_in_float32(kind, half):
    """A probability of 1e-9 is 0 in float16, whose logarithm is infinite."""
    p = np.array([[1 - 1e-9, 1e-9], [0.25, 0.75]], np.float32)
    inputs = [p, p[::-1].copy()] if kind is layers.Distance else p
    layer = kind("kl") if kind is layers.Distance else kind(3)
    found = keras.ops.convert_to_numpy(layer(inputs))
    exact = kind.from_config(layer.get_config() | {"dtype": "float32"})
    exact(inputs)
    exact.set_weights(layer.get_weights())
    np.testing.assert_array_equal(found, keras.ops.convert_to_numpy(exact(inputs)))


@pytest.mark.slow
def test_a_network_learns_in_mixed_precision(half, rng):
    centers = rng.normal(size=(4, 1, 5))
    x = [
        (centers[i % 4] + 0.3 * rng.normal(size=(12, 5))).astype("f4")
        for i in range(16)
    ]
    features = Features(x, pd.DataFrame({"speaker": [str(i % 4) for i in range(16)]}))
    batches = sampling.SpeakerBatches(
        features, n_speakers=4, n_segments=4, n_frames=6, steps_per_epoch=20, seed=0
    )
    net = networks.SpeakerNet(
        networks.blstm_encoder(6, 5, 8, output_dim=4, head="unit", dropout=0.0)
    )
    loss = losses.SupervisedContrastive(temperature=0.5)
    net.compile(keras.optimizers.Adam(0.02), loss=loss)
    history = net.fit(batches, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    lowest = np.log(3)  # of four rows each; chance is log 15
    assert history[-1] - lowest < 0.6 * (history[0] - lowest), history
