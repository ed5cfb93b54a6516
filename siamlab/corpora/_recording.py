"""Rooms that do not exist: what a recording adds to a voice.

Everything here is drawn anew for each utterance. What stays the same over all
utterances of a speaker is his voice, and nothing else.
"""

import numpy as np

# Ranges, drawn uniformly. Narrower ones make speakers too easy to tell apart: the
# untrained network then has an equal error rate of a few per cent
# (benchmarks/speakers.py).
TILT_DB = 8.0  # depth of the smooth filter, peak to mean
REVERBERATION_S = (0.05, 0.4)  # time to fall by 60 dB
DIRECT_TO_REVERBERANT_DB = (3.0, 15.0)
SIGNAL_TO_NOISE_DB = (18.0, 35.0)
PEAK_DB = (-24.0, -3.0)


def record(samples, rate, rng):
    """Play samples in a room of their own and record them there.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), the dry voice.
    rate : int
        Samples per second.
    rng : numpy.random.Generator
        Draws filter, room, noise and loudness.

    Returns
    -------
    numpy.ndarray
        float32, as many samples, peak between -24 and -3 dB of full scale.
    """
    samples = in_room(smooth_filter(samples, rate, rng), rate, rng)
    level = np.sqrt(np.mean(samples**2))
    noise = colored_noise(len(samples), rng)
    samples = samples + noise * level * _gain(-rng.uniform(*SIGNAL_TO_NOISE_DB))
    peak = _gain(rng.uniform(*PEAK_DB))
    return (samples * (peak / np.abs(samples).max())).astype(np.float32)


def studio(samples):
    """Record samples as they are, with a peak of -6 dB.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), the dry voice.

    Returns
    -------
    numpy.ndarray
        float32, as many samples.
    """
    return (samples * (_gain(-6.0) / np.abs(samples).max())).astype(np.float32)


def _gain(decibels):
    return 10.0 ** (decibels / 20.0)


def smooth_filter(samples, rate, rng):
    """Color the sound like a microphone: a few slow waves over log frequency."""
    n = 2 * len(samples)  # room for the filter's tail
    frequency = np.fft.rfftfreq(n, 1 / rate)
    octave = np.log2(np.maximum(frequency, 50.0) / 50.0)
    place = octave / octave[-1]
    waves = np.arange(1, 6)[:, None]
    depth = rng.normal(size=(5, 1)) / np.sqrt(waves)
    response = (depth * np.cos(np.pi * waves * place)).sum(axis=0)
    response *= rng.uniform(0.3, 1.0) * TILT_DB / np.abs(response).max()
    spectrum = np.fft.rfft(samples, n) * _gain(response)
    return np.fft.irfft(spectrum, n)[: len(samples)]


def in_room(samples, rate, rng):
    """Add reverberation: noise that decays exponentially (Moorer, 1979)."""
    from scipy.signal import fftconvolve

    seconds = rng.uniform(*REVERBERATION_S)
    time = np.arange(round(seconds * rate)) / rate
    tail = rng.normal(size=len(time)) * _gain(-60.0 * time / seconds)
    ratio = _gain(-rng.uniform(*DIRECT_TO_REVERBERANT_DB))
    tail *= ratio / np.sqrt(np.sum(tail**2))
    response = np.concatenate(([1.0], tail))
    return fftconvolve(samples, response)[: len(samples)]


def colored_noise(n, rng):
    """Noise between white and brown, of unit power."""
    white = np.fft.rfft(rng.normal(size=n))
    slope = np.arange(1, len(white) + 1) ** -rng.uniform(0.0, 1.0)
    noise = np.fft.irfft(white * slope, n)
    return noise / np.sqrt(np.mean(noise**2))
