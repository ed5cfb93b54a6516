import numpy as np
import pytest

from siamlab.corpora import _room_acoustics


def test_every_recording_has_its_own_level_and_filter(rng):
    click = np.zeros(16000)
    click[100] = 1.0
    first, second = (_room_acoustics.record(click, 16000, rng) for _ in range(2))
    for samples in (first, second):
        assert -24.1 < 20 * np.log10(np.abs(samples).max()) < -2.9
    a, b = (np.abs(np.fft.rfft(x)) for x in (first, second))
    assert (20 * np.log10(a / b)).std() > 1  # in decibels: not only another level


def test_reverberation_falls_by_60_db_within_rt60(rng, monkeypatch):
    monkeypatch.setattr(_room_acoustics, "RT60_S", (0.3, 0.3))
    click = np.zeros(16000)
    click[0] = 1.0
    tail = _room_acoustics.add_reverberation(click, 16000, rng)
    early, late = tail[1:400], tail[4400:4800]  # 0.275 s later
    fall = 10 * np.log10(np.mean(early**2) / np.mean(late**2))
    assert fall == pytest.approx(60 * 0.275 / 0.3, abs=3)
