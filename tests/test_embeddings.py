import gc
import weakref

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import errors


@pytest.fixture
def net():
    keras.utils.set_random_seed(1)
    base = sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=5, output_dim=4)
    return sl.networks.SpeakerNet(base)


@pytest.fixture
def utterances(rng):
    return [rng.normal(size=(n, 6)).astype(np.float32) for n in (35, 10, 94, 4, 20)]


def slowly(net, utterances, layer, hop=10):
    """One segment at a time: normalize, average, normalize."""
    part = keras.Model(net.encoder.input, net.encoder.get_layer(layer).output)
    rows = []
    for array in utterances:
        if len(array) < 10:
            array = np.concatenate([array] * 10)[:10]
        starts = range(0, len(array) - 9, hop)
        vectors = [np.asarray(part(array[None, i : i + 10]))[0] for i in starts]
        mean = np.mean([v / np.linalg.norm(v) for v in vectors], axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return np.array(rows)


def test_utterances_of_any_length_make_one_graph(net, rng):
    for longest in (50, 300):
        lengths = rng.integers(4, longest, size=9)
        utterances = [rng.normal(size=(n, 6)).astype(np.float32) for n in lengths]
        sl.embed(net, utterances, batch_size=16)
    graph = sl.embeddings.extractor(net).predict_function
    assert graph.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("layer", ["blstm_2", "dense_1", "head"])
@pytest.mark.parametrize("hop", [10, 4])
def test_embeddings_are_those_of_one_segment_at_a_time(net, utterances, layer, hop):
    found = sl.embed(net, utterances, layer=layer, hop_frames=hop)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found, slowly(net, utterances, layer, hop), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 500])
def test_the_size_of_batches_does_not_matter(net, utterances, batch_size):
    expected = sl.embed(net, utterances)
    found = sl.embed(net, utterances, batch_size=batch_size)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_company_and_order_do_not_matter(net, utterances):
    together = sl.embed(net, utterances)
    for i, array in enumerate(utterances):
        np.testing.assert_allclose(sl.embed(net, [array])[0], together[i], atol=1e-5)
    turned = sl.embed(net, utterances[::-1])
    np.testing.assert_allclose(turned[::-1], together, atol=1e-5)


def test_embeddings_come_from_the_trained_weights(net, utterances, rng):
    before = sl.embed(net, utterances)
    x, ids = rng.normal(size=(8, 10, 6)), np.arange(8) // 2
    net.fit(x, ids, epochs=3, verbose=0)
    after = sl.embed(net, utterances)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, slowly(net, utterances, "blstm_2"), atol=1e-5)


def test_embedding_changes_nothing(net, utterances):
    before = net.get_weights()
    sl.embed(net, utterances)
    for a, b in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_networks_own_output_can_be_the_embedding(net, utterances):
    own = sl.embed(net, utterances, layer=None)
    np.testing.assert_allclose(own, sl.embed(net, utterances, layer="head"), atol=1e-6)


def test_a_base_network_can_be_embedded_with_as_it_is(net, utterances):
    expected = sl.embed(net, utterances)
    np.testing.assert_array_equal(sl.embed(net.encoder, utterances), expected)


def test_unequal_lengths_are_compiled_for_once(net, utterances, rng):
    traces = []

    @keras.saving.register_keras_serializable(package="test")
    class Count(keras.layers.Layer):
        def call(self, inputs):
            traces.append(inputs.shape)  # runs while Keras traces, not afterwards
            return inputs

    inputs = keras.Input((10, 6))
    counted = keras.Model(inputs, keras.layers.Flatten()(Count()(inputs)))
    traces.clear()
    for _ in range(3):
        sl.embed(counted, utterances, layer=None, batch_size=8)
        utterances.append(rng.normal(size=(51, 6)))
    assert len(traces) == 1


def test_a_layer_that_is_not_there_is_named_with_those_that_are(net, utterances):
    with pytest.raises(errors.ArgumentError, match=r"'lstm'; its layers are .*blstm_2"):
        sl.embed(net, utterances, layer="lstm")


def test_nothing_to_embed_is_named(net):
    with pytest.raises(errors.ArgumentError, match="nothing to embed"):
        sl.embed(net, [])


def test_a_network_of_any_length_asks_for_one(utterances):
    base = sl.networks.blstm_encoder(n_frames=None, n_mels=6, units=5, output_dim=4)
    with pytest.raises(errors.ArgumentError, match="say which with frames=40"):
        sl.embed(base, utterances)
    assert sl.embed(base, utterances, n_frames=10).shape == (5, 10)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layer": "blstm_1"}, r"one vector per segment; .*'blstm_1' .*\(None, 10, 10"),
        ({"frames": 20}, "segments of 10 frames; got frames=20"),
        ({"frames": 0}, "segments of 10 frames; got frames=0"),
        ({"batch_size": 0}, "batch_size must be at least 1; got 0"),
        ({"hop": 0}, "hop must be at least 1; got 0"),
        ({"hop": -2}, "hop must be at least 1; got -2"),
    ],
)
def test_what_cannot_be_embedded_is_named(net, utterances, arguments, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        sl.embed(net, utterances, **arguments)


@pytest.mark.parametrize("bands", [1, 5])
def test_an_utterance_of_other_bands_is_named(net, utterances, bands):
    other = np.zeros((30, bands), np.float32)
    sentence = rf"utterance 5 has shape \(30, {bands}\); .* takes \(frames, 6\)"
    with pytest.raises(errors.ArgumentError, match=sentence):
        sl.embed(net, [*utterances, other])


def test_a_network_that_is_gone_is_forgotten(utterances):
    base = sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=5, output_dim=4)
    sl.embed(base, utterances)
    known = weakref.ref(base)
    del base
    gc.collect()
    assert known() is None


@pytest.fixture
def segments_of(utterances):
    return np.concatenate([array[None, :10] for array in utterances if len(array) > 9])


@pytest.mark.parametrize("layer", ["blstm_2", "dense_1", "head"])
def test_an_extractor_is_known_by_what_it_gives(net, segments_of, layer):
    mine = keras.Model(net.encoder.input, net.encoder.get_layer(layer).output)
    assert sl.embeddings.check_extractor(net, mine, segments_of) == layer


def test_an_extractor_with_weights_that_were_copied_is_one_too(
    net, utterances, segments_of
):
    again = keras.models.clone_model(net.encoder)
    again.set_weights(net.encoder.get_weights())
    mine = keras.Model(again.input, again.get_layer("blstm_2").output)
    assert sl.embeddings.check_extractor(net, mine, segments_of) == "blstm_2"
    np.testing.assert_allclose(
        sl.embed(net, utterances, extractor=mine), sl.embed(net, utterances), atol=1e-5
    )


def test_an_extractor_with_fresh_weights_is_refused(net, utterances):
    fresh = sl.posts.fresh_extractor(net.encoder)
    sentence = r"does not have the weights .* nearest to those of 'blstm_2', and differ"
    with pytest.raises(errors.ArgumentError, match=sentence):
        sl.embed(net, utterances, extractor=fresh)


def test_an_extractor_of_another_width_is_refused(net, segments_of):
    other = sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=7, output_dim=9)
    with pytest.raises(errors.ArgumentError, match=r"vectors of 9 numbers.*blstm_2 10"):
        sl.embeddings.check_extractor(net, other, segments_of)


def test_a_sweep_gives_what_embed_gives_for_each_layer(net, utterances):
    swept = sl.embeddings.layer_sweep(net, utterances, hop_frames=4)
    assert list(swept) == ["blstm_2", "dense_1", "head"]
    for layer, found in swept.items():
        expected = sl.embed(net, utterances, layer=layer, hop_frames=4)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_network_without_vectors_has_no_layers_to_sweep(utterances):
    inputs = keras.Input((10, 6))
    net = keras.Model(inputs, keras.layers.LSTM(3, return_sequences=True)(inputs))
    with pytest.raises(errors.ArgumentError, match="no layer whose output is one vec"):
        sl.embeddings.layer_sweep(net, utterances)


def test_enrolment_normalizes_averages_and_normalizes(rng):
    vectors, speakers = rng.normal(size=(12, 5)), np.arange(12) % 3
    vectors[0] *= 1000  # one loud utterance does not rule
    names, models = sl.embeddings.enroll(vectors, speakers)
    assert names.tolist() == [0, 1, 2]
    for name, model in zip(names, models, strict=True):
        unit = [v / np.linalg.norm(v) for v in vectors[speakers == name]]
        mean = np.mean(unit, axis=0)
        np.testing.assert_allclose(model, mean / np.linalg.norm(mean), rtol=1e-5)


def test_trials_score_every_utterance_against_everybody_enrolled(rng):
    names, models = sl.embeddings.enroll(rng.normal(size=(4, 5)), ["a", "a", "b", "c"])
    vectors, speakers = rng.normal(size=(3, 5)), ["b", "x", "a"]
    same, scores = sl.embeddings.trials(names, models, vectors, speakers)
    assert scores.shape == same.shape == (9,)
    k = 0
    for vector, speaker in zip(vectors, speakers, strict=True):
        for name, model in zip(names, models, strict=True):
            assert scores[k] == pytest.approx(vector @ model / np.linalg.norm(vector))
            assert same[k] == (name == speaker)
            k += 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sl.embeddings.enroll(np.ones((3, 2)), ["a"]), r"\(3, 2\) and \(1,\)"),
        (lambda: sl.embeddings.enroll(np.ones((0, 2)), []), r"got \(0, 2\)"),
        (
            lambda: sl.embeddings.trials(
                ["a"], np.ones((2, 2)), np.ones((1, 2)), ["a"]
            ),
            r"models must have shape \(1, 2\).*got \(2, 2\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(call, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        call()
