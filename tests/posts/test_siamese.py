import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from siamlab.posts import siamese

DIVERGENCES = st.lists(st.floats(0, 4), min_size=2, max_size=12)


def loss_and_accuracy(same, divergences):
    y_true, y_pred = np.array(same, float)[:, None], np.array(divergences)
    loss = ops.mean(siamese.kb_hinge_loss(y_true, y_pred))
    return float(loss), float(ops.mean(siamese.accuracy(y_true, y_pred)))


@settings(deadline=None, max_examples=30)
@given(divergences=DIVERGENCES, data=st.data())
def test_only_the_share_of_ones_counts(divergences, data):
    n = len(divergences)
    same = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    share, hinges = np.mean(same), np.maximum(1 - np.array(divergences), 0)
    loss, accuracy = loss_and_accuracy(same, divergences)
    expected = share * np.mean(divergences) + (1 - share) * np.mean(hinges)
    assert loss == pytest.approx(expected, abs=1e-5)
    assert accuracy <= max(share, 1 - share) + 1e-6


@settings(deadline=None, max_examples=10)
@given(
    divergences=st.lists(
        st.floats(0, 0.99) | st.floats(1.01, 4), min_size=2, max_size=8
    ),
    data=st.data(),
)
def test_the_gradient_ignores_the_label(divergences, data):
    n = len(divergences)
    same = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    share = np.mean(same)
    for i, value in enumerate(divergences):
        moved = [list(divergences), list(divergences)]
        moved[0][i], moved[1][i] = value - 5e-3, value + 5e-3
        low, high = (loss_and_accuracy(same, each)[0] for each in moved)
        expected = (2 * share - 1) / n if value < 1 else share / n
        assert (high - low) / 1e-2 == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "loss", "accuracy"),
    [(0, 1, 0.5, 0.5), (0, 3, 0.8333, 0.25), (1, 3, 1.0, 0.125)],
)
def test_the_loss_of_64_evenly_spaced_divergences(low, high, loss, accuracy):
    divergences = low + (high - low) * (np.arange(64) + 0.5) / 64
    expected = pytest.approx((loss, accuracy), abs=1e-4)
    assert loss_and_accuracy([1, 0] * 32, divergences) == expected


def test_keras_3_repairs_the_labels_but_not_the_hinge():
    y_true = np.array([[1.0], [0.0]])
    # With a hinge for each pair, it would be the mean of 0.2 and 0.8.
    loss = siamese.kb_hinge_loss(y_true, np.array([[0.2], [0.2]]))
    assert loss.shape == (2, 2)
    moved = siamese.kb_hinge_loss(y_true, np.array([[0.3], [0.2]]))
    assert float(ops.mean(moved - loss)) == pytest.approx(0.5 * 0.1 / 2)


@pytest.mark.parametrize("keras2", [True, False])
def test_the_loss_gets_the_shapes_of_its_keras(keras2, rng, monkeypatch):
    shapes, posted = [], siamese.kb_hinge_loss

    def spy(y_true, y_pred):
        shapes.append((len(y_true.shape), len(y_pred.shape)))
        return posted(y_true, y_pred)

    monkeypatch.setattr(siamese, "kb_hinge_loss", spy)
    base = siamese.build_model(n_frames=6, n_mels=5, units=4)
    model = siamese.build_siamese(base, keras2)
    x = [rng.normal(size=(8, 6, 5)).astype("float32") for _ in range(2)]
    loss, _ = model.test_on_batch(x, np.arange(8)[:, None] % 2)
    assert set(shapes) == {(2, 1) if keras2 else (2, 2)}
    assert np.isfinite(loss)
    assert model.output_shape == (None, 1)
    assert model(x).shape == (8,)


def test_divergences_of_clipped_outputs_may_be_negative():
    p, q = np.full((1, 128), 1 / np.e), np.ones((1, 128))
    found = siamese.kullback_leibler_divergence([p, q])
    np.testing.assert_allclose(found, [-128 / np.e], rtol=1e-5)


def test_the_network_has_the_layers_of_the_post():
    model = siamese.build_model()
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Dense", "PReLU"]
    assert kinds == [
        *("Bidirectional", "Dropout", "Bidirectional"),
        *(*block, "Dropout", *block, *block, *block),
    ]
    assert [x.rate for x in model.layers if hasattr(x, "rate")] == [0.5, 0.25]
    assert model.output_shape == (None, 128)


def test_an_extractor_that_is_built_again_is_not_trained(rng):
    sizes = {"n_frames": 6, "n_mels": 5, "units": 4}
    trained = siamese.build_model(**sizes)
    fresh = siamese.build_model("extraction", **sizes)
    x = rng.normal(size=(3, 6, 5)).astype("float32")
    known = keras.Model(trained.inputs, trained.get_layer("blstm_2").output)
    rows = [siamese.speaker_embedding(model, x) for model in (fresh, known)]
    assert rows[0].shape == (8,)
    assert not np.allclose(*rows, atol=0.01)
    fresh.get_layer("blstm_1").set_weights(trained.get_layer("blstm_1").get_weights())
    fresh.get_layer("blstm_2").set_weights(trained.get_layer("blstm_2").get_weights())
    np.testing.assert_allclose(
        siamese.speaker_embedding(fresh, x), rows[1], rtol=1e-5, atol=1e-6
    )
