import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import errors, networks

VOCABULARY = sl.ctc.Vocabulary(("a", "b", "c"), blank=0)


def build(**settings):
    settings = {"n_bins": 6, "units": (5, 4), **settings}
    net = networks.ctc_blstm(VOCABULARY, **settings)
    net.compile("adam")
    return net


def synthetic_speech(rng, n):
    """Utterances in which each phone is a loud pair of bins, in dB, and the phones."""
    arrays, transcripts = [], []
    for _ in range(n):
        phones = rng.integers(3, size=rng.integers(2, 5))
        frames = np.full((int(8 * len(phones) + rng.integers(4, 9)), 6), -80.0)
        for k, phone in enumerate(phones):
            frames[8 * k + 2 : 8 * k + 7, 2 * phone : 2 * phone + 2] = -20.0
        arrays.append((frames + rng.normal(0, 2, frames.shape)).astype(np.float32))
        transcripts.append(["abc"[phone] for phone in phones])
    return arrays, transcripts


@pytest.mark.slow
def test_a_ctc_network_learns_to_transcribe(rng):
    arrays, transcripts = synthetic_speech(rng, 48)
    scaler = sl.scaling.StandardScaler().fit(arrays)
    net = networks.ctc_blstm(VOCABULARY, 6, (12,), scaler, stride=2)
    net.compile(keras.optimizers.Adam(0.05))
    labels = [VOCABULARY.encode(phones) for phones in transcripts]
    # One batch, for which JAX compiles once.
    net.fit(sl.sampling.UtteranceBatches(arrays, labels, 48), epochs=80, verbose=0)
    for width in (None, 4):
        found = net.transcribe(arrays, width=width)
        assert sl.metrics.phone_error_rate(transcripts, found) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 3])
def test_the_loss_does_not_depend_on_padding(rng, stride):
    net = build(stride=stride)
    x = rng.normal(size=(3, 16, 6)).astype(np.float32)
    frames = np.array([16, 12, 9], np.int32)
    y = np.array([[1, 2, 2], [3, -1, -1], [1, 3, -1]])
    expected = net.evaluate({"spectrogram": x, "frames": frames}, y, verbose=0)
    longer = np.full((3, 25, 6), 1e3, np.float32)
    for i, n in enumerate(frames):
        longer[i, :n] = x[i, :n]
    y = np.pad(y, ((0, 0), (0, 3)), constant_values=-1)
    found = net.evaluate({"spectrogram": longer, "frames": frames}, y, verbose=0)
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_ctc_loss_equals_that_of_the_lattice(rng):
    net = build()
    x = {
        "spectrogram": rng.normal(size=(2, 20, 6)).astype(np.float32),
        "frames": np.array([20, 14]),
    }
    labels = np.array([[1, 1, 3], [2, -1, -1]])
    logits = keras.ops.convert_to_numpy(net(x))
    expected = [
        sl.ctc.lattice(logits[i, :n], row[row >= 0], 0)[1]
        for i, (n, row) in enumerate(zip((20, 14), labels, strict=True))
    ]
    found = net.evaluate(x, labels, verbose=0)
    assert found == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.slow
def test_a_phone_network_is_saved_and_loaded(rng, tmp_path):
    scaler = sl.scaling.MinMaxScaler().fit(rng.normal(-50, 9, size=(30, 6)))
    net = build(scaler=scaler, stride=2, dropout=0.1)
    net.compile("adam", run_eagerly=True)  # compiling takes longer here
    arrays = [rng.normal(-50, 9, (n, 6)).astype(np.float32) for n in (30, 21)]
    batches = sl.sampling.UtteranceBatches(arrays, [[1], [2]], 2)
    net.train_on_batch(*batches[0])
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    assert loaded.vocabulary == VOCABULARY
    assert loaded.stride == 2
    assert int(loaded.optimizer.iterations) == 1
    for a, b in zip(net.logits(arrays), loaded.logits(arrays), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_logits_of_an_utterance_do_not_depend_on_the_others(rng):
    net = build(stride=2)
    arrays = [rng.normal(size=(n, 6)).astype(np.float32) for n in (30, 90, 7, 51)]
    together = net.logits(arrays, batch_size=3)
    for array, logits in zip(arrays, together, strict=True):
        assert len(logits) == net.output_frames(len(array)) == -(-len(array) // 2)
        np.testing.assert_allclose(logits, net.logits([array])[0], atol=1e-5)


OUT_OF_RANGE = {
    "vocabulary with a blank": lambda: networks.ctc_blstm(
        sl.ctc.Vocabulary(("a", "b"), blank=None)
    ),
    "a number for each LSTM": lambda: build(units=()),
    "at least 1; got 0": lambda: build(stride=0),
}


@pytest.mark.parametrize(("message", "call"), OUT_OF_RANGE.items())
def test_arguments_out_of_range_are_named(call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call()
