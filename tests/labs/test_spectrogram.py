import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from labs import recording
from scipy.signal import find_peaks

import siamlab as sl
from siamlab.labs import SpectrogramLab, analyze, band_weights, wav

RATE = 16000


def shown(lab):
    """The map in the picture, with its extent, and the axes around it."""
    axes = lab._picture.axes[1, 0]
    return axes.images[0], axes


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_numbers_by_hand():
    found = analyze(np.zeros(RATE), RATE, sl.Spectrogram())  # 25 ms, 10 ms, 128 bands
    assert (found.frames, found.bands) == (1 + (RATE - 400) // 160, 128)
    assert found.time_resolution == pytest.approx(0.0125)
    assert found.frequency_resolution == pytest.approx(80)
    assert found.at_floor == 1.0
    assert found.unheard == 0.0


def test_wide_bands_and_long_hops_rule_where_they_are_coarser():
    found = analyze(
        np.zeros(RATE),
        RATE,
        sl.Spectrogram(n_fft=128, win_length=64, hop_length=160, n_mels=10),
    )
    assert found.time_resolution == 0.010
    assert found.frequency_resolution == 500  # of the window
    assert found.unheard == pytest.approx(0.6)
    found = analyze(np.zeros(RATE), RATE, sl.Spectrogram(win_length=512, n_mels=10))
    first, second = sl.Spectrogram(n_mels=10).frequencies[:2]
    assert found.frequency_resolution == pytest.approx(second - first)


@given(st.integers(64, 2048), st.integers(1, 2048))
def test_time_and_frequency_pay_for_each_other(window, hop):
    found = analyze(
        np.zeros(2048),
        RATE,
        sl.Spectrogram(n_fft=2048, win_length=window, hop_length=hop, n_mels=None),
    )
    product = found.time_resolution * found.frequency_resolution
    assert product > 1 - 1e-9
    if hop <= window / 2:
        assert product == pytest.approx(1)


def peaks(curve):
    return len(find_peaks(curve, prominence=0.1 * curve.max())[0])


@pytest.mark.parametrize("window", [256, 512, 1024])
def test_two_clicks_are_told_apart_from_the_time_resolution_on(window):
    spectrogram = sl.Spectrogram(win_length=window, hop_length=16, n_mels=None)
    resolution = analyze(np.zeros(RATE), RATE, spectrogram).time_resolution
    for factor, number in ((0.5, 1), (1.5, 2)):
        samples = np.zeros(RATE)
        samples[[8000, 8000 + round(factor * resolution * RATE)]] = 1
        found = analyze(samples, RATE, spectrogram)
        # One click in a window has a flat spectrum; bin 0 adds the two without beats.
        assert peaks(10 ** (found.values[:, 0] / 20)) == number


@pytest.mark.parametrize("window", [256, 512, 1024])
def test_two_tones_are_told_apart_from_the_frequency_resolution_on(window):
    spectrogram = sl.Spectrogram(win_length=window, n_mels=None)
    resolution = analyze(np.zeros(RATE), RATE, spectrogram).frequency_resolution
    n = spectrogram.win_length
    t = (np.arange(n) - n / 2) / RATE
    for factor, number in ((0.5, 1), (1.5, 2)):
        tones = (2000, 2000 + factor * resolution)
        samples = sum(np.cos(2 * np.pi * tone * t) for tone in tones)
        (level,) = analyze(samples, RATE, spectrogram).values
        assert peaks(10 ** (level / 20)) == number


@pytest.mark.parametrize("bands", [10, 128, None])
def test_the_bands_shown_are_those_that_are_used(bands, rng):
    samples = rng.normal(size=RATE // 4)
    spectrogram = sl.Spectrogram(win_length=512, n_mels=bands)
    stretches = np.lib.stride_tricks.sliding_window_view(samples, 512)[::160]
    window = np.hanning(513)[:-1]
    power = np.abs(np.fft.rfft(stretches * window, spectrogram.n_fft)) ** 2
    by_hand = 10 * np.log10(power @ band_weights(spectrogram))
    np.testing.assert_allclose(
        analyze(samples, RATE, spectrogram).values, by_hand, atol=0.01
    )


def test_bands_without_a_bin_are_counted_and_lie_at_the_floor(rng):
    spectrogram = sl.Spectrogram(n_fft=128, win_length=64, n_mels=128)
    found = analyze(rng.normal(size=RATE), RATE, spectrogram)
    silent = (found.values == found.values.min()).all(axis=0)
    assert found.empty == silent.sum() > 20
    assert found.at_floor == pytest.approx(found.empty / 128)
    assert f"<b>{found.empty} bands empty</b>" in str(found)
    assert "empty" not in str(analyze(np.ones(RATE), RATE, sl.Spectrogram()))


@given(st.floats(-100, 20), st.floats(-100, 20))
def test_a_higher_floor_takes_more(one, other):
    samples, rate = recording()
    low, high = (
        analyze(samples, rate, sl.Spectrogram(floor_db=floor))
        for floor in sorted((one, other))
    )
    assert low.at_floor <= high.at_floor
    assert low.at_floor == np.mean(low.cut_off)
    assert high.values.min() >= low.values.min()


def test_the_lab_shows_the_plain_functions_numbers():
    samples, rate = recording()
    lab = SpectrogramLab(samples, rate)
    lab.set(window=0.064, hop=0.016, bands="all", floor=-40)
    spectrogram = sl.Spectrogram(
        win_length=1024, hop_length=256, n_mels=None, floor_db=-40
    )
    assert lab.found == analyze(samples, rate, spectrogram)
    np.testing.assert_array_equal(
        lab.found.values, spectrogram(samples.astype(np.float32), rate)
    )
    assert lab.readout.value == str(lab.found)


@pytest.mark.parametrize("bands", [40, "all"])
def test_a_click_stands_in_the_map_where_it_is_in_the_recording(bands):
    samples = np.zeros(RATE)
    samples[4800] = 1.0  # at 0.3 s
    lab = SpectrogramLab(samples, RATE)
    for window in (0.004, 0.128):
        lab.set(window=window, hop=0.002, bands=bands)
        image, axes = shown(lab)
        left, right, *_ = image.get_extent()
        loud = np.argmax(image.get_array().mean(axis=0))
        at = left + (loud + 0.5) * (right - left) / image.get_array().shape[1]
        assert at == pytest.approx(0.3, abs=0.0015)
        assert axes.get_xlim() == (0, 1)


@pytest.mark.parametrize("bands", [128, "all"])
def test_a_tone_stands_in_the_map_beside_its_frequency(bands):
    tone = np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)
    lab = SpectrogramLab(tone, RATE)
    lab.bands.value = bands
    image, axes = shown(lab)
    *_, low, high = image.get_extent()
    loud = np.argmax(image.get_array().mean(axis=1))
    at = low + (loud + 0.5) * (high - low) / image.get_array().shape[0]
    place = axes.get_yticks()[labels(axes).index("3")]
    assert at == pytest.approx(place, abs=(high - low) / 100)


def test_low_tones_have_more_room_on_the_axis_of_mel_bands():
    lab = SpectrogramLab(*recording())
    ticks = {}
    for bands in (128, "all"):
        lab.bands.value = bands
        axes = shown(lab)[1]
        places = dict(zip(labels(axes), axes.get_yticks(), strict=True))
        ticks[bands] = (places["4"] - places["2"]) / (places["2"] - places["1"])
    assert ticks["all"] == pytest.approx(2)
    assert ticks[128] == pytest.approx(1)  # an octave is an octave above 1 kHz


def test_what_lies_at_the_floor_is_marked():
    lab = SpectrogramLab(*recording())
    lab.floor.value = -20
    data = shown(lab)[0].get_array()
    assert np.mean(data < -100) == lab.found.at_floor > 0.1
    assert data[data >= -100].min() > -20


def test_a_window_longer_than_the_recording_is_refused_in_the_readout():
    samples, rate = recording()
    lab = SpectrogramLab(samples[: rate // 10], rate)
    picture, found = lab.image.value, lab.found
    lab.window.value = 0.128
    assert "at least 2048 samples" in lab.readout.value
    assert (lab.image.value, lab.found) == (picture, found)
    lab.reset()
    assert (lab.image.value, lab.readout.value) == (picture, str(found))


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_other_rates_keep_their_own(rate, rng):
    lab = SpectrogramLab(rng.normal(0, 0.1, rate // 2), rate)
    for bands in (128, "all"):
        for window in (0.004, 0.128):
            lab.set(window=window, bands=bands, hop=0.002)
            assert lab.readout.value == str(lab.found)
    assert lab.found.spectrogram.frequencies[-1] == rate / 2


def test_silence_is_shown_as_well():
    lab = SpectrogramLab(np.zeros(RATE), RATE)
    assert lab.found.at_floor == 1.0


def test_the_sound_is_the_recording():
    samples, rate = recording()
    lab = SpectrogramLab(samples, rate)
    assert lab.sound.format == "wav"
    heard, heard_rate = soundfile.read(io.BytesIO(lab.sound.value))
    assert heard_rate == rate
    np.testing.assert_allclose(heard, samples, atol=1 / 32768)
    assert not lab.sound.autoplay


def test_what_is_too_loud_for_a_wav_file_does_not_wrap_round():
    heard, _ = soundfile.read(io.BytesIO(wav(np.array([1.5, -1.5]), 8000)))
    np.testing.assert_allclose(heard, [1, -1], atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, RATE)), r"one channel, shape \(samples,\); got \(2, 16000\)"),
        (np.zeros(100), "the length of one window"),
        (np.float32(0), "the length of one window"),
        (np.zeros(6 * RATE), "at most 5 s.*got 6.0 s. Cut a stretch out"),
        (np.full(RATE, np.nan), "16000 of 16000 are not"),
    ],
)
def test_what_is_no_recording_is_refused(samples, message):
    with pytest.raises(sl.SiamlabError, match=message):
        SpectrogramLab(samples, RATE)
