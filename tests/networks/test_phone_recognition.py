import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import errors, networks

VOCABULARY = {
    "ctc": sl.ctc.Vocabulary(("a", "b", "c"), blank=0),
    "framewise": sl.ctc.Vocabulary(("a", "b", "c"), blank=None),
}


def build(kind, **settings):
    build = {"ctc": networks.ctc_blstm, "framewise": networks.framewise_blstm}[kind]
    settings = {"n_bins": 6, "units": (5, 4), **settings}
    net = build(VOCABULARY[kind], **settings)
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
    vocabulary = sl.ctc.Vocabulary(("a", "b", "c"), blank=0)
    arrays, transcripts = synthetic_speech(rng, 48)
    scaler = sl.scaling.StandardScaler().fit(arrays)
    net = networks.ctc_blstm(vocabulary, 6, (12,), scaler, stride=2)
    net.compile(keras.optimizers.Adam(0.05))
    labels = [vocabulary.encode(phones) for phones in transcripts]
    # One batch, for which JAX compiles once.
    net.fit(sl.sampling.UtteranceBatches(arrays, labels, 48), epochs=80, verbose=0)
    for width in (None, 4):
        found = net.transcribe(arrays, width=width)
        assert sl.metrics.phone_error_rate(transcripts, found) < 0.1


@pytest.mark.slow
def test_a_framewise_network_learns_the_labeled_frames(rng):
    arrays = [rng.normal(0, 1, (30, 6)).astype(np.float32) for _ in range(32)]
    labels = [np.zeros(30, int) for _ in arrays]
    for array, label in zip(arrays, labels, strict=True):
        array[10:20] += 5
        label[10:20] = 1
        label[25:] = -1
    net = build("framewise", units=(8,))
    net.compile(keras.optimizers.Adam(0.02))
    net.fit(sl.sampling.UtteranceBatches(arrays, labels, 8), epochs=10, verbose=0)
    assert net.accuracy(arrays, labels) > 0.95
    with pytest.raises(errors.ArgumentError, match="no frame is labeled"):
        net.accuracy(arrays[:1], [np.full(30, -1)])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ctc", "framewise"])
@pytest.mark.parametrize("stride", [1, 3])
def test_the_loss_does_not_depend_on_padding(rng, kind, stride):
    net = build(kind, stride=stride)
    x = rng.normal(size=(3, 16, 6)).astype(np.float32)
    frames = np.array([16, 12, 9], np.int32)
    if kind == "ctc":
        y = np.array([[1, 2, 2], [3, -1, -1], [1, 3, -1]])
    else:
        y = rng.integers(0, 3, size=(3, -(-16 // stride)))
        for row, n in zip(y, frames, strict=True):
            row[-(-n // stride) :] = -1
    expected = net.evaluate({"spectrogram": x, "frames": frames}, y, verbose=0)
    longer = np.full((3, 25, 6), 1e3, np.float32)
    for i, n in enumerate(frames):
        longer[i, :n] = x[i, :n]
    extra = 3 if kind == "ctc" else -(-25 // stride) - y.shape[1]
    y = np.pad(y, ((0, 0), (0, extra)), constant_values=-1)
    found = net.evaluate({"spectrogram": longer, "frames": frames}, y, verbose=0)
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_ctc_loss_equals_that_of_the_lattice(rng):
    net = build("ctc")
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
@pytest.mark.parametrize("kind", ["ctc", "framewise"])
def test_a_phone_network_is_saved_and_loaded(rng, tmp_path, kind):
    scaler = sl.scaling.MinMaxScaler().fit(rng.normal(-50, 9, size=(30, 6)))
    stride = 2 if kind == "ctc" else 1
    net = build(kind, scaler=scaler, stride=stride, dropout=0.1)
    net.compile("adam", run_eagerly=True)  # compiling takes longer here
    arrays = [rng.normal(-50, 9, (n, 6)).astype(np.float32) for n in (30, 21)]
    labels = [[1], [2]] if kind == "ctc" else [np.zeros(n, int) for n in (30, 21)]
    batches = sl.sampling.UtteranceBatches(arrays, labels, 2)
    net.train_on_batch(*batches[0])
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    assert loaded.vocabulary == VOCABULARY[kind]
    assert loaded.stride == stride
    assert int(loaded.optimizer.iterations) == 1
    for a, b in zip(net.logits(arrays), loaded.logits(arrays), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_logits_of_an_utterance_do_not_depend_on_the_others(rng):
    net = build("ctc", stride=2)
    arrays = [rng.normal(size=(n, 6)).astype(np.float32) for n in (30, 90, 7, 51)]
    together = net.logits(arrays, batch_size=3)
    for array, logits in zip(arrays, together, strict=True):
        assert len(logits) == net.output_frames(len(array)) == -(-len(array) // 2)
        np.testing.assert_allclose(logits, net.logits([array])[0], atol=1e-5)


@pytest.mark.slow
def test_recorded_logits_are_those_before_and_after_each_epoch(rng):
    arrays = [rng.normal(size=(n, 6)).astype(np.float32) for n in (12, 9)]
    batches = sl.sampling.UtteranceBatches(arrays, [[1, 2], [1]])
    net = build("ctc", units=(3,))
    net.compile("adam", run_eagerly=True)
    recorder = networks.LogitRecorder(arrays)
    expected = [net.logits(arrays)]
    for _ in range(2):  # a second fit appends
        net.fit(batches, epochs=1, verbose=0, callbacks=[recorder])
        expected.append(net.logits(arrays))
    assert len(recorder.logits) == 3
    for found, epoch in zip(recorder.logits, expected, strict=True):
        for a, b in zip(found, epoch, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


OUT_OF_RANGE = {
    "vocabulary with a blank": lambda: networks.ctc_blstm(VOCABULARY["framewise"]),
    "without a blank.*got": lambda: networks.framewise_blstm(VOCABULARY["ctc"]),
    "a number for each LSTM": lambda: build("ctc", units=()),
    "at least 1; got 0": lambda: build("ctc", stride=0),
}


@pytest.mark.parametrize(("message", "call"), OUT_OF_RANGE.items())
def test_arguments_out_of_range_are_named(call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call()
