"""Exercises of notebooks 00 to 02: speakers, spectrograms and their scaling."""

import numpy as np

from ... import clusters, features
from ..checking import exercise, expect, require


@exercise("00.1")
def neighbor_purity(answer):
    """``answer(embeddings, labels, k)``: the share of neighbors of the same label."""
    rng = np.random.default_rng(0)
    labels = np.repeat(list("abcdef"), 5)
    x = rng.normal(size=(6, 8)).repeat(5, axis=0) + rng.normal(size=(30, 8))
    x *= rng.uniform(0.2, 5, (30, 1))
    for k in (1, 3):
        distances = np.linalg.norm(x[:, None] - x, axis=-1) + np.diag([np.inf] * 30)
        euclidean = labels[np.argsort(distances)[:, :k]] == labels[:, None]
        right = clusters.neighbor_purity(x, labels, k=k)
        others = clusters.neighbor_purity(x, labels, k=max(k - 1, 1))
        mistakes = {
            "an utterance is not its own neighbor": (1 + (k - 1) * others) / k,
            "the neighbors are those by cosine": euclidean.mean(),
        }
        expect(answer(x.copy(), labels.copy(), k), right, mistakes, when=f"for k={k}")
    return "it needs no map, so no map can mislead it."


@exercise("00.2")
def split_speakers(answer):
    """``answer(speakers, fraction, seed)``: which utterances are in the test set."""
    speakers = np.random.default_rng(0).permutation(np.repeat(np.arange(20), 6))
    got = answer(speakers.copy(), 0.25, 0)
    found = np.unique(speakers[np.asarray(got, dtype=bool)])
    same_shape = np.shape(got) == speakers.shape
    mistakes = {"a speaker has utterances in both parts": got} if same_shape else {}
    expect(got, np.isin(speakers, found), mistakes)
    require(len(found) == 5, f"expected 5 of 20 speakers for 0.25; got {len(found)}")
    other, again = (answer(speakers.copy(), 0.25, seed) for seed in (1, 0))
    require(np.array_equal(got, again), "the same seed must give the same split")
    require(not np.array_equal(got, other), "another seed must give another split")
    return "no speaker of the test set is in the training set."


@exercise("01.1")
def mel_filters(answer):
    """``answer(frequencies, edges)``: triangular filters of area 1."""
    spectrogram = features.Spectrogram(n_mels=20)
    edges = np.r_[0, spectrogram.frequencies, 8000]
    right = spectrogram.mel_filters
    height = 2 / (edges[2:] - edges[:-2])
    mistakes = {
        "the area of a band is 1, not its height": right / height,
        "the base of a triangle is twice as long: its height is 2 / base": right / 2,
        "the shape is (bins, bands), not (bands, bins)": right.T,
    }
    got = answer(np.arange(513) * 15.625, edges)
    expect(got, right, mistakes, tolerance=1e-5)
    return "these are the filters of librosa and of `sl.Spectrogram`."


@exercise("01.2")
def is_reversed(answer):
    """``answer(x, reference)``: whether time runs backward in `x`."""
    rng = np.random.default_rng(0)
    for backward in (False, True, False, True):
        reference = np.cumsum(rng.normal(size=(60, 8)), axis=0) - 50
        x = reference[::-1] if backward else reference
        x = x + rng.normal(size=x.shape) + 6
        when = f"where time runs {'backward' if backward else 'forward'}"
        expect(answer(x, reference), np.array(backward), when=when)
    return "one line of this kind in a test would find `np.rot90`."


@exercise("02.1")
def standardize(answer):
    """``answer(train, new)``: `new`, with the statistics of all training frames."""
    rng = np.random.default_rng(0)
    train = [rng.normal(-50, 9, (n, 3)) for n in (4, 40)]
    new = rng.normal(-60, 5, (7, 3))
    for array in (*train, new):
        array[:, 2] = -49.9  # at the floor; the rounded std is 7e-15
    frames, scale = np.concatenate(train), np.array([1, 1, 0])
    mean, std = frames.mean(0), frames.std(0) + (1 - scale)
    means, own = np.mean([x.mean(0) for x in train], 0), new.std(0) + (1 - scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        got = answer([x.copy() for x in train], new.copy())
    expected = (new - mean) / std
    mistakes = {
        "these are the statistics of `new`: a leak": (new - new.mean(0)) / own,
        "each frame counts once, so long utterances count more": (new - means) / std,
        "divide by the standard deviation, not by the variance": (new - mean) / std**2,
    }
    if np.shape(got) == new.shape:
        constant = np.allclose(np.asarray(got)[:, 2], 0, atol=1e-3)
        require(constant, "a constant bin has a std of 0 or a rounding error")
    expect(got, expected, mistakes)
    return "the same numbers as `sl.scaling.StandardScaler`, without a leak."


@exercise("02.2")
def pad(answer):
    """``answer(arrays, mean, std)``: a standardized, padded batch, and its mask."""
    rng = np.random.default_rng(1)
    arrays = [rng.normal(-50, 9, (n, 3)) for n in (5, 9, 2)]
    mean, std = np.array([-50.0, -55, -60]), np.array([9.0, 5, 3])
    mask = np.arange(9) < np.array([[5], [9], [2]])
    decibels = np.zeros((3, 9, 3))
    decibels[mask] = np.concatenate(arrays)
    scaled = (decibels - mean) / std
    mistakes = {
        "zeros in dB are louder than speech: scale first, then pad": scaled,
        "the batch is still in dB": decibels,
    }
    got = answer([x.copy() for x in arrays], mean, std)
    pair = isinstance(got, tuple | list) and len(got) == 2
    batch, found = got if pair else (got, None)
    expect(batch, np.where(mask[..., None], scaled, 0), mistakes)
    require(pair, "return two arrays: the batch and its mask")
    expect(found, mask, {"the mask is True inside the utterance": ~mask})
    return "with the mask, the network does not read the padding."
