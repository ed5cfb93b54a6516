"""Half precision in the network; float32 in its input scaling, head and loss."""

import keras
import numpy as np
import pytest

from siamlab import ctc, layers, losses, networks, sampling, scaling

# The largest relative error of rounding one number.
ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}
SMALL = {"n_frames": 6, "n_mels": 4, "units": 3, "output_dim": 4}


@pytest.fixture(params=list(ROUNDING))
def half(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{request.param}")
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("head", networks.HEADS)
def test_heads_are_float32_and_lstms_are_not(head, half):
    net = networks.blstm_encoder(head=head, **SMALL)
    assert net.output.dtype == "float32"
    assert net.get_layer("blstm_1").compute_dtype == half
    assert {w.dtype for w in net.trainable_weights} == {"float32"}


def test_heads_of_other_networks_are_float32(half):
    phones = ctc.Vocabulary(("a", "b"), blank=-1)
    encoder = networks.blstm_encoder(head="unit", **SMALL)
    for net in (
        networks.xvector_encoder(n_mels=4, units=3, output_dim=4),
        networks.ctc_blstm(phones, n_bins=4, units=(3,)).encoder,
        networks.classifier(encoder, n_speakers=5),
    ):
        assert net.output.dtype == "float32", net.name


def test_decibels_are_scaled_before_they_are_rounded(half, rng):
    """In bfloat16, -80.3 has steps of 0.5; its scaled value 1.3, of 0.008."""
    x = rng.uniform(-90, -10, size=(3, 6, 4)).astype(np.float32)
    scaler = scaling.StandardScaler().fit([*x])
    augmentation = [layers.RandomGain(max_gain_db=1.0)]  # not active here
    net = networks.blstm_encoder(scaler=scaler, augmentation=augmentation, **SMALL)
    scaled = keras.Model(net.input, net.get_layer("scale").output)(x)
    assert keras.backend.standardize_dtype(scaled.dtype) == half
    found = keras.ops.convert_to_numpy(keras.ops.cast(scaled, "float32"))
    expected = scaler.transform([*x])
    np.testing.assert_allclose(found, expected, atol=2 * ROUNDING[half])


@pytest.mark.parametrize("kind", [layers.Distance, layers.CosineClassifier])
def test_outputs_in_float32_are_compared_in_float32(kind, half):
    """In float16, a probability of 1e-9 becomes 0, which changes the divergence."""
    p = np.array([[1 - 1e-9, 1e-9], [0.25, 0.75]], np.float32)
    inputs = [p, p[::-1].copy()] if kind is layers.Distance else p
    layer = kind("kl") if kind is layers.Distance else kind(3)
    found = keras.ops.convert_to_numpy(layer(inputs))
    exact = kind.from_config(layer.get_config() | {"dtype": "float32"})
    exact(inputs)
    exact.set_weights(layer.get_weights())
    np.testing.assert_array_equal(found, keras.ops.convert_to_numpy(exact(inputs)))


@pytest.mark.slow
@pytest.mark.parametrize("half", ["float16"], indirect=True)
def test_a_network_learns_in_half_precision(half, features):
    scaler = scaling.StandardScaler().fit(features)
    batches = sampling.SpeakerBatches(features, 4, 4, 6, steps_per_epoch=20, seed=0)
    settings = SMALL | {"n_mels": 8, "units": 8, "head": "unit", "dropout": 0.0}
    net = networks.SpeakerNet(networks.blstm_encoder(**settings, scaler=scaler))
    loss = losses.SupervisedContrastive(temperature=0.5)
    net.compile(keras.optimizers.Adam(0.02), loss=loss)
    history = net.fit(batches, epochs=3, verbose=0).history["loss"]
    # With four segments of each speaker, log 3 is the lowest possible loss.
    assert history[-1] - np.log(3) < 0.6 * (history[0] - np.log(3)), history
