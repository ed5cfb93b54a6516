"""The corpus of the doctor: healthy programs, and the same programs with one change.

`PROGRAMS` maps a name, such as "pairs euclid lstm: a sum over the batch", to a
function that builds the program. A change is made to every healthy program to which it
applies, so that a few dozen of each make hundreds.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class Program:
    """A program for `siamlab.doctor.examine`, and what is wrong with it.

    Parameters
    ----------
    model, batch : object
        As for `examine`.
    options : dict
        Its other arguments.
    expected : str
        The code that must be found; "" for a healthy program.
    allowed : frozenset of str
        Codes that may be found as well.
    """

    model: object
    batch: tuple
    options: dict
    expected: str = ""
    allowed: frozenset = frozenset()


PROGRAMS: dict[str, Callable] = {}


def register(name, build, settings, expected="", allowed=""):
    """Add a program: `build(**settings)` returns model, batch and options."""
    seed = sum(map(ord, name.split(":")[0]))  # the same weights for a program's changes

    def program():
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        model, batch, options = build(**settings)
        return Program(
            model, batch, options, expected, frozenset(allowed.split()) | {expected}
        )

    if name in PROGRAMS:
        raise ValueError(f"two programs are called {name!r}")
    PROGRAMS[name] = program


# ------------------------------------------------------------------- synthetic speech

N_PHONES = 10
_inventory = np.random.default_rng(7)
_FORMANTS = np.sort(_inventory.uniform(0.05, 0.9, (N_PHONES, 3)), axis=1)


def _smooth(rng, n_bands, deviation):
    """Draw a smooth curve over frequency, in dB."""
    knots = rng.normal(0, deviation, 8)
    return np.interp(np.linspace(0, 7, n_bands), np.arange(8), knots)


def _spectrogram(rng, voice, phones, channel):
    """Return decibels, shape (time, bands), for the phone of each frame."""
    n_bands = len(channel)
    frequency, time = np.linspace(0, 1, n_bands), np.arange(len(phones))[:, None]
    centers = (_FORMANTS[phones] * voice["tract"])[:, :, None]
    peaks = 30 * np.exp(-0.5 * ((frequency - centers) / 0.05) ** 2).max(axis=1)
    energy = 4 * np.sin(time / 11 + rng.uniform(0, 6))
    level = -58 + peaks + energy - voice["tilt"] * frequency + voice["gain"] + channel
    return np.clip(level + rng.normal(0, 2.5, level.shape), -80, 0)


def _voice(rng, n_bands):
    return {
        "tract": rng.uniform(0.84, 1.1),
        "tilt": rng.uniform(12, 24),
        "gain": _smooth(rng, n_bands, 4.0),
    }


SCALES = {
    "standardized": lambda db: (db - db.mean()) / db.std(),
    "0 to 1": lambda db: (db + 80) / 80,
    "-1 to 1": lambda db: (db + 80) / 40 - 1,
    "decibels": lambda db: db,
    "natural logarithms": lambda db: db * np.log(10) / 10,
    "bytes": lambda db: np.round((db + 80) / 80 * 255),
    "power": lambda db: 10 ** (db / 10),
}


def speakers(n_speakers=8, n_each=6, n_frames=24, n_bands=20, scale="standardized"):
    """Return recordings (recordings, time, bands) and their speakers."""
    rng = np.random.default_rng(11)
    recordings, names = [], []
    for speaker in range(n_speakers):
        voice = _voice(rng, n_bands)
        for _ in range(n_each):
            phones = np.repeat(rng.integers(N_PHONES, size=n_frames), 6)
            phones = phones[rng.integers(6) :][:n_frames]  # begins within a phone
            channel = _smooth(rng, n_bands, 2.0)
            recordings.append(_spectrogram(rng, voice, phones, channel))
            names.append(speaker)
    return SCALES[scale](np.stack(recordings)).astype("float32"), np.array(names)


def draw_pairs(speaker, n=48, seed=0):
    """Return the rows of both sides of pairs, and whether they are of one speaker."""
    rng = np.random.default_rng(seed)
    first = rng.integers(len(speaker), size=n)
    second = np.empty(n, int)
    for k, i in enumerate(first):
        same = speaker == speaker[i]
        others = np.flatnonzero(
            (same & (np.arange(len(same)) != i)) if k % 2 else ~same
        )
        second[k] = rng.choice(others)
    return first, second, speaker[first] == speaker[second]


def sentences(n=12, n_frames=60, shortest=60, n_bands=16, scale="standardized"):
    """Return spectrograms of sentences, a list, and the phones of each, from 0."""
    rng = np.random.default_rng(12)
    spectrograms, labels = [], []
    for k in range(n):
        length = n_frames if k == 0 else int(rng.integers(shortest, n_frames + 1))
        spoken = rng.integers(N_PHONES, size=length // 8)
        spoken[1:][spoken[1:] == spoken[:-1]] += 1
        spoken %= N_PHONES
        phones = np.repeat(spoken, 9)[:length]
        phones = np.pad(phones, (0, length - len(phones)), mode="edge")
        channel = _smooth(rng, n_bands, 2.0)
        spectrograms.append(_spectrogram(rng, _voice(rng, n_bands), phones, channel))
        labels.append(spoken)
    scaled = SCALES[scale](np.concatenate(spectrograms)).astype("float32")
    ends = np.cumsum([len(each) for each in spectrograms])[:-1]
    return np.split(scaled, ends), labels


def pad(arrays, value):
    """Return arrays padded at the end, and their lengths."""
    lengths = np.array([len(each) for each in arrays])
    shape = (len(arrays), lengths.max(), *np.shape(arrays[0])[1:])
    padded = np.full(shape, value, np.asarray(arrays[0]).dtype)
    for row, each in zip(padded, arrays, strict=True):
        row[: len(each)] = each
    return padded, lengths
