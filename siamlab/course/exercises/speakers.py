"""Exercises of notebooks 10 to 12: embeddings, clusters and your own recordings."""

import numpy as np

from ...distances import normalize
from ..checking import exercise, expect


@exercise("10.1")
def has_trained_weights(answer):
    """``answer(extractor, trained)``: are all its weights those of `trained`."""
    import keras

    def build(*names):
        parts = [keras.layers.Dense(2, name=name) for name in names]
        return keras.Sequential([keras.Input((2,)), *parts])

    trained, copied, half, renamed = (
        build(*names) for names in ("abc", "ab", "ab", "ax")
    )
    for layer in trained.layers:
        layer.set_weights([w + 1 for w in layer.get_weights()])
    for model, n_layers in ((copied, 2), (half, 1), (renamed, 2)):
        for layer, other in zip(model.layers[:n_layers], trained.layers, strict=False):
            layer.set_weights(other.get_weights())
    shared = keras.Model(trained.inputs, trained.get_layer("b").output)
    cases = {
        "shared layers": (shared, True),
        "layers that were built again": (build("a", "b"), False),
        "copied weights": (copied, True),
        "weights of which only the first layer was copied": (half, False),
        "a layer of another name": (renamed, False),
    }
    for name, (extractor, same) in cases.items():
        expect(answer(extractor, trained), np.array(same), when=f"for {name}")
    return "this test costs a millisecond and finds an extractor with random weights."


@exercise("10.2")
def own_scores(answer):
    """``answer(embeddings, speakers)``: cosines with models of the other utterances."""
    rng = np.random.default_rng(0)
    speakers = np.array(["b", "a", "b", "c", "a", "b", "c", "b"])
    x = rng.normal(size=(8, 3)) * rng.uniform(0.2, 5, (8, 1))
    unit, same = normalize(x), speakers[:, None] == speakers
    others = same & ~np.eye(8, dtype=bool)

    def scores(members, rows):
        return np.sum(unit * normalize(members @ rows), axis=1)

    mistakes = {
        "an utterance is part of its own model": scores(same, unit),
        "long embeddings have more weight in the mean: normalize each one first": (
            scores(others, x)
        ),
        "the mean is shorter than 1: a cosine divides by its length as well": np.sum(
            unit * (others @ unit) / others.sum(axis=1, keepdims=True), axis=1
        ),
    }
    expect(answer(x.copy(), speakers), scores(others, unit), mistakes)
    return "no utterance is compared with itself, and all of them serve as trials."


@exercise("11.1")
def chance_level(answer):
    """``answer(labels)``: the neighbor purity of random neighbors."""
    for counts in ((4, 4, 4), (2, 5, 9)):
        labels = np.random.default_rng(0).permutation(np.repeat(list("abc"), counts))
        m, n = np.array(counts), len(labels)
        mistakes = {
            "a recording is not its own neighbor": np.sum(m**2) / n**2,
            "there are n - 1 neighbors to choose from": np.sum(m * (m - 1)) / n**2,
            "a speaker with more recordings counts more often in the mean": np.mean(
                (m - 1) / (n - 1)
            ),
        }
        expected = np.sum(m * (m - 1)) / (n * (n - 1))
        when = f"for speakers with {counts} recordings"
        expect(answer(labels), expected, mistakes, when=when)
    return "compare each purity with this value, not with 0."


@exercise("11.2")
def clustering_errors(answer):
    """``answer(table)``: the misclassification rate of counts (speakers, clusters)."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(1)
    for shape in ((3, 3), (3, 5), (4, 2)):
        table = rng.integers(0, 9, shape)
        n = table.sum()
        mistakes = {
            "two clusters may not be assigned to the same speaker": 1
            - table.max(axis=0).sum() / n,
            "two speakers may not be assigned to the same cluster": 1
            - table.max(axis=1).sum() / n,
            "clusters have no order: speaker 0 need not be cluster 0": 1
            - np.trace(table) / n,
        }
        best = table[linear_sum_assignment(table, maximize=True)].sum()
        mistakes["this is the share of correct recordings, not of errors"] = best / n
        when = f"for {shape[0]} speakers and {shape[1]} clusters"
        expect(answer(table.copy()), 1 - best / n, mistakes, when=when)
    return "surplus clusters and surplus speakers count as errors."


@exercise("12.1")
def identify(answer):
    """``answer(enrolled, speakers, trials, threshold)``: labels, -1 if rejected."""
    rng = np.random.default_rng(0)
    labels, threshold = np.array([7, 2, 5]), 0.8
    speakers = np.tile(labels, 3)
    x = np.tile(np.eye(4)[:3], (3, 1)) + 0.5 * rng.normal(size=(9, 4))
    x *= rng.uniform(0.2, 6, (9, 1))
    trials = rng.normal(size=(60, 4)) * rng.uniform(0.2, 6, (60, 1))

    def decide(members, scores_of=normalize, limit=threshold):
        order = np.sort(labels)
        models = np.stack([members[speakers == k].mean(axis=0) for k in order])
        scores = scores_of(trials) @ scores_of(models).T
        best = order[scores.argmax(axis=1)]
        return np.where(scores.max(axis=1) >= limit, best, -1)

    mistakes = {
        "no trial was rejected: compare the best cosine with the threshold": decide(
            normalize(x), limit=-9
        ),
        "long embeddings have more weight in the mean: normalize each one first": (
            decide(x)
        ),
        "a dot product of vectors of any length is not a cosine": decide(
            normalize(x), scores_of=lambda v: v
        ),
        "return the labels in `speakers`, not their position": np.searchsorted(
            np.append(-1, np.sort(labels)), decide(normalize(x))
        )
        - 1,
    }
    expect(
        answer(x.copy(), speakers, trials.copy(), threshold),
        decide(normalize(x)),
        mistakes,
    )
    return "choose the threshold on speakers who are not enrolled, too."


@exercise("12.2")
def best_threshold(answer):
    """``answer(scores, same, prior)``: the threshold with the lowest cost."""
    rng = np.random.default_rng(0)
    same = rng.uniform(size=200) < 0.3
    scores = np.round(rng.normal(size=200) + 2 * same, 2)
    scores[np.flatnonzero(~same)[0]] = 9.0
    reject_all = 99.0  # in place of infinity, which `expect` cannot compare
    values = np.append(np.unique(scores), reject_all)

    def cheapest(prior, values=values):
        misses = [np.mean(scores[same] < t) for t in values]
        false = [np.mean(scores[~same] >= t) for t in values]
        cost = prior * np.array(misses) + (1 - prior) * np.array(false)
        return values[cost.argmin()]

    for prior in (0.3, 0.001):
        mistakes = {
            "rejecting every pair can be cheapest": cheapest(prior, values=values[:-1]),
            "the costs depend on the prior": cheapest(0.5),
            "the prior is that of same-speaker pairs, which can be missed": cheapest(
                1 - prior
            ),
        }
        got = answer(scores.copy(), same, prior)
        got = reject_all if np.ndim(got) == 0 and got == np.inf else got
        expect(got, cheapest(prior), mistakes, when=f"for the prior {prior}")
    return "measure the cost at this threshold on other speakers."
