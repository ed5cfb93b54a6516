"""Exercises of notebooks 08 and 09: metrics of verification, and losses."""

import numpy as np

from ... import losses, metrics
from ..checking import exercise, expect


def _scores(seed):
    """Labels and overlapping scores of pairs, in random order; the best is "same"."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([True, False], [60, 240]))
    scores = rng.normal(1.2 * y, 1.0)
    scores[np.flatnonzero(y)[0]] = scores.max() + 0.1
    return y, scores


@exercise("08.1")
def eer(answer):
    """``answer(same, distances)``: the equal error rate of distances."""
    for seed in (0, 1):
        y, scores = _scores(seed)
        right = metrics.eer(y, scores)
        accepted = scores >= np.sort(scores)[:, None]
        fa, miss = (accepted & ~y).mean(1), (~accepted & y).mean(1)
        k = np.argmin(np.abs(fa - miss))
        mistakes = {
            "a small distance means the same speaker, and is accepted": 1 - right,
            "each error rate is a share of its own kind of pairs, not of all pairs": (
                fa[k] + miss[k]
            )
            / 2,
        }
        # The rates have steps of 1/60: the mean at one threshold is not exact.
        expect(answer(y.astype(int), 5 - scores), right, mistakes, tolerance=0.01)
    tied = answer(np.repeat([1, 0], 4), np.ones(8))
    expect(tied, 0.5, when="for equal distances, which are accepted together")
    return "no distance had to be compared with 0.5."


@exercise("08.2")
def actual_dcf(answer):
    """``answer(y, scores, threshold, p_target, c_miss, c_fa)``: normalized cost."""
    y, scores = _scores(3)
    for threshold, *settings in ((1.0, 0.05, 10, 1), (2.0, 0.01, 1, 2)):
        p, c_miss, c_fa = settings
        miss, fa = np.mean(scores[y] < threshold), np.mean(scores[~y] >= threshold)
        cost = c_miss * p * miss + c_fa * (1 - p) * fa
        trivial = min(c_miss * p, c_fa * (1 - p))
        swapped = c_miss * p * fa + c_fa * (1 - p) * miss
        mistakes = {
            "divide by the cost of the better trivial decision": cost,
            "a miss is a rejected same-speaker pair, a false alarm an accepted "
            "different-speaker pair; they are exchanged": swapped / trivial,
            "this is the cost at the best threshold, not at the given one": (
                metrics.min_dcf(y, scores, *settings)
            ),
        }
        expect(answer(y, scores, threshold, *settings), cost / trivial, mistakes)
    return "a value above 1 means that ignoring the scores costs less."


@exercise("09.1")
def contrastive(answer):
    """``answer(a, b, same, margin)``: the loss of each pair, shape (pairs,)."""
    a, b = np.random.default_rng(0).normal(size=(2, 8, 3))
    same = np.array([1, 0] * 4)
    for margin in (1.0, 3.0):
        d = np.linalg.norm(a - b, axis=1)
        hinge = np.maximum(margin - d, 0)
        mistakes = {
            "the two labels are exchanged": np.where(same, hinge**2, d**2) / 2,
            "the hinge is squared, not its distance": (
                np.where(same, d**2, np.maximum(margin - d**2, 0)) / 2
            ),
            "the hinge is squared, too": np.where(same, d**2, hinge) / 2,
            "the factor 1/2 is missing": np.where(same, d**2, hinge**2),
        }
        right = np.asarray(losses.contrastive(a, b, same, margin))
        expect(answer(a, b, same, margin), right, mistakes, when=f"for {margin = }")
    return "the gradient of a different-speaker pair shrinks as it nears the margin."


@exercise("09.2")
def aam_logits(answer):
    """``answer(cosines, speakers, margin, scale)``: logits, shape (batch, speakers)."""
    cosines = np.random.default_rng(2).uniform(-0.9, 0.9, (4, 6))
    speakers = np.array([0, 5, 2, 2])
    true = speakers[:, None] == np.arange(6)
    for margin, scale in ((0.2, 30.0), (0.4, 10.0)):
        shifted = np.cos(np.arccos(cosines) + margin)
        right = scale * np.where(true, shifted, cosines)
        easier = np.where(true, np.cos(np.arccos(cosines) - margin), cosines)
        mistakes = {
            "only the true speaker has a margin": scale * shifted,
            "the margin is an angle: it is added before the cosine": (
                scale * (cosines - margin * true)
            ),
            "the margin has to make the decision harder": scale * easier,
            "the logits are multiplied by the scale": right / scale,
        }
        expect(answer(cosines, speakers, margin, scale), right, mistakes)
    return "with a margin of 0 this is a softmax over cosines."
