import io

import numpy as np
import pytest
import soundfile
from examples import recording

import siamlab as sl
from siamlab.labs.spectrogram import SpectrogramLab, analyze

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


def test_a_window_longer_than_the_recording_is_refused_in_the_readout():
    samples, sr = recording()
    lab = SpectrogramLab(samples[: sr // 10], sr)
    picture, result = lab.image.value, lab.result
    lab.window.value = 0.128
    assert "2048" in lab.readout.value or "0.128" in lab.readout.value
    assert (lab.image.value, lab.result) == (picture, result)


@pytest.mark.parametrize("n_mels", [128, "all"])
def test_the_picture_has_a_click_at_its_time_and_a_tone_at_its_frequency(n_mels):
    click, tone = np.zeros(SR), np.sin(2 * np.pi * 3000 * np.arange(SR) / SR)
    click[4800] = 1.0  # at 0.3 s
    for axis, samples in enumerate((click, tone)):
        lab = SpectrogramLab(samples, SR)
        lab.set(n_mels=n_mels, hop=0.002)
        image = lab._picture.axes[2].images[0]
        first, last = np.reshape(image.get_extent(), (2, 2))[axis]
        levels = image.get_array().mean(axis=axis)
        found = first + (np.argmax(levels) + 0.5) * (last - first) / len(levels)
        ticks = [label.get_text() for label in image.axes.get_yticklabels()]
        expected = 0.3 if axis == 0 else image.axes.get_yticks()[ticks.index("3")]
        assert found == pytest.approx(expected, rel=0.01)


def test_the_sound_is_the_recording():
    samples, sr = recording()
    lab = SpectrogramLab(samples, sr)
    played, played_sr = soundfile.read(io.BytesIO(lab.sound.value))
    assert (played_sr, lab.sound.format, lab.sound.autoplay) == (sr, "wav", False)
    np.testing.assert_allclose(played, samples, atol=1 / 32768)
