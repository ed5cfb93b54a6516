"""Answers to the exercises of notebooks 08 and 09."""

import numpy as np
from answers import right, wrong
from keras import ops

import siamlab as sl


def eer_by_a_loop(same, distances):
    best = min(
        (abs(miss - fa), (miss + fa) / 2)
        for t in distances
        for miss in [np.mean(distances[same == 1] > t)]
        for fa in [np.mean(distances[same == 0] <= t)]
    )
    return best[1]


right("08.1", eer_by_a_loop)
right("08.1", lambda same, d: sl.metrics.eer(same, -d))
wrong("08.1", "is accepted", lambda same, d: sl.metrics.eer(same, d))


def rates_of_all_pairs(same, distances):
    fa = np.array([np.mean((distances <= t) & (same == 0)) for t in distances])
    miss = np.array([np.mean((distances > t) & (same == 1)) for t in distances])
    return ((fa + miss) / 2)[np.argmin(abs(fa - miss))]


wrong("08.1", "its own kind", rates_of_all_pairs)


def rates_of_single_pairs(same, distances):
    same = same[np.argsort(distances, kind="stable")] == 1
    fa, miss = np.cumsum(~same) / sum(~same), 1 - np.cumsum(same) / sum(same)
    return ((fa + miss) / 2)[np.argmin(abs(fa - miss))]


wrong("08.1", "accepted together", rates_of_single_pairs)


def cost_by_counting(y, scores, threshold, p_target, c_miss, c_fa):
    miss, fa = p_target * c_miss, (1 - p_target) * c_fa
    pairs = [
        (s, miss / y.sum()) if t else (s, fa / (~y).sum())
        for s, t in zip(scores, y, strict=True)
    ]
    return sum(
        w for (s, w), t in zip(pairs, y, strict=True) if (s >= threshold) != t
    ) / min(miss, fa)


right("08.2", cost_by_counting)
wrong(
    "08.2",
    "trivial",
    lambda *a: cost_by_counting(*a) * min(a[3] * a[4], (1 - a[3]) * a[5]),
)
wrong("08.2", "best threshold", lambda y, s, t, *rest: sl.metrics.min_dcf(y, s, *rest))


def contrastive_of_a_loop(a, b, same, margin):
    d = [np.sqrt(sum((x - y) ** 2)) for x, y in zip(a, b, strict=True)]
    return [
        0.5 * (x if s else max(margin - x, 0)) ** 2
        for x, s in zip(d, same, strict=True)
    ]


right("09.1", contrastive_of_a_loop)
wrong("09.1", "exchanged", lambda a, b, s, m: contrastive_of_a_loop(a, b, 1 - s, m))
wrong("09.1", "factor", lambda *a: 2 * np.array(contrastive_of_a_loop(*a)))


def aam_by_addition_theorem(cosines, speakers, margin, scale):
    sines = ops.sqrt(1 - ops.square(cosines))
    shifted = cosines * np.cos(margin) - sines * np.sin(margin)
    true = ops.one_hot(speakers, cosines.shape[1], dtype="float64")
    return scale * (true * shifted + (1 - true) * cosines)


right("09.2", aam_by_addition_theorem)
wrong("09.2", "harder", lambda c, s, m, k: aam_by_addition_theorem(c, s, -m, k))
wrong("09.2", "angle", lambda c, s, m, k: k * (c - m * np.eye(6)[s]))
