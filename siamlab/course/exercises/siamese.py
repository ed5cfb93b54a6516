"""Exercises of notebooks 05 and 07: pairs and the KL hinge loss."""

import numpy as np
from scipy import special

from ... import distances
from ..checking import exercise, expect, require


@exercise("05.1")
def balanced_pairs(answer):
    """``answer(speakers, n_pairs, seed)``: indices of balanced pairs, two arrays."""
    speakers = np.repeat(list("abcde"), (40, 4, 4, 2, 1))
    pairs = answer(speakers, 1200, 0)
    expect(np.shape(pairs) if np.ndim(pairs) else pairs, (2, 1200))
    first, second = np.asarray(pairs, int)
    require((first != second).all(), "a recording was paired with itself")
    same = speakers[first] == speakers[second]
    require(same[:600].all(), "the first half must be same-speaker pairs")
    require(not same[600:].any(), "the second half must be different-speaker pairs")
    counts = np.unique(speakers[first[:600]], return_counts=True)[1]
    require(
        len(counts) == 4 and counts.min() > 90 and counts.max() < 210,
        "the four speakers with two or more recordings must be equally likely in the "
        f"same-speaker pairs; they were drawn {counts.tolist()} times",
    )
    require(
        not np.array_equal(answer(speakers, 1200, 1), pairs),
        "another seed gave the same pairs",
    )
    return "a speaker with many recordings does not dominate the pairs."


@exercise("05.2")
def shared_recordings(answer):
    """``answer(first, second, speakers, recordings)``: fraction from one recording."""
    rng = np.random.default_rng(0)
    speakers, recordings = np.repeat(np.arange(4), 25), np.tile(np.arange(5), 20)
    first, second = rng.integers(100, size=(2, 400))
    same = speakers[first] == speakers[second]
    shared = recordings[first] == recordings[second]
    mistakes = {
        "this is a fraction of all pairs; divide by the same-speaker pairs": np.mean(
            shared & same
        ),
        "names of recordings repeat from speaker to speaker": np.mean(shared),
        "this is the fraction of the shared recordings that are of one speaker": (
            np.mean(same[shared])
        ),
    }
    expect(answer(first, second, speakers, recordings), np.mean(shared[same]), mistakes)
    return "above 0, the network can learn the recording in place of the voice."


@exercise("05.3")
def pairwise_kl(answer):
    """``answer(p)``: KL divergences of all pairs of rows."""
    p = np.random.default_rng(0).dirichlet(np.ones(6), size=9)
    d = distances.pairwise_kl(p)
    mistakes = {
        "entry (i, j) is the divergence of row i from row j; yours is (j, i)": d.T,
        "this is the sum of both directions": d + d.T,
        "this is the cross-entropy; the part that depends on row i alone is missing": (
            -p @ np.log(p).T
        ),
    }
    expect(answer(p), d, mistakes)
    return "one matrix product gives the distances of all pairs."


@exercise("07.1")
def worst_output(answer):
    """``answer(q)``: the outputs with the smallest clipped divergence from q."""
    q = np.append(np.random.default_rng(0).uniform(0.05, 1, 6), [1.0, 1e-7])
    mistakes = {
        "equal outputs have a divergence of 0; it can become negative": q,
        "1/e is the minimum for q = 1; it depends on q": np.full(8, 1 / np.e),
        "a term is 0 at the lower end of the clip, and lower in between": np.full(
            8, 1e-7
        ),
    }
    got = answer(q)
    expect(got, np.maximum(q / np.e, 1e-7), mistakes)
    require(np.min(got) >= 1e-7, "outputs are at least 1e-7 after the clip")
    return "a same-speaker pair with equal outputs does not have the lowest loss."


@exercise("07.2")
def loss_gradient(answer):
    """``answer(a, b, same, margin)``: gradient of the loss with respect to a."""
    a, b = np.random.default_rng(1).normal(0, 1.5, (2, 5))
    p, q = special.softmax([a, b], axis=-1)
    d1, d2 = distances.kl(p, q), distances.kl(q, p)
    g1, g2 = p * (np.log(p / q) - d1), p - q
    for same, margin in ((1, 1.0), (0, 9.0), (0, 0.48 * (d1 + d2)), (0, 0.01)):
        right = g1 + g2 if same else -g1 * (d1 < margin) - g2 * (d2 < margin)
        mistakes = {
            "the sign is wrong": -right,
            "this is the gradient with respect to b": (g2 - q * (np.log(q / p) - d2))
            * (1 - 2 * same),
            "beyond the margin the gradient of a direction is 0": -g1 - g2,
            "each direction has its own hinge": (-g1 - g2) * (d1 + d2 < 2 * margin),
        }
        when = f"for same={bool(same)}, margin={margin:.2f}"
        expect(answer(a, b, bool(same), margin), right, mistakes, when=when)
    # A softmax of these logits is exactly (1, 0, 0, 0, 0).
    large = np.array([800.0, 0, 0, 0, 0])
    got = answer(large, b, True, 1.0)
    require(np.isfinite(got).all(), "logits of 800 give NaN; compute with log_softmax")
    expect(got, large / 800 - q, when="for logits of 800")
    return "this is what the optimizer gets from one pair."
