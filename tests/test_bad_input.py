"""One bad recording never ends a run: it is named, and the others come out."""

import shutil

import numpy as np
import pytest
import soundfile

import siamlab as sl
from siamlab import errors


@pytest.fixture
def speak(rng):
    def write(path, seconds=1.0, rate=16000, **how):
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = rng.uniform(-0.5, 0.5, round(seconds * rate))
        soundfile.write(path, samples, rate, **how)
        return path

    return write


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def with_nan(path):
    samples = np.full(16000, 0.1)
    samples[77] = np.nan
    soundfile.write(path, samples, 16000, subtype="FLOAT")


def broken_link(path):
    path.unlink()
    path.symlink_to("gone.wav")


BAD = {
    "no sound": (lambda p: p.write_text("Hallo"), "is no sound file"),
    "empty": (lambda p: p.write_bytes(b""), r"is empty \(0 bytes\)"),
    "cut": (cut, "breaks off"),
    "silent": (lambda p: soundfile.write(p, np.zeros(16000), 16000), "is silent"),
    "nan": (with_nan, "1 samples that are NaN"),
    "short": (
        lambda p: soundfile.write(p, np.full(300, 0.1), 16000),
        "must last one window, 0.025 s; got 0.0187 s",
    ),
    "broken link": (broken_link, "link to a file that does not exist"),
}


@pytest.fixture
def corpus_with_one_bad_file(tmp_path, speak):
    paths = [
        speak(tmp_path / "root" / speaker / f"Gespräch {i}.wav")
        for speaker in ("Jürgen Groß", "Zoë")
        for i in range(2)
    ]

    def spoil(kind):
        BAD[kind][0](paths[2])
        return sl.corpora.folder(tmp_path / "root"), paths

    return spoil


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_and_the_others_come_out(
    cache, corpus_with_one_bad_file, capfd, kind
):
    corpus, paths = corpus_with_one_bad_file(kind)
    features = sl.extract(corpus)
    good = [paths[i] for i in (0, 1, 3)]
    assert features.table.path.tolist() == [str(path) for path in good]
    for path, frames in zip(good, features, strict=True):
        samples, rate = soundfile.read(path, dtype="float32")
        np.testing.assert_allclose(frames, sl.Spectrogram()(samples, rate), atol=1e-4)
    assert features.rejected.path.tolist() == [str(paths[2])]
    assert features.rejected.reason.str.contains(BAD[kind][1]).all()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"1 of 4 recordings rejected ({paths[2]}: ")


@pytest.mark.parametrize("kind", BAD)
def test_strict_raises_instead(cache, corpus_with_one_bad_file, kind):
    corpus, paths = corpus_with_one_bad_file(kind)
    with pytest.raises(errors.AudioError, match=BAD[kind][1]) as caught:
        sl.extract(corpus, strict=True)
    assert caught.value.path == str(paths[2])


def test_a_corpus_of_bad_files_alone_is_an_error(cache, tmp_path, speak):
    for name in "ab":
        speak(tmp_path / "root" / name / "x.wav").write_text("Hallo")
    with pytest.raises(errors.SiamlabError, match=r"all 2 recordings of root: none"):
        sl.extract(sl.corpora.folder(tmp_path / "root"))


def test_every_rate_depth_and_container_is_extracted(cache, tmp_path, speak):
    root = tmp_path / "root"
    for rate in (8000, 22050, 44100, 48000, 96000):
        speak(root / "rates" / f"{rate}.wav", rate=rate)
    for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"):
        speak(root / "depths" / f"{subtype}.wav", subtype=subtype)
    for ending in ("flac", "ogg", "mp3"):
        speak(root / "containers" / f"a.{ending}")
    stereo = np.random.default_rng(0).uniform(-0.5, 0.5, (16000, 2))
    soundfile.write(root / "containers" / "stereo.wav", stereo, 16000)
    features = sl.extract(sl.corpora.folder(root), strict=True)
    assert len(features) == 14
    assert {len(frames) for frames in features[:13]} <= set(range(95, 115))


def test_what_libsndfile_does_not_read_is_named(cache, tmp_path, speak):
    speak(tmp_path / "root" / "a" / "1.wav")
    (tmp_path / "root" / "a" / "2.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    features = sl.extract(sl.corpora.folder(tmp_path / "root"))
    assert features.rejected.path.str.endswith("2.m4a").tolist() == [True]


def test_recordings_shorter_than_a_segment_are_repeated(cache, tmp_path, speak):
    for name in "ab":
        for i in range(2):
            speak(tmp_path / "root" / name / f"{i}.wav", seconds=0.2)
    features = sl.extract(sl.corpora.folder(tmp_path / "root"))
    assert max(len(frames) for frames in features) < 40
    x, _ = sl.sampling.SpeakerBatches(features, n_speakers=2)[0]
    assert x.shape == (8, 40, 128)
    assert sl.embed(sl.networks.blstm_encoder(units=4), features).shape == (4, 8)


def test_one_speaker_alone_cannot_be_told_apart_from_others(cache, tmp_path, speak):
    for i in range(3):
        speak(tmp_path / "root" / "anna" / f"{i}.wav")
    corpus = sl.corpora.folder(tmp_path / "root")
    features = sl.extract(corpus)
    with pytest.raises(errors.ArgumentError, match=r"at least 2 speakers; got 1"):
        sl.sampling.SpeakerBatches(features)
    with pytest.raises(errors.ArgumentError, match=r"2 parts by speaker need as many"):
        corpus.split(by="speaker")
    embeddings = np.eye(3)
    with pytest.raises(errors.ArgumentError, match="all 3 pairs are of the same"):
        sl.metrics.verify(embeddings, features.speakers)


def test_speakers_with_one_utterance_each_can_be_trained_on(cache, tmp_path, speak):
    for name in "abc":
        speak(tmp_path / "root" / name / "only.wav")
    features = sl.extract(sl.corpora.folder(tmp_path / "root"))
    _, ids = sl.sampling.SpeakerBatches(features, n_segments=4)[0]
    assert np.bincount(ids).tolist() == [4, 4, 4]
    with pytest.raises(errors.ArgumentError, match="are of different speakers"):
        sl.metrics.verify(np.eye(3), features.speakers)


def test_real_recordings_are_all_used(cache, data):
    digits = sl.extract(sl.corpora.fsdd(data / "fsdd-mini"), strict=True)
    assert len(digits) == 300
    readers = sl.corpora.librispeech(data / "librispeech-mini", "test-other")
    assert len(sl.extract(readers, strict=True)) == 50


def test_a_real_recording_that_was_cut_is_named(cache, data, tmp_path):
    source = next((data / "librispeech-mini" / "test-other").rglob("*.flac"))
    for name in ("whole", "cut"):
        (tmp_path / "root" / name).mkdir(parents=True)
        shutil.copyfile(source, tmp_path / "root" / name / "a.flac")
    cut(tmp_path / "root" / "cut" / "a.flac")
    features = sl.extract(sl.corpora.folder(tmp_path / "root"))
    assert features.speakers.tolist() == ["whole"]
    assert features.rejected.path[0].endswith("cut/a.flac")
