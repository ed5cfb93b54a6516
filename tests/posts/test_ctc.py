import keras
import numpy as np
import pytest
import tensorflow as tf

from siamlab.posts import ctc


def inputs(rng):
    spectrograms = [rng.normal(size=(n, 7)).astype("float32") for n in (30, 22, 9)]
    return spectrograms, [[0, 1, 2], [1, 1], [2]]


def test_the_cost_is_tensorflows(rng):
    probabilities = rng.dirichlet(np.ones(5), size=(2, 12)).astype("float32")
    labels, n_labels = np.array([[0, 1, 1], [2, 0, 0]]), np.array([[3], [1]])
    n_frames = np.array([[12], [7]])
    found = ctc.ctc_batch_cost(labels, probabilities, n_frames, n_labels)
    expected = tf.nn.ctc_loss(
        labels.astype("int32"),
        np.log(probabilities + 1e-7),
        n_labels[:, 0],
        n_frames[:, 0],
        logits_time_major=False,
        blank_index=4,
    )
    np.testing.assert_allclose(np.asarray(found)[:, 0], expected, rtol=1e-5)


@pytest.mark.slow
def test_the_program_trains_as_posted(rng):
    spectrograms, labels = inputs(rng)
    network = ctc.build_network(7, 4, units=(5, 4))
    model = ctc.build_model(network)
    batches = ctc.Batches(spectrograms, labels, batch_size=2)
    assert len(batches) == 2
    history = model.fit(batches, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert network.predict(spectrograms[0][None], verbose=0).shape == (1, 30, 4)


def test_batches_are_padded_with_zeros_and_know_their_lengths(rng):
    spectrograms, labels = inputs(rng)
    batches = ctc.Batches(spectrograms, labels, batch_size=3)
    x, _ = batches[0]
    lengths = x["input_length"][:, 0]
    assert sorted(lengths) == [9, 22, 30]
    rows = zip(x["spectrogram"], lengths, x["label_length"][:, 0], strict=True)
    for row, n, n_labels in rows:
        np.testing.assert_array_equal(row[n:], 0)
        assert n_labels == len(labels[[30, 22, 9].index(n)])


def test_the_network_and_its_optimizer_are_those_of_the_post():
    network = ctc.build_network(513, 50)
    lstms = [x for x in network.layers if isinstance(x, keras.layers.Bidirectional)]
    assert [x.forward_layer.units for x in lstms] == [100, 100, 150]
    assert {x.forward_layer.dropout for x in lstms} == {0.1}
    assert {x.merge_mode for x in lstms} == {None}
    optimizer = ctc.sgd()
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)
    assert optimizer.global_clipnorm == 5
    rates = [float(optimizer._learning_rate(step)) for step in (0, 10**6)]
    assert rates == pytest.approx([0.02, 0.01])


def test_log_magnitudes_are_natural_logarithms_of_magnitudes():
    spectrogram, scaler = ctc.log_magnitudes(sr=16000)
    assert spectrogram.n_bins == 513
    times = np.arange(16000) / 16000
    sine = np.sin(2 * np.pi * 1000 * times)
    spectrograms = [spectrogram(x, 16000) for x in (sine, 0 * sine)]
    loud, silent = scaler.transform(spectrograms)
    assert loud.max() == pytest.approx(np.log(0.5), abs=0.05)
    assert silent.max() == pytest.approx(np.log(1e-8), abs=1e-3)
