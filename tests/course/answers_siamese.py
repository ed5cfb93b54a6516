"""Answers to the exercises of notebooks 05 and 07."""

import numpy as np
from answers import right, wrong
from scipy.special import log_softmax, rel_entr, softmax


def draw_with_loops(speakers, n_pairs, seed, *, by_speaker=True, apart=True):
    rng = np.random.default_rng(seed)
    pairs = []
    while len(pairs) < n_pairs // 2:
        names = np.unique(speakers) if by_speaker else speakers
        rows = np.flatnonzero(speakers == rng.choice(names))
        if len(rows) > 1:
            pairs.append(rng.choice(rows, 2, replace=not apart))
    while len(pairs) < n_pairs:
        i, j = rng.integers(len(speakers), size=2)
        if speakers[i] != speakers[j]:
            pairs.append((i, j))
    return np.transpose(pairs)


right("05.1", draw_with_loops)
wrong("05.1", "with itself", lambda *a: draw_with_loops(*a, apart=False))
wrong("05.1", "equally likely", lambda *a: draw_with_loops(*a, by_speaker=False))
wrong("05.1", "another seed", lambda s, n, _: draw_with_loops(s, n, 0))
wrong("05.1", "first half", lambda *a: draw_with_loops(*a)[:, ::-1])


def count_shared(first, second, speakers, recordings):
    of_one = [
        (i, j) for i, j in zip(first, second, strict=True) if speakers[i] == speakers[j]
    ]
    return sum(recordings[i] == recordings[j] for i, j in of_one) / len(of_one)


right("05.2", count_shared)
wrong("05.2", "repeat", lambda a, b, s, r: np.mean(r[a] == r[b]))
wrong("05.2", "all pairs", lambda a, b, s, r: np.mean((r[a] == r[b]) & (s[a] == s[b])))

right("05.3", lambda p: rel_entr(p[:, None], p[None]).sum(axis=-1))
wrong("05.3", "(j, i)", lambda p: rel_entr(p[None], p[:, None]).sum(axis=-1))
wrong("05.3", "cross-entropy", lambda p: -np.einsum("ik,jk->ij", p, np.log(p)))

right("07.1", lambda q: np.clip(np.exp(np.log(q) - 1), 1e-7, 1))
wrong("07.1", "depends on q", lambda q: 0 * q + np.exp(-1))
wrong("07.1", "at least 1e-7", lambda q: q / np.e)


def numeric_gradient(a, b, same, margin, *, hinges=2):
    def loss(a):
        log_p, log_q = log_softmax(a), log_softmax(b)
        change = log_p - log_q
        d = np.array([np.exp(log_p) @ change, -np.exp(log_q) @ change])
        if hinges == 1:
            d, margins = d.sum(), 2 * margin
        else:
            margins = margin
        return d.sum() if same else np.maximum(margins - d, 0).sum()

    steps = 1e-5 * np.eye(len(a))
    return [(loss(a + step) - loss(a - step)) / 2e-5 for step in steps]


right("07.2", numeric_gradient)
wrong("07.2", "sign", lambda *a: -np.array(numeric_gradient(*a)))
wrong("07.2", "respect to b", lambda a, b, *s: numeric_gradient(b, a, *s))
wrong("07.2", "own hinge", lambda *a: numeric_gradient(*a, hinges=1))
wrong("07.2", "beyond", lambda a, b, s, m: numeric_gradient(a, b, s, 99.0))


@np.errstate(all="ignore")
def unstable_gradient(a, b, same, margin):
    p, q = softmax(a), softmax(b)
    d1, d2 = np.log(p / q) @ p, np.log(q / p) @ q
    g1, g2 = p * (np.log(p / q) - d1), p - q
    return g1 + g2 if same else -g1 * (d1 < margin) - g2 * (d2 < margin)


wrong("07.2", "800 give NaN", unstable_gradient)
