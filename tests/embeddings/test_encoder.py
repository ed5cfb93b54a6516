"""The shipped encoder: NumPy, Keras and ONNX agree; files; recordings."""

import json
import pickle
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab.embeddings import Encoder
from siamlab.errors import ArgumentError, CorpusError, StorageError


@pytest.fixture(scope="module")
def small():
    """A small network, with weights other than 0 and 1, and its encoder."""
    rng = np.random.default_rng(3)
    scaler = sl.scaling.StandardScaler(floor_db=-80.0)
    scaler.fit(rng.normal(-50, 15, size=(400, 16)))
    model = sl.networks.xvector_encoder(16, units=6, output_dim=5, scaler=scaler)
    for layer in model.layers:
        if layer.name.startswith("norm"):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    about = {"n_frames": 30, "hop_frames": 15}
    return model, Encoder.from_network(model, sl.Spectrogram(n_mels=16), about)


def in_decibels(shape, seed=0):
    return np.random.default_rng(seed).normal(-50, 25, shape).astype(np.float32)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 70), st.integers(1, 3), st.integers(0, 99))
def test_numpy_and_keras_compute_the_same(small, n_frames, n_segments, seed):
    model, encoder = small
    x = in_decibels((n_segments, n_frames, 16), seed)
    expected = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(encoder(x), expected, atol=2e-5)


def test_the_shipped_encoder_is_the_same_network_in_keras():
    encoder = sl.encoder()
    x = in_decibels((2, 120, 128))
    model = encoder.network([sl.layers.RandomGain(10.0)])  # inactive in inference
    found = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(found, encoder(x), atol=2e-5)


ONNX = """
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
name = session.get_inputs()[0].name
with np.load(sys.argv[2]) as x:
    y = [session.run(None, {name: x[key]})[0].tolist() for key in x]
assert not {"keras", "tensorflow", "siamlab"} & set(sys.modules)
print(json.dumps(y))
"""


@pytest.mark.slow
def test_an_onnx_file_computes_the_same_without_keras(small, tmp_path, in_a_process):
    _, encoder = small
    path = tmp_path / "encoder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter, about NumPy
        encoder.network().export(path, format="onnx", verbose=False)
    x = [in_decibels((n, frames, 16)) for n in (1, 3) for frames in (1, 2, 31, 120)]
    np.savez(tmp_path / "x.npz", *x)
    outputs = json.loads(in_a_process(ONNX, path, tmp_path / "x.npz"))
    for segments, found in zip(x, outputs, strict=True):
        np.testing.assert_allclose(found, encoder(segments), atol=1e-4)


def test_an_encoder_survives_its_file(small, tmp_path):
    _, encoder = small
    encoder.save(tmp_path / "small.npz")
    again = Encoder.load(tmp_path / "small.npz")
    x = in_decibels((4, 40, 16))
    np.testing.assert_array_equal(again(x), encoder(x))
    assert (again.spectrogram, again.about) == (encoder.spectrogram, encoder.about)


def test_the_saved_filters_are_those_of_the_spectrogram():
    saved = sl.encoder().spectrogram
    computed = sl.Spectrogram(level_db=saved.level_db)
    assert saved == computed
    np.testing.assert_allclose(saved.mel_filters, computed.mel_filters, atol=1e-7)
    np.testing.assert_allclose(saved.window, computed.window, atol=1e-7)


@pytest.mark.parametrize(
    "change",
    [
        {"about": {"n_frames": 0}},
        {"about": {"spectrogram": {"n_mels": 10**8}}},
        {"conv_3/kernel": None},
        {"norm_pool/gamma": np.zeros(3)},
        {"dense/bias": np.full(5, np.nan)},
    ],
    ids=str,
)
def test_an_unusable_encoder_is_refused_when_loaded(small, tmp_path, change):
    path = tmp_path / "changed.npz"
    small[1].save(path)
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"])) | change.pop("about", {})
    arrays |= change | {"about": np.array(json.dumps(about))}
    np.savez(path, **{name: x for name, x in arrays.items() if x is not None})
    with pytest.raises(StorageError, match="is not a readable encoder file"):
        Encoder.load(path)


def test_other_networks_and_shapes_are_refused():
    about = {"n_frames": 120, "hop_frames": 60}
    for model in (
        sl.networks.blstm_encoder(units=4, scaler=sl.scaling.AffineScaler()),
        sl.networks.xvector_encoder(units=4, output_dim=4),
    ):
        with pytest.raises(ArgumentError, match="xvector_encoder with a scaler"):
            Encoder.from_network(model, sl.Spectrogram(), about)
    for shape in ((120, 128), (1, 120, 40), (1, 0, 128)):
        with pytest.raises(ArgumentError, match=r"shape \(batch, time, 128\)"):
            sl.encoder()(np.zeros(shape))


@pytest.fixture(scope="module")
def corpus():
    return sl.corpora.voices(n_speakers=3, n_utterances=3)


def test_an_embedding_is_the_mean_over_the_segments(corpus):
    encoder = sl.encoder()
    samples, sr = corpus[0]
    x = encoder.spectrogram(samples, sr)
    rows = [encoder(x[None, i : i + 120])[0] for i in range(0, len(x) - 119, 60)]
    expected = np.mean(rows, axis=0) / np.linalg.norm(np.mean(rows, axis=0))
    np.testing.assert_allclose(encoder.embed(samples, sr), expected, atol=1e-5)
    for recordings in (corpus, sl.extract(corpus, encoder.spectrogram)):
        np.testing.assert_allclose(sl.embed(recordings)[0], expected, atol=1e-5)


CHANGES = {
    "an offset of 1 %": lambda samples: samples + np.float32(0.01),
    "30 dB less": lambda samples: samples * np.float32(10**-1.5),
    "16-bit integers": lambda samples: (samples * 32767).astype(np.int16),
    "unsigned bytes at full scale": lambda samples: np.uint8(
        128 + 127 * samples / np.abs(samples).max()
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_offset_level_and_type_of_samples_barely_change_an_embedding(corpus, change):
    encoder = sl.encoder()
    for samples, sr in (corpus[i] for i in range(0, 9, 3)):
        changed = CHANGES[change](samples)
        cosine = encoder.embed(samples, sr) @ encoder.embed(changed, sr)
        assert cosine > (0.8 if changed.dtype == np.uint8 else 0.999)


def test_features_of_another_spectrogram_are_refused(corpus):
    features = sl.extract(corpus, sl.Spectrogram(hop_length=80))
    with pytest.raises(ArgumentError, match="features with its own spectrogram"):
        sl.embed(sl.encoder(), features)


def test_single_files_and_folders_without_speakers_are_embedded(tmp_path, corpus):
    for i in range(2):
        soundfile.write(tmp_path / f"{i}.wav", *corpus[i])
    both = sl.embed(tmp_path)
    assert list(both.speakers) == ["", ""]
    np.testing.assert_array_equal(sl.embed(tmp_path / "1.wav"), both[1:])
    with pytest.raises(CorpusError, match="does not exist"):
        sl.embed(tmp_path / "missing")


def test_only_whole_embeddings_have_a_table():
    rows = np.eye(3, dtype=np.float32)
    table = pd.DataFrame({"speaker": ["a", "b", "b"]})
    embeddings = sl.embeddings.Embeddings(rows, table)
    assert list(embeddings.speakers) == ["a", "b", "b"]
    for plain in (embeddings[1:], embeddings + 1, np.exp(embeddings), embeddings[0, 0]):
        assert not hasattr(plain, "table")
    assert list(pickle.loads(pickle.dumps(embeddings)).speakers) == ["a", "b", "b"]
    with pytest.raises(ArgumentError, match="needs the speaker of each embedding"):
        sl.plots.speaker_map(embeddings + 1)


@pytest.mark.parametrize("range_db", [0.01, 6.0])
def test_unknown_speakers_are_told_apart_whatever_the_microphone(data, range_db):
    corpus = sl.corpora.librispeech(data / "librispeech-mini", "test-other")
    features = sl.embeddings.randomize_channel(sl.extract(corpus), range_db, seed=1)
    embeddings = sl.embed(sl.encoder(), features)
    assert sl.metrics.verify(embeddings, features.speakers).eer < 0.035
