"""Kaldi's filter banks, compared with kaldi-native-fbank."""

import kaldi_native_fbank
import numpy as np
import pytest

import siamlab as sl


def reference(samples, sr, n_mels, window="povey"):
    """Kaldi's values: natural logarithms, for 16-bit samples."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = sr
    options.frame_opts.dither = 0
    options.frame_opts.window_type = window
    options.mel_opts.num_bins = n_mels
    options.mel_opts.high_freq = 0  # half of the sampling rate
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(sr, (32768 * samples).tolist())
    fbank.input_finished()
    return np.array([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])


def in_nepers(decibels):
    return np.log(10) / 10 * decibels + np.log(32768.0**2)


@pytest.mark.parametrize(
    ("sr", "n_mels", "window"),
    [
        (16000, 80, "povey"),
        (16000, 80, "hamming"),
        (16000, 40, "povey"),
        (8000, 64, "povey"),
    ],
)
def test_it_is_that_of_kaldi(sr, n_mels, window, rng):
    samples = rng.normal(0, 0.1, 2 * sr).astype(np.float32)
    samples[sr // 2 : sr] = 0  # digital silence
    samples[sr:] += 0.3 * np.sin(0.2 * np.arange(sr)) + 0.05  # a tone and an offset
    found = sl.Spectrogram.kaldi_fbank(n_mels, sr, window)(samples, sr)
    expected = reference(samples, sr, n_mels, window)
    assert found.dtype == np.float32
    np.testing.assert_allclose(in_nepers(found), expected, rtol=0, atol=1e-3)


def test_it_is_that_of_kaldi_for_speech():
    samples, sr = sl.corpora.voices(n_speakers=1, n_utterances=1)[0]
    found = sl.Spectrogram.kaldi_fbank()(samples, sr)
    np.testing.assert_allclose(
        in_nepers(found), reference(samples, sr, 80), rtol=0, atol=1e-3
    )


def test_frequencies_are_the_centers_of_the_filters():
    spectrogram = sl.Spectrogram.kaldi_fbank(40)
    resolution = 16000 / spectrogram.n_fft
    highest = resolution * spectrogram.mel_filters.argmax(axis=0)
    assert np.abs(spectrogram.frequencies - highest).max() <= resolution


def test_features_are_stored_and_read_with_the_setting(tmp_path):
    corpus = sl.corpora.voices(n_speakers=2, n_utterances=1)
    made = sl.extract(corpus, sl.Spectrogram.kaldi_fbank(), folder=tmp_path)
    again = sl.Features.open(tmp_path)
    assert again.spectrogram == sl.Spectrogram.kaldi_fbank()
    np.testing.assert_array_equal(again[1][:], made[1][:])


@pytest.mark.parametrize("change", [{"n_mels": None}, {"kaldi": "hann"}], ids=str)
def test_other_windows_and_bins_are_refused(change):
    with pytest.raises(sl.SiamlabError, match=r'must be "povey" or "hamming".*got'):
        sl.Spectrogram(**{"n_mels": 80, "kaldi": "povey"} | change)
