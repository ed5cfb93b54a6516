"""Answers to the exercises of notebooks 00 to 02."""

import numpy as np
from answers import right, wrong

import siamlab as sl


def sorted_cosines(embeddings, labels, k):
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    shares = []
    for i, row in enumerate(unit @ unit.T):
        nearest = [j for j in np.argsort(-row) if j != i][:k]
        shares += [labels[j] == labels[i] for j in nearest]
    return np.mean(shares)


def with_itself(embeddings, labels, k):
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    nearest = np.argsort(-unit @ unit.T, axis=1)[:, :k]
    return np.mean(labels[nearest] == labels[:, None])


def largest_dot_product(embeddings, labels, k):
    scores = embeddings @ embeddings.T
    np.fill_diagonal(scores, -np.inf)
    return np.mean(labels[np.argsort(-scores)[:, :k]] == labels[:, None])


right("00.1", sorted_cosines)
wrong("00.1", "own neighbor", with_itself)
wrong("00.1", "for k=1", largest_dot_product)


def shuffle_names(speakers, fraction, seed):
    names = sorted(set(speakers))
    np.random.default_rng(seed).shuffle(names)
    chosen = names[: round(fraction * len(names))]
    return [name in chosen for name in speakers]


right("00.2", shuffle_names)
wrong("00.2", "both parts", lambda s, f, seed: np.arange(len(s)) < f * len(s))
wrong("00.2", "another seed", lambda s, f, seed: shuffle_names(s, f, 0))
wrong("00.2", "5 of 20", lambda s, f, seed: shuffle_names(s, 1 - f, seed))


def interpolated(frequencies, edges):
    bands = range(len(edges) - 2)
    triangles = [np.interp(frequencies, edges[b : b + 3], [0, 1, 0]) for b in bands]
    return (np.array(triangles) * 2 / (edges[2:] - edges[:-2])[:, None]).T


right("01.1", interpolated)
wrong("01.1", "not its height", lambda f, e: interpolated(f, e) * (e[2:] - e[:-2]) / 2)
wrong("01.1", "(bins, bands)", lambda f, e: interpolated(f, e).T)


def nearer_backward(x, reference):
    x, y = x - x.mean(), reference - reference.mean()
    return np.sum((x[::-1] - y) ** 2) < np.sum((x - y) ** 2)


right("01.2", nearer_backward)
wrong("01.2", "runs backward", lambda x, reference: np.array_equal(x[::-1], reference))
wrong("01.2", "runs forward", lambda x, reference: True)


def by_the_library(train, new):
    return sl.scaling.StandardScaler().fit(train).transform(new)


right("02.1", by_the_library)
wrong("02.1", "a leak", lambda train, new: by_the_library([new], new))
wrong(
    "02.1",
    "rounding error",
    lambda train, new: (new - np.vstack(train).mean(0)) / np.vstack(train).std(0),
)


def scaled_first(arrays, mean, std):
    longest = max(map(len, arrays))
    rows = [(x - mean) / std for x in arrays]
    ends = [[(0, longest - len(x)), (0, 0)] for x in rows]
    mask = [[k < len(x) for k in range(longest)] for x in rows]
    return [np.pad(x, end) for x, end in zip(rows, ends, strict=True)], np.array(mask)


def padded_first(arrays, mean, std):
    batch, mask = scaled_first(arrays, 0, 1)
    return (np.array(batch) - mean) / std, mask


right("02.2", scaled_first)
wrong("02.2", "scale first", padded_first)
wrong("02.2", "two arrays", lambda x, m, s: scaled_first(x, m, s)[0])
wrong(
    "02.2", "inside", lambda *given: (scaled_first(*given)[0], ~scaled_first(*given)[1])
)
