import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors


def computed_by_librosa(samples, spectrogram):
    sr, n_fft, n_mels = spectrogram.sr, spectrogram.n_fft, spectrogram.n_mels
    fmin, fmax = spectrogram.fmin, spectrogram.fmax
    # librosa puts the window into the middle of its n_fft samples.
    padding = n_fft - spectrogram.win_length
    stft = librosa.stft(
        np.pad(samples, (padding // 2, padding - padding // 2)),
        n_fft=n_fft,
        win_length=spectrogram.win_length,
        hop_length=spectrogram.hop_length,
        center=False,
    )
    power = np.abs(stft) ** 2
    if n_mels is None:
        bins = librosa.fft_frequencies(sr=sr, n_fft=n_fft)
        power = power[(bins >= fmin) & (bins <= (fmax or np.inf))]
    else:
        mel = {"n_mels": n_mels, "fmin": fmin, "fmax": fmax}
        power = librosa.feature.melspectrogram(S=power, sr=sr, **mel)
    floor = 10 ** (spectrogram.floor_db / 10)
    return librosa.power_to_db(power, amin=floor, top_db=None).T


@pytest.mark.slow  # librosa is compiled
@pytest.mark.parametrize(
    "spectrogram",
    [
        sl.Spectrogram(),
        sl.Spectrogram(n_mels=40, fmin=60, fmax=7000),
        sl.Spectrogram(n_mels=17, fmin=3000),
        sl.Spectrogram(sr=8000, n_fft=512, win_length=256, n_mels=64, floor_db=-60),
        sl.Spectrogram(n_fft=512, n_mels=None, fmin=60, fmax=7000),
    ],
    ids=repr,
)
def test_it_equals_librosa(rng, spectrogram):
    samples = rng.normal(0, 0.1, 3 * spectrogram.sr).astype(np.float32)
    frames = spectrogram(samples, spectrogram.sr)
    expected = computed_by_librosa(samples, spectrogram)
    np.testing.assert_allclose(frames, expected, atol=1e-3)
    assert frames.dtype == np.float32
    assert frames.shape[1] == spectrogram.n_bins == len(spectrogram.frequencies)


@settings(deadline=None, max_examples=30)
@given(st.integers(400, 3 * 400 * 160))
def test_each_hop_within_the_recording_gives_a_frame(n):
    frames = sl.Spectrogram(n_mels=8)(np.zeros(n, np.float32), 16000)
    assert frames.shape == (1 + (n - 400) // 160, 8)


def test_silence_is_at_the_floor():
    frames = sl.Spectrogram(floor_db=-70.0)(np.zeros(1600), 16000)
    np.testing.assert_allclose(frames, -70.0, atol=1e-4)


def test_no_mel_band_is_empty_by_default():
    assert (sl.Spectrogram().mel_filters.sum(axis=0) > 0).all()


def test_recordings_at_another_sampling_rate_are_resampled():
    sine = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    frames = sl.Spectrogram()(sine, 48000)
    expected = sl.Spectrogram()(sine[::3], 16000)
    assert frames.shape == expected.shape
    loud = expected > expected.max() - 40
    assert np.abs(frames - expected)[loud].mean() < 0.5


OUT_OF_RANGE = {
    "win_length must be a positive integer; got 0.025": {"win_length": 0.025},
    "win_length must be at most n_fft=1024; got 2048": {"win_length": 2048},
    "sr / 2 = 8000 Hz; got fmin=0 and fmax=9000": {"fmax": 9000},
}


@pytest.mark.parametrize(("message", "arguments"), OUT_OF_RANGE.items())
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(errors.ArgumentError, match=message):
        sl.Spectrogram(**arguments)


def test_samples_must_be_one_channel_and_one_window_long():
    with pytest.raises(errors.ArgumentError, match=r"at least 400 .* got 399 samples"):
        sl.Spectrogram()(np.zeros(399), 16000)
    with pytest.raises(errors.ArgumentError, match=r"one channel.*got \(2, 800\)"):
        sl.Spectrogram()(np.zeros((2, 800)), 16000)
