import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

from sklearn.exceptions import NotFittedError

import siamlab as sl
from siamlab import errors, layers, networks

SMALL = {"n_frames": 12, "n_mels": 8, "units": 6, "output_dim": 5}


@pytest.fixture
def features(rng):
    """Four speakers, each with a spectral shape of his own, in dB."""
    shapes = rng.normal(-50, 12, size=(4, 8))
    arrays = [
        (shapes[i // 5] + rng.normal(0, 6, size=(60, 8))).astype(np.float32)
        for i in range(20)
    ]
    speakers = [f"s{i // 5}" for i in range(20)]
    return sl.Features(arrays, pd.DataFrame({"speaker": speakers}))


@pytest.fixture
def batches(features):
    return sl.sampling.SpeakerBatches(
        features, n_speakers=4, n_segments=4, n_frames=12, steps_per_epoch=15
    )


def a_net(features, head="softmax", loss=None, optimizer="adam"):
    scaler = sl.scaling.StandardScaler().fit(features)
    encoder = networks.blstm_encoder(**SMALL, head=head, scaler=scaler)
    net = networks.SpeakerNet(encoder)
    net.compile(optimizer, loss=loss or sl.losses.KLHinge())
    return net


@pytest.mark.parametrize(
    "scaler",
    [
        sl.scaling.StandardScaler(),
        sl.scaling.StandardScaler(per_band=False),
        sl.scaling.MinMaxScaler(),
        sl.scaling.MinMaxScaler(per_band=True),
    ],
)
def test_a_scaler_in_a_network_scales_as_outside(features, scaler):
    scaler.fit(features)
    layer = layers.Scale.from_scaler(scaler)
    scaled = np.asarray(layer(features[0][None]))[0]
    np.testing.assert_allclose(scaled, scaler.transform(features[0]), atol=1e-5)
    assert layer.trainable_weights == []


def test_a_scaler_of_other_bands_is_named():
    scaler = sl.scaling.StandardScaler().fit(
        np.random.default_rng(0).normal(size=(9, 16))
    )
    with pytest.raises(
        errors.ArgumentError, match=r"each of 8 mel bands; got shape \(16,\)"
    ):
        networks.blstm_encoder(**SMALL, scaler=scaler)


def test_a_scaler_that_was_not_fitted_is_named():
    with pytest.raises(NotFittedError):
        networks.blstm_encoder(**SMALL, scaler=sl.scaling.StandardScaler())


def test_a_scaler_of_each_utterance_cannot_travel_inside():
    with pytest.raises(errors.ArgumentError, match="cannot be part of a network"):
        networks.blstm_encoder(**SMALL, scaler=sl.scaling.MinMaxScaler(per="utterance"))


def test_the_base_network_is_the_source_programs():
    net = networks.blstm_encoder()
    assert net.input_shape == (None, 40, 128)
    assert net.output_shape == (None, 128)
    names = [layer.name for layer in net.layers]
    assert [n for n in names if n.startswith("blstm")] == ["blstm_1", "blstm_2"]
    assert net.get_layer("blstm_1").output.shape == (None, 40, 256)
    assert net.get_layer("blstm_2").output.shape == (None, 256)


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        ("softmax", lambda y: np.allclose(y.sum(axis=1), 1) and (y >= 0).all()),
        ("unit", lambda y: np.allclose(np.linalg.norm(y, axis=1), 1, atol=1e-5)),
        ("logits", lambda y: not np.allclose(y.sum(axis=1), 1)),
    ],
)
def test_a_head_gives_what_it_says(rng, head, holds):
    y = networks.blstm_encoder(**SMALL, head=head)(rng.normal(size=(7, 12, 8)))
    assert holds(np.asarray(y))


def test_an_unknown_head_is_named():
    with pytest.raises(errors.ArgumentError, match="softmax, logits, unit; got 'relu'"):
        networks.blstm_encoder(head="relu")


@pytest.mark.parametrize(
    ("head", "loss"),
    [
        ("softmax", sl.losses.KLHinge()),
        ("logits", sl.losses.KLHinge(from_logits=True)),
        ("unit", sl.losses.Contrastive()),
        ("unit", sl.losses.SupervisedContrastive()),
    ],
)
def test_training_lowers_the_loss_and_the_error(features, batches, head, loss):
    keras.utils.set_random_seed(3)
    net = a_net(features, head, loss, keras.optimizers.Adam(0.01))
    history = net.fit(batches, epochs=12, verbose=0)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]
    embeddings = sl.embed(net, features, layer="head")
    assert sl.metrics.verify(embeddings, features.speakers, n_resamples=5).eer < 0.2


def test_a_seed_decides_everything(features, batches):
    outputs = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        net = a_net(features)
        again = sl.sampling.SpeakerBatches(
            features, n_speakers=4, n_frames=12, steps_per_epoch=4, seed=7
        )
        net.fit(again, epochs=2, verbose=0)
        outputs.append(sl.embed(net, features))
    np.testing.assert_array_equal(*outputs)


LOADING = """
import sys, numpy as np
import siamlab.networks
import keras
net = keras.saving.load_model(sys.argv[1])
data = np.load(sys.argv[2])
np.testing.assert_allclose(net.predict(data["x"], verbose=0), data["y"], atol=1e-6)
loss = net.evaluate(data["x"], data["ids"], batch_size=8, verbose=0)
np.testing.assert_allclose(loss, data["loss"], rtol=1e-5)
before = int(net.optimizer.iterations)
net.fit(data["x"], data["ids"], batch_size=8, verbose=0)
assert int(net.optimizer.iterations) == before + 1 == 16
print(type(net).__module__, type(net).__name__)
"""


def test_a_saved_network_loads_in_a_new_process(features, batches, tmp_path, rng):
    net = a_net(features)
    net.fit(batches, epochs=1, verbose=0)
    net.save(tmp_path / "net.keras")
    x, ids = rng.normal(-50, 20, size=(8, 12, 8)).astype(np.float32), np.arange(8) // 2
    y = net.predict(x, verbose=0)
    loss = net.evaluate(x, ids, batch_size=8, verbose=0)
    np.savez(tmp_path / "data.npz", x=x, y=y, ids=ids, loss=loss)
    done = subprocess.run(
        [sys.executable, "-c", LOADING, "net.keras", "data.npz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["siamlab.networks.speaker_models", "SpeakerNet"]


def an_xvector(features):
    scaler = sl.scaling.StandardScaler().fit(features)
    return networks.xvector_encoder(n_mels=8, units=12, output_dim=6, scaler=scaler)


def test_an_xvector_takes_any_length_and_gives_unit_vectors(features):
    net = an_xvector(features)
    for frames in (5, 12, 60):
        outputs = np.asarray(net(features[0][None, :frames]))
        np.testing.assert_allclose(np.linalg.norm(outputs, axis=1), 1, atol=1e-5)
    found = sl.embed(net, features, layer="head", n_frames=12)
    assert found.shape == (len(features), 6)


def test_an_xvector_learns_speakers_and_is_saved_with_it(features, batches, tmp_path):
    keras.utils.set_random_seed(0)
    net = networks.SpeakerNet(an_xvector(features))
    net.compile("adam", loss=sl.losses.SupervisedContrastive())
    loss = net.fit(batches, epochs=4, verbose=0).history["loss"]
    assert loss[-1] < 0.9 * loss[0]
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    how = {"layer": "head", "n_frames": 12}
    np.testing.assert_allclose(
        sl.embed(again, features, **how), sl.embed(net, features, **how), atol=1e-5
    )


def test_a_base_that_is_no_model_is_named():
    with pytest.raises(errors.ArgumentError, match=r"must be a keras\.Model; got str"):
        networks.SpeakerNet("base")


@pytest.fixture
def symbols():
    return sl.ctc.Vocabulary(("a", "b", "c"), blank=0)


def spoken(rng, n=24):
    """Utterances whose letters are bands that light up, in dB, and the letters."""
    arrays, texts = [], []
    for _ in range(n):
        text = rng.integers(3, size=rng.integers(2, 5))
        frames = np.full((int(8 * len(text) + rng.integers(4, 9)), 6), -80.0)
        for k, letter in enumerate(text):
            frames[8 * k + 2 : 8 * k + 7, 2 * letter : 2 * letter + 2] = -20.0
        arrays.append((frames + rng.normal(0, 2, frames.shape)).astype(np.float32))
        texts.append(["abc"[letter] for letter in text])
    return arrays, texts


@pytest.mark.parametrize(("blank", "stride"), [(0, 1), (-1, 1), (1, 2)])
def test_a_ctc_network_learns_to_write_down(rng, blank, stride):
    keras.utils.set_random_seed(2)
    symbols = sl.ctc.Vocabulary(("a", "b", "c"), blank)
    arrays, texts = spoken(rng, 48)
    scaler = sl.scaling.StandardScaler().fit(arrays)
    net = networks.ctc_blstm(
        symbols, n_bins=6, units=(12,), scaler=scaler, stride=stride
    )
    net.compile(optimizer=keras.optimizers.Adam(0.02))
    labels = [symbols.encode(text) for text in texts]
    net.fit(sl.sampling.UtteranceBatches(arrays, labels, 8), epochs=25, verbose=0)
    assert sl.metrics.phone_error_rate(texts, net.transcribe(arrays)) < 0.1
    assert sl.metrics.phone_error_rate(texts, net.transcribe(arrays, width=4)) < 0.1


@pytest.mark.parametrize("kind", ["ctc", "framewise"])
@pytest.mark.parametrize("stride", [1, 3])
def test_padding_is_never_read(rng, kind, stride):
    blank = 0 if kind == "ctc" else None
    symbols = sl.ctc.Vocabulary(("a", "b", "c"), blank)
    make = getattr(networks, f"{kind}_blstm")
    net = make(symbols, n_bins=6, units=(5, 4), stride=stride)
    net.compile("adam")
    x = rng.normal(size=(3, 40, 6)).astype(np.float32)
    frames = np.array([40, 31, 22], np.int32)
    if kind == "ctc":
        y = np.array([[1, 2, 2], [3, -1, -1], [1, 3, -1]])
    else:
        y = rng.integers(0, 3, size=(3, -(-40 // stride)))
        for row, n in zip(y, frames, strict=True):
            row[-(-n // stride) :] = -1
    expected = net.evaluate({"spectrogram": x, "frames": frames}, y, verbose=0)
    for fill in (0.0, 1e3):
        longer = np.full((3, 61, 6), fill, np.float32)
        for i, n in enumerate(frames):
            longer[i, :n] = x[i, :n]
        width = y.shape[1] + (3 if kind == "ctc" else -(-61 // stride) - y.shape[1])
        labels = np.full((3, width), -1)
        labels[:, : y.shape[1]] = y
        found = net.evaluate(
            {"spectrogram": longer, "frames": frames}, labels, verbose=0
        )
        assert found == pytest.approx(expected, rel=1e-5)


def test_the_ctc_loss_is_that_of_the_lattice(rng, symbols):
    net = networks.ctc_blstm(symbols, n_bins=6, units=(5,))
    net.compile("adam")
    x = {
        "spectrogram": rng.normal(size=(2, 20, 6)).astype(np.float32),
        "frames": np.array([20, 14]),
    }
    labels = np.array([[1, 1, 3], [2, -1, -1]])
    logits = np.asarray(net(x))
    each = [
        sl.ctc.lattice(logits[i, :n], row[row >= 0], 0)[1]
        for i, (n, row) in enumerate(zip((20, 14), labels, strict=True))
    ]
    found = net.evaluate(x, labels, verbose=0)
    assert found == pytest.approx(np.mean(each), rel=1e-4)


def test_a_framewise_network_names_frames(rng):
    keras.utils.set_random_seed(2)
    symbols = sl.ctc.Vocabulary(("quiet", "loud"), blank=None)
    arrays = [rng.normal(0, 1, (30, 6)).astype(np.float32) for _ in range(32)]
    labels = []
    for array in arrays:
        array[10:20] += 5
        label = np.zeros(30, int)
        label[10:20] = 1
        label[25:] = -1
        labels.append(label)
    net = networks.framewise_blstm(symbols, n_bins=6, units=(8,))
    net.compile(optimizer=keras.optimizers.Adam(0.02))
    before = net.accuracy(arrays, labels)
    net.fit(sl.sampling.UtteranceBatches(arrays, labels, 8), epochs=10, verbose=0)
    assert net.accuracy(arrays, labels) > max(before, 0.95)


@pytest.mark.parametrize("kind", ["ctc", "framewise"])
def test_a_network_of_phones_survives_saving(rng, tmp_path, kind):
    blank = 1 if kind == "ctc" else None
    symbols = sl.ctc.Vocabulary(("a", "ʃ", "ç"), blank)
    scaler = sl.scaling.MinMaxScaler().fit(rng.normal(-50, 9, size=(30, 6)))
    net = getattr(networks, f"{kind}_blstm")(
        symbols, n_bins=6, units=(5, 4), scaler=scaler, stride=2, dropout=0.1
    )
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    assert again.vocabulary == symbols
    assert again.stride == 2
    arrays = [rng.normal(-50, 9, (n, 6)).astype(np.float32) for n in (30, 21)]
    for a, b in zip(net.logits(arrays), again.logits(arrays), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_outputs_of_whole_utterances_do_not_depend_on_their_company(rng, symbols):
    net = networks.ctc_blstm(symbols, n_bins=6, units=(5,), stride=2)
    arrays = [rng.normal(size=(n, 6)).astype(np.float32) for n in (30, 90, 7, 51)]
    together = net.logits(arrays)
    for array, logits in zip(arrays, together, strict=True):
        assert len(logits) == net.output_frames(len(array))
        (alone,) = net.logits([array])
        np.testing.assert_allclose(logits, alone, atol=1e-5)


def test_blanks_are_asked_for_where_they_belong(symbols):
    with pytest.raises(errors.ArgumentError, match="CTC needs symbols with a blank"):
        networks.ctc_blstm(sl.ctc.Vocabulary(("a",), blank=None))
    with pytest.raises(errors.ArgumentError, match="framewise network has no blank"):
        networks.framewise_blstm(symbols)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.Adam(0.01),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    ],
    ids=["adam", "momentum"],
)
def test_a_loaded_network_trains_on_as_if_it_had_never_stopped(
    rng, tmp_path, optimizer
):
    x, ids = rng.normal(size=(8, 12, 8)).astype(np.float32), np.arange(8) // 2
    base = networks.blstm_encoder(**SMALL, dropout=0.0)
    net = networks.SpeakerNet(base)
    net.compile(optimizer(), loss=sl.losses.KLHinge())
    net.fit(x, ids, batch_size=8, epochs=3, verbose=0)
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    assert type(again.optimizer) is type(net.optimizer)
    for each in (net, again):
        each.fit(x, ids, batch_size=8, epochs=2, verbose=0)
    for a, b in zip(net.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Skipping variable loading")  # Adam has none yet
def test_a_network_that_was_compiled_but_not_trained_is_saved_with_its_loss(tmp_path):
    net = networks.SpeakerNet(networks.blstm_encoder(**SMALL))
    net.compile("adam", loss=sl.losses.KLHinge(margin=0.7))
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    assert again.loss.margin == 0.7


def test_a_network_without_a_loss_is_saved_too(tmp_path, rng):
    net = networks.SpeakerNet(networks.blstm_encoder(**SMALL))
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    x = rng.normal(size=(2, 12, 8))
    np.testing.assert_allclose(again(x), net(x), atol=1e-6)
    assert not again.compiled


@pytest.fixture
def half_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.usefixtures("half_precision")
def test_half_precision_trains_and_gives_float32(features, batches):
    keras.utils.set_random_seed(3)
    net = a_net(features)
    assert keras.backend.standardize_dtype(net.compute_dtype) == "float16"
    assert keras.backend.standardize_dtype(net.encoder.output.dtype) == "float32"
    history = net.fit(batches, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    embeddings = sl.embed(net, features)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)
