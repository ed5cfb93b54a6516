"""Simulated rooms and microphones: everything in a recording that is not the speaker.

All of it is drawn again for each utterance, so that a network can recognize speakers
only by their voices.
"""

import numpy as np

# Ranges of uniform draws. Narrower ranges make the speakers too easy: an untrained
# network then has an equal error rate of a few per cent (benchmarks/speakers.py).
FILTER_DB = 8.0  # largest gain of the microphone's filter
RT60_S = (0.05, 0.4)  # time in which the reverberation falls by 60 dB
DRR_DB = (3.0, 15.0)  # direct-to-reverberant ratio
SNR_DB = (18.0, 35.0)
PEAK_DB = (-24.0, -3.0)
STUDIO_PEAK_DB = -6.0


def record(samples, sr, rng):
    """Simulate a recording in a random room with a random microphone.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), the dry voice.
    sr : int
        Sampling rate in hertz.
    rng : numpy.random.Generator
        Draws filter, room, noise and level.

    Returns
    -------
    numpy.ndarray
        float32, same shape, with a peak between -24 and -3 dB of full scale.
    """
    samples = add_reverberation(filter_randomly(samples, sr, rng), sr, rng)
    level = np.sqrt(np.mean(samples**2))
    noise = colored_noise(len(samples), rng)
    samples = samples + noise * level * _gain(-rng.uniform(*SNR_DB))
    peak = _gain(rng.uniform(*PEAK_DB))
    return (samples * (peak / np.abs(samples).max())).astype(np.float32)


def studio(samples):
    """Simulate a recording in a studio: unchanged, with a peak of -6 dB.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), the dry voice.

    Returns
    -------
    numpy.ndarray
        float32, same shape.
    """
    gain = _gain(STUDIO_PEAK_DB) / np.abs(samples).max()
    return (samples * gain).astype(np.float32)


def _gain(decibels):
    return 10.0 ** (decibels / 20.0)


def filter_randomly(samples, sr, rng):
    """Color the sound like a microphone: five slow cosines over log frequency."""
    n = 2 * len(samples)  # room for the tail of the filter
    frequency = np.fft.rfftfreq(n, 1 / sr)
    octave = np.log2(np.maximum(frequency, 50.0) / 50.0)
    position = octave / octave[-1]
    waves = np.arange(1, 6)[:, None]
    depth = rng.normal(size=(5, 1)) / np.sqrt(waves)
    response = (depth * np.cos(np.pi * waves * position)).sum(axis=0)
    response *= rng.uniform(0.3, 1.0) * FILTER_DB / np.abs(response).max()
    spectrum = np.fft.rfft(samples, n) * _gain(response)
    return np.fft.irfft(spectrum, n)[: len(samples)]


def add_reverberation(samples, sr, rng):
    """Add reverberation: noise that decays exponentially (Moorer, 1979)."""
    from scipy.signal import fftconvolve

    rt60 = rng.uniform(*RT60_S)
    time = np.arange(round(rt60 * sr)) / sr
    tail = rng.normal(size=len(time)) * _gain(-60.0 * time / rt60)
    ratio = _gain(-rng.uniform(*DRR_DB))
    tail *= ratio / np.sqrt(np.sum(tail**2))
    response = np.concatenate(([1.0], tail))
    return fftconvolve(samples, response)[: len(samples)]


def colored_noise(n, rng):
    """Draw noise between white and brown, of unit power."""
    white = np.fft.rfft(rng.normal(size=n))
    slope = np.arange(1, len(white) + 1) ** -rng.uniform(0.0, 1.0)
    noise = np.fft.irfft(white * slope, n)
    return noise / np.sqrt(np.mean(noise**2))
