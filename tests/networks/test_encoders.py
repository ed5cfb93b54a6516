import keras
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from siamlab import errors, networks, scaling

SMALL = {"n_frames": 12, "n_mels": 8, "units": 6, "output_dim": 5}


def lengths(rows):
    return np.linalg.norm(rows, axis=1)


def test_blstm_encoder_has_two_lstms_and_outputs_one_vector():
    net = networks.blstm_encoder()
    assert net.input_shape == (None, 40, 128)
    assert net.output_shape == (None, 128)
    assert net.get_layer("blstm_1").output.shape == (None, 40, 256)
    assert net.get_layer("blstm_2").output.shape == (None, 256)


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        ("softmax", lambda y: np.allclose(y.sum(axis=1), 1) and (y >= 0).all()),
        ("unit", lambda y: np.allclose(lengths(y), 1, atol=1e-5)),
        ("logits", lambda y: not np.allclose(y.sum(axis=1), 1)),
    ],
)
def test_heads_output_probabilities_logits_or_unit_vectors(rng, head, holds):
    y = networks.blstm_encoder(**SMALL, head=head)(rng.normal(size=(7, 12, 8)))
    assert holds(np.asarray(y))


@pytest.mark.parametrize("layer", ["dense_1", "head"])
def test_no_output_is_all_zeros_whatever_the_seed(layer, rng):
    net = networks.blstm_encoder(4, 3, units=2, output_dim=2, head="unit")
    part = keras.Model(net.input, net.get_layer(layer).output)
    x = rng.normal(-12, 5, size=(16, 4, 3)).astype(np.float32)
    for seed in range(10):
        draws = np.random.default_rng(seed)
        net.set_weights([draws.normal(0, 0.5, w.shape) for w in net.get_weights()])
        assert (lengths(part(x)) > 1e-3).all(), seed


def test_xvector_encoder_outputs_unit_vectors_for_any_length(features):
    scaler = scaling.StandardScaler().fit(features)
    net = networks.xvector_encoder(n_mels=8, units=12, output_dim=6, scaler=scaler)
    for frames in (5, 12, 60):
        outputs = net(features[0][None, :frames])
        assert outputs.shape == (1, 6)
        np.testing.assert_allclose(lengths(outputs), 1, atol=1e-5)


def test_classifier_outputs_cosines_with_one_vector_for_each_speaker(rng):
    encoder = networks.blstm_encoder(**SMALL, head="unit")
    model = networks.classifier(encoder, 7)
    x = rng.normal(size=(3, 12, 8)).astype(np.float32)
    vectors = model.get_layer("speakers").get_weights()[0]
    assert vectors.shape == (7, 5)
    expected = np.asarray(encoder(x)) @ (vectors / lengths(vectors)[:, None]).T
    np.testing.assert_allclose(model(x), expected, atol=1e-5)


WRONG = scaling.AffineScaler(np.zeros(16))
INVALID = {
    "softmax, logits, unit; got 'relu'": ({"head": "relu"}, errors.ArgumentError),
    "not fitted yet": ({"scaler": scaling.StandardScaler()}, NotFittedError),
    r"one per band; got shape \(16,\)": ({"scaler": WRONG}, errors.ArgumentError),
}


@pytest.mark.parametrize("message", INVALID)
def test_arguments_out_of_range_are_named(message):
    arguments, error = INVALID[message]
    with pytest.raises(error, match=message):
        networks.blstm_encoder(**SMALL, **arguments)
