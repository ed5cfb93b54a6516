"""Embeddings of a network's own layers, and of the shipped encoder."""

import gc
import weakref

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab.errors import ArgumentError


@pytest.fixture(scope="module")
def encoder():
    return sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=5, output_dim=4)


@pytest.fixture
def utterances(rng):
    return [rng.normal(size=(n, 6)).astype(np.float32) for n in (35, 10, 94, 4, 20)]


def embed_one_utterance_at_a_time(encoder, utterances, layer, hop=10):
    part = keras.Model(encoder.input, encoder.get_layer(layer).output)
    rows = []
    for array in utterances:
        if len(array) < 10:
            array = np.concatenate([array] * 10)[:10]
        starts = range(0, len(array) - 9, hop)
        vectors = np.asarray(part(np.stack([array[i : i + 10] for i in starts])))
        mean = np.mean([v / np.linalg.norm(v) for v in vectors], axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return np.array(rows)


def test_embeddings_of_all_layers_equal_those_one_at_a_time(encoder, utterances):
    found = sl.embeddings.embed_layers(encoder, utterances, hop_frames=4)
    assert list(found) == ["blstm_2", "dense_1", "head"]
    for layer, rows in found.items():
        assert rows.dtype == np.float32
        expected = embed_one_utterance_at_a_time(encoder, utterances, layer, hop=4)
        np.testing.assert_allclose(rows, expected, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_neither_batches_nor_order_change_embeddings(encoder, utterances, batch_size):
    expected = sl.embed(encoder, utterances)
    found = sl.embed(encoder, utterances[::-1], batch_size=batch_size)
    np.testing.assert_allclose(found[::-1], expected, atol=1e-5)


@pytest.mark.parametrize("network", [sl.networks.SpeakerNet, sl.networks.Siamese])
def test_a_trained_network_is_embedded_with_its_encoder(network, encoder, utterances):
    net = network(keras.models.clone_model(encoder))
    before = sl.embed(net, utterances)
    np.testing.assert_array_equal(sl.embed(net.encoder, utterances), before)
    net.set_weights([weight + 0.1 for weight in net.get_weights()])
    assert np.abs(sl.embed(net, utterances) - before).max() > 1e-3


def on_top(head):
    """An encoder that ends in some layer, behind two others that give vectors."""
    inputs = keras.Input((10, 6))
    x = keras.layers.LSTM(3, name="lstm")(inputs)
    x = keras.layers.Dense(5, activation="relu", name="hidden")(x)
    return keras.Model(inputs, head(x))


@pytest.mark.parametrize(
    ("head", "layer"),
    [
        (keras.layers.UnitNormalization(name="out"), "out"),
        (keras.layers.Dense(2, name="out"), "out"),
        (keras.layers.Dense(2, activation="softmax"), "lstm"),
        (keras.layers.Softmax(), "lstm"),
        (sl.layers.CosineClassifier(4), "lstm"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_the_embedding_is_the_output_unless_that_is_a_class(head, layer, utterances):
    model = on_top(head)
    found = sl.embed(model, utterances)
    np.testing.assert_array_equal(found, sl.embed(model, utterances, layer=layer))
    assert sl.embeddings.extractor(model).output is model.get_layer(layer).output


def test_sequential_and_nested_models_are_embedded(encoder, utterances):
    expected = sl.embed(encoder, utterances, layer="head")
    nested = keras.Sequential([keras.Input((10, 6)), encoder])
    np.testing.assert_allclose(sl.embed(nested, utterances), expected, atol=1e-6)


@pytest.mark.parametrize("layer", ["blstm_2", "output"])
def test_a_sequential_model_is_embedded_before_and_after_its_use(layer, utterances):
    base = sl.posts.siamese.build_model(n_frames=10, n_mels=6, units=5)
    before = sl.embed(base, utterances, layer=layer)
    assert sl.networks.classifier(base, n_speakers=3).output_shape == (None, 3)
    sl.posts.siamese.build_siamese(base)
    np.testing.assert_array_equal(sl.embed(base, utterances, layer=layer), before)


def test_plain_means_of_probabilities_are_probabilities(encoder, utterances):
    whole = utterances[2][:90]
    (mean,) = sl.embed(encoder, [whole], layer="head", normalize=False)
    segments = whole.reshape(9, 10, 6)
    np.testing.assert_allclose(mean, np.mean(encoder(segments), axis=0), atol=1e-6)
    assert mean.sum() == pytest.approx(1, abs=1e-5)


def test_utterances_of_any_length_are_compiled_for_once(rng):
    traces = []

    class Count(keras.layers.Layer):
        def call(self, inputs):
            traces.append(inputs.shape)  # runs while Keras traces, not afterwards
            return inputs

    inputs = keras.Input((10, 6))
    model = keras.Model(inputs, keras.layers.Flatten()(Count()(inputs)))
    traces.clear()
    for longest in (30, 50, 300):
        lengths = rng.integers(4, longest, size=5)
        sl.embed(model, [rng.normal(size=(n, 6)) for n in lengths], batch_size=8)
    assert len(traces) == 1


def test_a_deleted_network_is_freed(utterances):
    encoder = sl.networks.blstm_encoder(10, 6, units=5, output_dim=4)
    sl.embed(encoder, utterances)
    reference = weakref.ref(encoder)
    del encoder
    gc.collect()
    assert reference() is None


def test_a_network_of_any_length_asks_for_one(utterances):
    encoder = sl.networks.blstm_encoder(n_frames=None, n_mels=6, units=5, output_dim=4)
    with pytest.raises(ArgumentError, match="choose one, such as n_frames=40"):
        sl.embed(encoder, utterances)
    assert sl.embed(encoder, utterances, n_frames=10).shape == (5, 10)


NARROW = [np.zeros((30, 5), np.float32)]


IMPOSSIBLE = {
    "no layer 'lstm' that .*head": lambda net, x: sl.embed(net, x, layer="lstm"),
    "10 frames; got n_frames=20": lambda net, x: sl.embed(net, x, n_frames=20),
    "at least 1; got 0": lambda net, x: sl.embed(net, x, batch_size=0),
    "at least 1; got -2": lambda net, x: sl.embed(net, x, hop_frames=-2),
    "nothing to embed": lambda net, x: sl.embed(net, []),
    r"shape \(time, 6\); got \(30, 5\)": lambda net, x: sl.embed(net, x + NARROW),
    r"got embed\(Functional\)": lambda net, x: sl.embed(net),
    "compute them with siamlab": lambda net, x: sl.embed(net, "folder"),
    r"got .folder.\. For a model with two": lambda net, x: sl.embed("folder", x),
    "layer= needs a keras": lambda net, x: sl.embed(sl.encoder(), x, layer="head"),
    "one input of shape": lambda net, x: sl.embed(two_inputs(net), x),
}


@pytest.mark.parametrize(("message", "call"), IMPOSSIBLE.items())
def test_impossible_arguments_are_refused(encoder, utterances, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(encoder, utterances)


def two_inputs(net):
    other = keras.Input((10, 6))
    return keras.Model([net.input, other], net(other))
