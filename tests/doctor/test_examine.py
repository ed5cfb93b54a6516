"""Examining programs: styles, order, errors, and what stays as it was."""

import ctc_programs  # noqa: F401
import keras
import numpy as np
import pytest
import siamese_programs  # noqa: F401
import tensorflow as tf
from corpus import PROGRAMS, draw_pairs, speakers
from keras import layers, ops

import siamlab as sl
from siamlab.doctor import examine, recorder

pytestmark = pytest.mark.slow


def embedded(n=32, seed=0):
    a, b = np.random.default_rng(seed).normal(size=(2, n, 8)).astype("float32")
    return [a, b], (np.arange(n) % 2).astype("float32")[:, None]


def hinge(y, d):
    return y * d + (1 - y) * ops.relu(3.0 - d)


def distance(a, b):
    return ops.sqrt(ops.maximum(ops.sum((a - b) ** 2, axis=-1, keepdims=True), 1e-7))


def test_the_shape_is_the_first_finding_of_the_siamese_post():
    features = sl.extract(sl.corpora.voices(n_speakers=6, n_utterances=3))
    program = sl.posts.with_fixes(units=16)
    batch = program.batches(features, steps=1)[0]
    report = examine(program.network(features), batch)
    assert report.codes[0] == "S1", report
    assert {"S1", "S5", "S6", "S8", "S30"} <= set(report.codes)


# What is left after each fix and those before it.
REMAINING = {
    ("shape",): {"S3", "S5", "S6", "S8", "S30"},
    ("metric", "scaling", "softmax"): {"S8"},
    ("metric", "scaling", "softmax", "a hinge for each"): set(),
    ("scaling", "cosines"): set(),
}


@pytest.mark.parametrize(("fixes", "codes"), REMAINING.items())
def test_each_fix_of_the_post_removes_its_fault(fixes, codes):
    features = sl.extract(sl.corpora.voices(n_speakers=6, n_utterances=3))
    keras.utils.set_random_seed(0)
    program = sl.posts.with_fixes(*fixes, units=16)
    report = examine(program.network(features), program.batches(features, steps=1)[0])
    # Whether a margin of 1 fits depends on the random weights.
    assert set(report.codes) - {"S10"} == codes, report


def test_a_network_for_phones_is_healthy_once_its_input_is_scaled():
    features = sl.extract(sl.corpora.voices(n_speakers=4, n_utterances=2))
    phones = {p for t in features.transcripts() for p in t}
    vocabulary = sl.ctc.Vocabulary(tuple(sorted(phones)))
    shortest = features.select(np.argsort([len(x) for x in features])[:4])
    labeled = sl.sampling.phone_labels(shortest, vocabulary)
    batch = sl.sampling.UtteranceBatches(*labeled, batch_size=4)[0]
    for scaler, codes in (
        (sl.scaling.StandardScaler().fit(features), ()),
        (None, ("C1",)),
    ):
        net = sl.networks.ctc_blstm(vocabulary, features[0].shape[1], (8,), scaler)
        report = examine(net, batch)
        assert report.codes == codes, report


@pytest.mark.parametrize(
    "name",
    ["pairs euclid lstm", "triplets hinge", "batch all pairs, train_step", "ctc layer"],
)
def test_nothing_changes(name):
    program = PROGRAMS[name]()
    model, originals = program.model, (keras.layers.Layer.__call__, tf.nn.ctc_loss)
    tf.random.uniform(())
    before = [w.copy() for w in model.get_weights()]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    examine(model, program.batch, **program.options)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    assert (keras.layers.Layer.__call__, tf.nn.ctc_loss) == originals


def test_the_recorder_restores_keras_after_an_error():
    original = keras.layers.Layer.__call__
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    with pytest.raises(Exception, match="cannot be called"):
        recorder.record(model, np.zeros((2, 5), "float32"))
    assert keras.layers.Layer.__call__ is original


def test_a_loss_that_raises_is_a_finding():
    def loss(y, d):
        return ops.matmul(y, ops.ones((7, 2)))

    model, batch = PROGRAMS["pairs euclid lstm"]().model, None
    program = PROGRAMS["pairs euclid lstm"]()
    model, batch = program.model, program.batch
    model.compile("adam", loss)
    report = examine(model, batch)
    assert report.codes == ("error",)
    assert "in the loss" in report["error"].evidence


def test_a_model_without_a_loss_is_not_called_healthy():
    program = PROGRAMS["pairs euclid lstm"]()
    model = keras.Model(program.model.inputs, program.model.outputs)
    report = examine(model, program.batch)
    assert "the loss could not be examined" in report.unseen
    assert not report.healthy
    assert "give loss=" in report.skipped["S12"]


def test_causes_come_first_and_what_follows_below_them():
    program = PROGRAMS["pairs kl softmax: a PReLU"]()
    report = examine(program.model, program.batch, **program.options)
    codes = report.codes
    assert codes[:2] == ("S5", "S6")
    assert report["S6"].caused_by == "S5"


def test_a_function_of_two_embeddings():
    report = examine(distance, embedded(), loss=hinge, kind="siamese")
    assert report.codes == ()
    assert "S17" in report.skipped

    def one_way(a, b):
        p, q = ops.softmax(a), ops.softmax(b)
        return ops.sum(p * ops.log(p / q), axis=-1, keepdims=True)

    assert examine(one_way, embedded(), loss=hinge).codes == ("S8",)


def test_a_network_of_another_library_is_given_by_two_functions():
    """NumPy in, NumPy out, as a PyTorch module is called."""
    x, speaker = speakers()
    first, second, same = draw_pairs(speaker)
    weights = np.random.default_rng(0).normal(size=(x.shape[2], 6)) / 5

    def embed(recordings):
        return np.tanh(recordings.mean(axis=1) @ weights).astype("float32")

    def loss(y, e):
        d = np.sum((np.asarray(e[0]) - np.asarray(e[1])) ** 2, axis=1)
        y = np.asarray(y)
        return np.mean(y * d + (1 - y) * np.maximum(1.0 - d, 0))

    batch = [x[first], x[second]], same.astype("float32")
    report = examine(None, batch, embed=embed, loss=loss, kind="siamese")
    assert report.codes == (), report
    assert {"S2", "S11", "S12", "S13", "S16"} <= set(report.passed)

    def broken(y, e):
        d = np.sum((np.asarray(e[0]) - np.asarray(e[1])) ** 2, axis=1)
        return np.sum(np.maximum(1.0 - np.asarray(y) * d, 0))

    report = examine(None, batch, embed=embed, loss=broken, kind="siamese")
    assert {"S12", "S16"} <= set(report.codes), report


def test_a_batch_is_taken_from_whatever_yields_batches():
    program = PROGRAMS["classes conv"]()
    x, y = program.batch
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
    for batch in ((x, y), [(x, y), (x, y)], [x, y], dataset, iter([(x, y)])):
        assert examine(program.model, batch, kind="siamese").codes == ()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((None, embedded()), "return model.compile"),
        ((distance, embedded(), "speech"), "kind must be"),
        ((distance, None), "without a batch"),
        ((distance, 3), "batch must be"),
    ],
)
def test_errors_say_what_was_expected(arguments, sentence):
    model, batch, *kind = arguments
    with pytest.raises(sl.SiamlabError, match=sentence):
        examine(model, batch, kind=kind[0] if kind else None)
