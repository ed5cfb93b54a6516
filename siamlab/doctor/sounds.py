"""Sounds that are made up to try a program, and what is read from its data."""

import numpy as np

from . import rows
from .rule import NotExamined

_RATE = 16000


def as_utterances(given):
    """Give a list of float arrays, (frames, bands) each, from a list or an array."""
    if isinstance(given, np.ndarray) and given.ndim <= 2:
        given = [given]
    return [
        np.atleast_2d(np.asarray(u, np.float64)) for u in rows.to_arrays(list(given))
    ]


def true_values(phones):
    """All values of the batch's spectrograms that are no padding, flat."""
    return phones.spectrogram[~phones.is_padding].reshape(-1)


def silent_probes(seconds=1.0, seed=0):
    """Make files with digital silence: "half" of it, and "silent" throughout.

    Sound is noise whose level moves over 30 dB, as that of speech does.

    Returns
    -------
    dict of str to numpy.ndarray
        float32, shape (samples,), at 16 kHz.
    """
    n = int(_RATE * seconds)
    rng = np.random.default_rng(seed)
    t = np.arange(n) / _RATE
    level = 10 ** (-0.75 + 0.75 * np.sin(2 * np.pi * 4 * t))
    sound = (0.2 * level * rng.normal(size=n)).astype(np.float32)
    half = sound.copy()
    half[n // 2 :] = 0
    return {"sound": sound, "half": half, "silent": np.zeros(n, np.float32)}


def call_features(features, samples):
    """Compute features of made-up samples; None if they fail on these, silently.

    Raises
    ------
    NotExamined
        If the function fails on sound as well: then it wants something else.
    """
    with np.errstate(all="ignore"):
        try:
            return np.asarray(rows.to_arrays(features(samples)), np.float64)
        except Exception as error:
            try:
                features(silent_probes()["sound"])
            except Exception:
                raise NotExamined(
                    f"features= cannot be called with samples: {error}"
                ) from error
            return None
