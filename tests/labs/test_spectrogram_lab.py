"""The spectrogram lab: a spectrogram, its resolution, and what the floor hides."""

import numpy as np
import pytest
import views
from examples import recording

import siamlab as sl
from siamlab import errors
from siamlab.labs.spectrogram import SpectrogramLab, analyze

SR = 16000
# Rounding of an FFT in float32 matters further below the highest level of a frame.
RANGE = 60.0  # dB
# Frames that are drawn.
COLUMNS = "document.querySelector('#lab').siamlab.data.kept.image.value.width"


def make():
    return SpectrogramLab(*recording())


def settings(rng):
    """Random values of all controls."""
    return {
        "window": float(rng.uniform(0.004, 0.128)),
        "hop": float(rng.uniform(0.002, 0.064)),
        "n_mels": [10, 20, 40, 80, 128, "all"][rng.integers(6)],
        "floor_db": int(rng.integers(-100, 21)),
        "time": float(rng.uniform(0, 0.5)),
    }


def numbers(result):
    """What the view computes, too.

    The levels of siamlab are float32, and those of the view float64: the reference for
    the view is float64 as well, and equals the levels of siamlab to 1e-3 dB.
    """
    names = "frames bands time_resolution frequency_resolution skipped empty_bands"
    levels = in_float64(*recording(), result.spectrogram)
    assert levels.shape == result.values.shape
    peak = levels.max(axis=1, keepdims=True)
    difference = np.abs(levels - result.values)[levels > peak - RANGE]
    assert difference.max() < 1e-3
    at_floor = np.mean(levels <= result.spectrogram.floor_db + 1e-3)
    assert at_floor == pytest.approx(result.at_floor, abs=1e-3)
    shown = levels[[0, len(levels) // 2, -1]]
    found = {name: getattr(result, name) for name in names.split()}
    return {**found, "at_floor": at_floor, "levels": shown}


def in_float64(samples, sr, spectrogram):
    """Compute a spectrogram in dB in float64, shape (time, mel)."""
    samples = samples.astype(np.float32).astype(float)
    length, n_fft = spectrogram.win_length, spectrogram.n_fft
    pieces = np.lib.stride_tricks.sliding_window_view(samples, length)
    pieces = pieces[:: spectrogram.hop_length] * spectrogram.window
    power = np.abs(np.fft.rfft(pieces, n_fft)) ** 2
    if spectrogram.n_mels is not None:
        power = power @ spectrogram.mel_filters
    return 10 * np.log10(np.maximum(power, 10 ** (spectrogram.floor_db / 10)))


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


def test_a_short_window_leaves_mel_bands_empty():
    lab = make()
    assert lab.result.empty_bands == 0
    lab.set(window=0.004, hop=0.002)
    assert lab.result.empty_bands == 41
    assert "41 bands empty" in lab.readout
    lab.n_mels = "all"
    assert lab.result.empty_bands == 0


@pytest.mark.parametrize("n_mels", [128, "all"])
def test_a_click_is_at_its_time_and_a_tone_at_its_frequency(n_mels):
    click, tone = np.zeros(SR), np.sin(2 * np.pi * 3000 * np.arange(SR) / SR)
    click[4800] = 1.0  # at 0.3 s
    lab = SpectrogramLab(click, SR)
    assert lab.time == pytest.approx(0.3, abs=0.0125)
    lab.set(n_mels=n_mels, hop=0.002)
    loudest = lab.result.values.mean(axis=1).argmax()
    assert 0.002 * loudest + 0.0125 == pytest.approx(0.3, abs=0.0125)
    lab = SpectrogramLab(tone, SR)
    lab.set(n_mels=n_mels, hop=0.002)
    loudest = lab.result.values.mean(axis=0).argmax()
    frequency = lab.result.spectrogram.frequencies[loudest]
    assert frequency == pytest.approx(3000, rel=0.02)


def test_the_page_has_the_samples(tmp_path):
    samples, sr = recording()
    sent = SpectrogramLab(samples, sr).data["samples"]
    assert sent["dtype"] == "float32"
    np.testing.assert_array_equal(
        np.frombuffer(sent["data"], np.float32), samples.astype(np.float32)
    )
    path = tmp_path / "lab.html"
    SpectrogramLab(np.zeros(3 * SR), SR).to_html(path)
    assert path.stat().st_size < 500_000


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, SR)), np.zeros(4 * SR), np.zeros(1000), np.full(SR, np.nan)],
    ids=["two channels", "too long", "too short", "not finite"],
)
def test_unsuitable_samples_are_refused(samples):
    with pytest.raises(errors.ArgumentError, match=r"one channel of 0.128 to 3 s"):
        SpectrogramLab(samples, SR)


@pytest.mark.slow
def test_a_draft_is_completed_after_a_drag(browser, tmp_path):
    lab = make()
    lab.set(hop=0.002)
    page = views.show(browser, lab, tmp_path)
    box = page.get_by_label("window", exact=True).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 9, y, steps=9)
    page.wait_for_function(f"{COLUMNS} < 100")
    page.wait_for_function(f"{COLUMNS} > 200")  # with the button still down
    page.mouse.up()
    page.close()
