import io

import numpy as np
import pytest
import soundfile
from examples import recording
from scipy.signal import find_peaks

import siamlab as sl
from siamlab.labs.spectrogram import (
    SpectrogramLab,
    analyze,
    band_weights,
    settings,
    wav_bytes,
)

SR = 16000


def test_the_resolution_by_hand():
    result = analyze(np.zeros(SR), SR, sl.Spectrogram())  # 25 ms, 10 ms, 128 bands
    assert (result.frames, result.bands) == (1 + (SR - 400) // 160, 128)
    assert result.time_resolution == pytest.approx(0.0125)
    assert result.frequency_resolution == pytest.approx(80)
    assert (result.at_floor, result.skipped) == (1.0, 0.0)
    short = sl.Spectrogram(n_fft=128, win_length=64, hop_length=160, n_mels=10)
    result = analyze(np.zeros(SR), SR, short)
    assert result.time_resolution == 0.010  # of the hop
    assert result.frequency_resolution == 500  # of the window
    assert result.skipped == pytest.approx(0.6)
    wide = sl.Spectrogram(n_fft=512, win_length=512, n_mels=10)
    first, second = wide.frequencies[:2]
    found = analyze(np.zeros(SR), SR, wide).frequency_resolution
    assert found == pytest.approx(second - first)


def count_peaks(curve):
    return len(find_peaks(curve, prominence=0.1 * curve.max())[0])


@pytest.mark.parametrize("n", [256, 512, 1024])
def test_two_clicks_and_two_tones_are_resolved_beyond_the_resolution(n):
    spectrogram = sl.Spectrogram(n_fft=1024, win_length=n, hop_length=16, n_mels=None)
    result = analyze(np.zeros(SR), SR, spectrogram)
    for factor, number in ((0.5, 1), (1.5, 2)):
        clicks = np.zeros(SR)
        clicks[[8000, 8000 + round(factor * result.time_resolution * SR)]] = 1
        # Bin 0 adds the flat spectra of both clicks without interference.
        level = analyze(clicks, SR, spectrogram).values[:, 0]
        assert count_peaks(10 ** (level / 20)) == number
        t = (np.arange(n) - n / 2) / SR
        tones = (2000, 2000 + factor * result.frequency_resolution)
        samples = sum(np.cos(2 * np.pi * tone * t) for tone in tones)
        (level,) = analyze(samples, SR, spectrogram).values
        assert count_peaks(10 ** (level / 20)) == number


@pytest.mark.parametrize("n_mels", [10, 128, None])
def test_the_weights_are_those_of_the_spectrogram(n_mels, rng):
    samples = rng.normal(size=SR // 4)
    spectrogram = sl.Spectrogram(n_fft=512, win_length=512, n_mels=n_mels)
    windows = np.lib.stride_tricks.sliding_window_view(samples, 512)[::160]
    power = np.abs(np.fft.rfft(windows * np.hanning(513)[:-1], 512)) ** 2
    expected = 10 * np.log10(power @ band_weights(spectrogram))
    values = analyze(samples, SR, spectrogram).values
    np.testing.assert_allclose(values, expected, atol=0.01)


def test_bands_without_a_bin_are_counted_and_at_the_floor(rng):
    spectrogram = sl.Spectrogram(n_fft=128, win_length=64, n_mels=128)
    result = analyze(rng.normal(size=SR), SR, spectrogram)
    silent = (result.values == result.values.min()).all(axis=0)
    assert result.empty_bands == silent.sum() > 20
    assert result.at_floor == pytest.approx(result.empty_bands / 128)
    assert f"<b>{result.empty_bands} bands empty</b>" in str(result)


def test_the_lab_shows_the_functions_numbers():
    samples, sr = recording()
    lab = SpectrogramLab(samples, sr)
    assert lab.result == analyze(samples, sr, settings(sr))
    lab.set(window=0.064, hop=0.016, n_mels="all", floor_db=-40)
    spectrogram = sl.Spectrogram(
        n_fft=1024, win_length=1024, hop_length=256, n_mels=None, floor_db=-40
    )
    assert lab.result == analyze(samples, sr, spectrogram)
    assert lab.readout.value == str(lab.result)


def test_a_window_longer_than_the_recording_is_refused_in_the_readout():
    samples, sr = recording()
    lab = SpectrogramLab(samples[: sr // 10], sr)
    picture, result = lab.image.value, lab.result
    lab.window.value = 0.128
    assert "2048" in lab.readout.value or "0.128" in lab.readout.value
    assert (lab.image.value, lab.result) == (picture, result)


@pytest.mark.parametrize("sr", [8000, 44100])
def test_other_sampling_rates_are_kept(sr, rng):
    lab = SpectrogramLab(rng.normal(0, 0.1, sr // 2), sr)
    lab.set(window=0.128, n_mels="all", hop=0.002)
    assert lab.readout.value == str(lab.result)
    assert lab.result.spectrogram.frequencies[-1] == sr / 2


def test_the_sound_is_the_recording():
    samples, sr = recording()
    lab = SpectrogramLab(samples, sr)
    played, played_sr = soundfile.read(io.BytesIO(lab.sound.value))
    assert (played_sr, lab.sound.format, lab.sound.autoplay) == (sr, "wav", False)
    np.testing.assert_allclose(played, samples, atol=1 / 32768)
    loud, _ = soundfile.read(io.BytesIO(wav_bytes(np.array([1.5, -1.5]), 8000)))
    np.testing.assert_allclose(loud, [1, -1], atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, SR)), r"got \(2, 16000\)"),
        (np.zeros(100), "window"),
        (np.zeros(6 * SR), "at most 5 s.*got 6.0 s. Select a part"),
        (np.full(SR, np.nan), "16000 of 16000 are not"),
    ],
)
def test_what_is_not_a_recording_is_refused(samples, message):
    with pytest.raises(sl.SiamlabError, match=message):
        SpectrogramLab(samples, SR)
