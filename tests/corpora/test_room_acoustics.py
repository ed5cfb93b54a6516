import numpy as np

from siamlab.corpora import _room_acoustics


def test_every_recording_has_its_own_level_and_filter(rng):
    click = np.zeros(16000)
    click[100] = 1.0
    first, second = (_room_acoustics.record(click, 16000, rng) for _ in range(2))
    for samples in (first, second):
        assert -24.1 < 20 * np.log10(np.abs(samples).max()) < -2.9
    a, b = (np.abs(np.fft.rfft(x)) for x in (first, second))
    assert (20 * np.log10(a / b)).std() > 1  # in decibels: not only another level
