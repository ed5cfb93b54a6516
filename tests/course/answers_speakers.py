"""Answers to the exercises of notebooks 10 to 12."""

import itertools

import numpy as np
from answers import right, wrong


def same_values_by_name(extractor, trained):
    def by_name(model):
        return {part.name: part.get_weights() for part in model.layers if part.weights}

    known = by_name(trained)
    return all(
        name in known and all(map(np.array_equal, weights, known[name]))
        for name, weights in by_name(extractor).items()
    )


right("10.1", same_values_by_name)
wrong("10.1", "for copied weights", lambda a, b: a.layers[-1] in b.layers)
wrong(
    "10.1",
    "only the first layer",
    lambda a, b: np.array_equal(a.layers[-2].weights[0], b.layers[0].weights[0]),
)


def subtract_from_the_sum(embeddings, speakers):
    unit = embeddings / np.linalg.norm(embeddings, axis=1)[:, None]
    models = np.stack([unit[speakers == s].sum(axis=0) for s in speakers]) - unit
    return np.einsum("ud,ud->u", unit, models) / np.linalg.norm(models, axis=1)


def with_itself(embeddings, speakers):
    unit = embeddings / np.linalg.norm(embeddings, axis=1)[:, None]
    models = np.stack([unit[speakers == s].sum(axis=0) for s in speakers])
    return np.sum(unit * models, axis=1) / np.linalg.norm(models, axis=1)


right("10.2", subtract_from_the_sum)
wrong("10.2", "part of its own model", with_itself)
wrong("10.2", "expected", lambda embeddings, speakers: np.ones(len(speakers)))


def share_of_pairs(labels):
    pairs = list(itertools.permutations(labels, 2))
    return sum(a == b for a, b in pairs) / len(pairs)


right("11.1", share_of_pairs)
wrong("11.1", "its own neighbor", lambda s: np.mean(s[:, None] == s))
wrong("11.1", "more often", lambda s: (len(s) / 3 - 1) / (len(s) - 1))


def best_permutation(table):
    table = table if table.shape[0] <= table.shape[1] else table.T
    orders = itertools.permutations(range(table.shape[1]), table.shape[0])
    best = max(sum(table[i, j] for i, j in enumerate(order)) for order in orders)
    return 1 - best / table.sum()


right("11.2", best_permutation)
wrong("11.2", "same speaker", lambda t: 1 - t.max(axis=0).sum() / t.sum())
wrong("11.2", "no order", lambda t: 1 - np.trace(t) / t.sum())


def identify_by_loop(enrolled, speakers, trials, threshold, reject=True):
    sums: dict = {}
    for x, k in zip(enrolled, speakers, strict=True):
        sums[int(k)] = sums.get(int(k), 0) + x / np.linalg.norm(x)
    found = []
    for y in trials:
        cosines = {
            k: y @ m / np.linalg.norm(y) / np.linalg.norm(m) for k, m in sums.items()
        }
        best = max(cosines, key=cosines.get)
        found.append(best if cosines[best] >= threshold or not reject else -1)
    return found


right("12.1", identify_by_loop)
wrong("12.1", "no trial was rejected", lambda *x: identify_by_loop(*x, reject=False))
wrong("12.1", "expected", lambda enrolled, speakers, trials, threshold: speakers[:1])


def best_by_loop(scores, same, prior, last=np.inf):
    costs = {
        t: prior * np.sum(scores[same] < t) / same.sum()
        + (1 - prior) * np.sum(scores[~same] >= t) / (~same).sum()
        for t in [*scores, last]
    }
    return min(costs, key=costs.get)


right("12.2", best_by_loop)
wrong("12.2", "depend on the prior", lambda s, same, p: best_by_loop(s, same, 0.5))
wrong("12.2", "rejecting every", lambda *x: best_by_loop(*x, last=x[0].max()))
