"""The encoder that comes with siamlab: NumPy against Keras, files, what it hears."""

import json
import pickle
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab.embeddings import Encoder


@pytest.fixture(scope="module")
def small():
    """An encoder with weights that no layer leaves as they are."""
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(3).normal(-50, 15, size=(400, 16))
    net = sl.networks.xvector_encoder(
        n_mels=16,
        units=6,
        output_dim=5,
        scaler=sl.scaling.StandardScaler(floor_db=-80.0).fit(x),
    )
    for layer in net.layers:
        for weight in layer.weights:
            if layer.name.startswith("norm"):
                noise = np.random.default_rng(4).uniform(0.5, 1.5, weight.shape)
                weight.assign(noise)
    spectrogram = sl.Spectrogram(n_mels=16)
    return net, Encoder.from_network(
        net, spectrogram, {"n_frames": 30, "hop_frames": 15}
    )


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 70), st.integers(1, 3), st.integers(0, 99))
def test_numpy_computes_what_keras_does(small, frames, segments, seed):
    net, encoder = small
    x = np.random.default_rng(seed).normal(-50, 20, size=(segments, frames, 16))
    expected = keras.ops.convert_to_numpy(net(x.astype(np.float32)))
    np.testing.assert_allclose(encoder(x), expected, atol=2e-5)


def test_the_network_in_keras_is_the_encoder(small):
    _, encoder = small
    x = np.random.default_rng(0).normal(-50, 20, size=(4, 40, 16)).astype(np.float32)
    again = keras.ops.convert_to_numpy(encoder.network()(x))
    np.testing.assert_allclose(again, encoder(x), atol=2e-5)


def test_the_shipped_network_is_the_same_in_keras():
    encoder = sl.encoder()
    x = np.random.default_rng(0).normal(-50, 20, size=(2, 120, 128)).astype(np.float32)
    net = encoder.network([sl.layers.RandomGain(10.0)])  # idle in inference
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(net(x)), encoder(x), atol=2e-5
    )


def test_an_encoder_survives_its_file(small, tmp_path):
    _, encoder = small
    encoder.save(tmp_path / "small.npz")
    again = Encoder.load(tmp_path / "small.npz")
    x = np.random.default_rng(0).normal(-50, 20, size=(4, 40, 16))
    np.testing.assert_array_equal(again(x), encoder(x))
    assert again.spectrogram == encoder.spectrogram
    assert again.about == encoder.about


def test_the_kept_filters_are_those_of_the_spectrogram():
    kept, made = sl.encoder().spectrogram, sl.Spectrogram()
    assert kept == made
    np.testing.assert_allclose(kept.mel_filters, made.mel_filters, atol=1e-7)
    np.testing.assert_allclose(kept.window, made.window, atol=1e-7)
    assert kept.n_bins == made.n_bins


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04broken"])
def test_what_is_no_encoder_is_refused(tmp_path, content):
    path = tmp_path / "some.npz"
    path.write_bytes(content)
    with pytest.raises(
        sl.errors.StorageError, match="is no encoder that siamlab wrote"
    ):
        Encoder.load(path)
    with pytest.raises(sl.errors.StorageError, match="is no encoder"):
        Encoder.load(tmp_path / "none.npz")


def test_a_file_cut_anywhere_is_refused(small, tmp_path):
    _, encoder = small
    encoder.save(tmp_path / "small.npz")
    whole = (tmp_path / "small.npz").read_bytes()
    for share in np.linspace(0.02, 0.98, 25):
        (tmp_path / "cut.npz").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(sl.errors.StorageError, match="is no encoder"):
            Encoder.load(tmp_path / "cut.npz")


def test_only_the_network_that_an_encoder_is_made_of_is_taken():
    scaler = sl.scaling.StandardScaler().fit(
        np.random.default_rng(0).normal(size=(50, 128))
    )
    for net in (
        sl.networks.blstm_encoder(units=4, scaler=scaler),
        sl.networks.xvector_encoder(units=4, output_dim=4),
    ):
        with pytest.raises(sl.errors.ArgumentError, match="xvector_encoder with a scaler"):
            Encoder.from_network(
                net, sl.Spectrogram(), {"n_frames": 120, "hop_frames": 60}
            )


def test_it_neither_loads_tensorflow_nor_librosa():
    program = """
        import json, sys
        import numpy as np
        import siamlab as sl
        noise = np.random.default_rng(0).normal(size=16000).astype("float32") / 10
        vector = sl.encoder().embed(noise, 16000)
        heavy = "keras", "tensorflow", "librosa", "numba", "pandas", "scipy.signal"
        print(json.dumps([vector.size, [m for m in heavy if m in sys.modules]]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [128, []]


def test_it_is_small():
    from siamlab.embeddings import pretrained

    assert (pretrained._HERE / "encoder.npz").stat().st_size < 3_000_000


def test_the_card_names_data_licence_figures_and_limits():
    card = sl.embeddings.encoder_card()
    for word in ("LibriSpeech", "CC BY 4.0", "equal error rate", "interval", "Not for"):
        assert word in card


def test_a_recording_gives_what_its_segments_give():
    encoder = sl.encoder()
    samples, rate = sl.corpora.voices(n_speakers=1, n_utterances=1)[0]
    x = encoder.spectrogram(samples, rate)
    slow = np.mean(
        [encoder(x[None, i : i + 120])[0] for i in range(0, len(x) - 119, 60)], axis=0
    )
    expected = slow / np.linalg.norm(slow)
    np.testing.assert_allclose(encoder.embed(samples, rate), expected, atol=1e-5)
    corpus = sl.corpora.voices(n_speakers=1, n_utterances=1)
    np.testing.assert_allclose(sl.embed(corpus)[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "x", [np.zeros((120, 128)), np.zeros((1, 120, 40)), np.zeros((1, 0, 128))]
)
def test_other_shapes_are_refused(x):
    with pytest.raises(sl.errors.ArgumentError, match=r"takes \(segments, frames, 128"):
        sl.encoder()(x)


def test_features_of_another_spectrogram_are_refused():
    features = sl.extract(
        sl.corpora.voices(n_speakers=2, n_utterances=1), sl.Spectrogram(hop_length=80)
    )
    with pytest.raises(sl.errors.ArgumentError, match="its own spectrogram"):
        sl.embed(sl.encoder(), features)


def test_a_folder_is_embedded_and_drawn_in_three_lines(tmp_path, a_folder_of_voices):
    import matplotlib.pyplot as plt

    a_folder_of_voices(tmp_path, speakers=3, utterances=3)
    corpus = sl.corpora.voices(n_speakers=3, n_utterances=3)
    (tmp_path / corpus.table.speaker[0] / "broken.wav").write_bytes(b"RIFF")

    embeddings = sl.embed(str(tmp_path))
    ax = sl.plots.speaker_map(embeddings)

    assert embeddings.shape == (9, 128)
    assert sorted(set(embeddings.speakers)) == sorted(set(corpus.table.speaker))
    assert list(embeddings.rejected.path) == [
        str(tmp_path / corpus.table.speaker[0] / "broken.wav")
    ]
    assert "neighbor purity" in ax.get_title()
    plt.close(ax.figure)


def test_loose_recordings_and_single_files_are_embedded(tmp_path):
    import soundfile

    corpus = sl.corpora.voices(n_speakers=2, n_utterances=1)
    for i in range(2):
        soundfile.write(tmp_path / f"{i}.wav", *corpus[i])
    both = sl.embed(tmp_path)
    assert list(both.speakers) == ["", ""]
    np.testing.assert_array_equal(sl.embed(tmp_path / "1.wav"), both[1:])
    with pytest.raises(sl.errors.CorpusError, match="does not exist"):
        sl.embed(tmp_path / "none")


def test_embeddings_are_an_array_that_knows_its_table():
    rows = np.eye(3, dtype=np.float32)
    table = pd.DataFrame({"speaker": ["a", "b", "b"]})
    embeddings = sl.embeddings.Embeddings(rows, table)
    assert list(embeddings.speakers) == ["a", "b", "b"]
    for plain in (embeddings[1:], embeddings + 1, np.exp(embeddings), embeddings[0, 0]):
        assert not hasattr(plain, "table")
    assert list(pickle.loads(pickle.dumps(embeddings)).speakers) == ["a", "b", "b"]
    with pytest.raises(sl.errors.ArgumentError, match="no table"):
        _ = embeddings.T.speakers
    with pytest.raises(sl.errors.ArgumentError, match="a row of the table"):
        sl.embeddings.Embeddings(rows, table[:2])


def test_a_map_of_a_plain_array_asks_whose_it_is():
    with pytest.raises(sl.errors.ArgumentError, match="needs the speaker of each embedding"):
        sl.plots.speaker_map(np.eye(5))


def test_it_hears_voices_it_was_never_trained_on(data):
    """As it is, and when each utterance is heard through a microphone of its own."""
    features = sl.extract(
        sl.corpora.librispeech(data / "librispeech-mini", "test-other")
    )
    for given_ in (features, sl.embeddings.randomize_channel(features, 6.0, seed=1)):
        embeddings = sl.embed(sl.encoder(), given_)
        assert sl.metrics.verify(embeddings, features.speakers).eer < 0.035


@pytest.mark.slow
def test_training_an_encoder_makes_it_better(tmp_path):
    """Few steps on few voices are enough to see that the recipe trains at all."""
    corpus = sl.corpora.voices(n_speakers=16, n_utterances=6)
    features = sl.extract(corpus)
    rates = []
    for steps in (1, 40):
        encoder = sl.embeddings.train_encoder(features, epochs=1, steps=steps)
        rates.append(
            sl.metrics.verify(sl.embed(encoder, features), features.speakers).eer
        )
    assert rates[1] < 0.7 * rates[0]


def doctored(encoder, path, about=None, **arrays):
    """Write an encoder of which something is another."""
    encoder.save(path)
    with np.load(path) as kept:
        found = dict(kept)
    found["about"] = np.array(
        json.dumps(json.loads(str(found["about"])) | (about or {}))
    )
    found = {name: x for name, x in (found | arrays).items() if x is not None}
    np.savez(path, **found)
    return path


@pytest.mark.parametrize(
    "change",
    [
        {"about": {"n_frames": 0}},
        {"about": {"n_frames": 10**9}},
        {"about": {"hop_frames": "1"}},
        {"about": {"spectrogram": {"bands": 10**8}}},
        {"about": {"spectrogram": {"hop": 1e-9}}},
        {"about": {"spectrogram": {"window": 1e6}}},
        {"conv_3/kernel": None},
        {"norm_pool/gamma": np.zeros(3)},
        {"norm_2/beta": np.array(["a"] * 6)},
        {"dense/bias": np.full(5, np.nan)},
    ],
    ids=str,
)
def test_an_encoder_that_could_not_be_used_is_refused_at_once(small, tmp_path, change):
    _, encoder = small
    path = doctored(encoder, tmp_path / "a.npz", **change)
    with pytest.raises(
        sl.errors.StorageError, match="is no encoder that siamlab wrote"
    ):
        Encoder.load(path)
