"""What is wrong with embeddings in use: S21, S22, S23, S37, S38."""

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from ... import clusters, metrics
from .. import columns, rows, trace, vectors
from ..rule import NotExamined, rule

_NOTEBOOK = "09_speaker_clusters"


@rule(
    "S21",
    "siamese",
    "minor",
    title="Loud segments rule the mean of an utterance",
    symptom="The embedding of an utterance is that of its loudest segments.",
    cause="Embeddings of unequal length are averaged as they are.",
    fix="normalize, average, normalize",
    notebook="08_embeddings",
)
def s21_plain_mean(case):
    """The utterance's embedding against the mean of its segments, plain and normalized.

    The plain mean has to fit better, norms have to differ by more than half (95th to
    5th percentile above 1.5), and the two means by more than 2 degrees; below that it
    does not matter which was taken.
    """
    segments = np.asarray(case.fact("segments"), np.float64)
    owners = np.asarray(case.fact("utterances"))
    averaged = np.asarray(case.fact("averaged"), np.float64)
    if len(segments) != len(owners):
        raise NotExamined("there is no utterance for each segment")
    names = list(dict.fromkeys(owners.tolist()))
    if len(names) != len(averaged):
        names = sorted(set(owners.tolist()))
    if len(names) != len(averaged):
        raise NotExamined("there is no embedding for each utterance")
    norms = np.linalg.norm(segments, axis=1)
    low, high = np.quantile(norms, [0.05, 0.95])
    spread = high / max(low, 1e-12)
    unit = segments / np.maximum(norms[:, None], 1e-12)
    fits: dict = {}
    for order in (names, sorted(set(owners.tolist()))):
        plain = np.stack([segments[owners == n].mean(axis=0) for n in order])
        normal = np.stack([unit[owners == n].mean(axis=0) for n in order])
        fit = _cosine(plain, averaged), _cosine(normal, averaged)
        if not fits or max(fit) > max(fits["fit"]):
            fits = {"fit": fit, "between": _cosine(plain, normal)}
    plain_fit, normal_fit = fits["fit"]
    if max(plain_fit, normal_fit) < 0.99:
        raise NotExamined("the embeddings are no means of the segments")
    angle = float(np.degrees(np.arccos(np.clip(fits["between"], -1, 1))))
    if plain_fit <= normal_fit or spread < 1.5 or angle < 2:
        return None
    return spread, (
        f"norms of the segments run from {low:.3g} to {high:.3g} (5 % to 95 %), and "
        "the "
        f"mean was taken of them as they are: {angle:.0f} degrees from the other"
    )


def _cosine(a, b):
    dot = np.sum(a * b, axis=1)
    size = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(dot / np.maximum(size, 1e-30)))


@rule(
    "S22",
    "siamese",
    "minor",
    title="Trained for one distance, clustered with another",
    symptom="Clusters worse than the EER would have it.",
    cause="The network ordered speakers in one geometry, the clustering looks at "
    "another.",
    fix="cluster with the distance of the loss, or measure which is better",
    notebook=_NOTEBOOK,
)
def s22_other_distance(case):
    """Both distances over the same embeddings: their order, and the EER of each.

    The same order (rank correlation above 0.98), as of cosines and Euclid on vectors
    of length 1, is no fault; nor is another distance that does as well.
    """
    trained = _name(case.fact("trained_with"))
    used = _name(case.fact("clustered_with"))
    if trained == used:
        return None
    e = case.facts.get("embeddings")
    if e is None:
        raise NotExamined("needs embeddings=, to tell whether the distances differ")
    e = np.asarray(e, np.float64)
    own = case.facts.get("distance")
    one, two = (_distances(e, name, own) for name in (trained, used))
    rank = float(spearmanr(one, two).statistic)
    if rank > 0.98:
        return None
    said = f"{trained} and {used} order pairs otherwise: rank correlation {rank:.2f}"
    who = case.facts.get("speakers")
    if who is not None:
        i, j = np.triu_indices(len(e), 1)
        same = np.asarray(who)[i] == np.asarray(who)[j]
        rates = [_rate(d, same) for d in (one, two)]
        said += f"; EER {rates[0]:.1%} and {rates[1]:.1%}"
        if rates[1] <= rates[0]:
            return None
    return rank, said


def _rate(d, same):
    return metrics.eer(same, -d)


def _name(value):
    value = getattr(value, "__name__", str(value)).lower()
    if value.startswith(("kl", "kullback", "sym", "jeffreys")):
        return "kl"
    if "cos" in value or "angular" in value:
        return "cosine"
    if "euc" in value or value == "l2" or value == "sqeuclidean":
        return "euclidean"
    if "manhattan" in value or "cityblock" in value or value == "l1":
        return "cityblock"
    return value


def _distances(e, name, own=None):
    """Distances of all pairs, as scipy's pdist gives them."""
    if name == "kl":
        p = np.maximum(e, 1e-7)
        log = np.log(p)
        both = np.sum(p * log, axis=1)[:, None] - p @ log.T
        return squareform(both + both.T, checks=False)
    try:
        return pdist(e, name)
    except ValueError as error:
        if own is None:
            raise NotExamined(
                f"no distance is called {name!r}; hand it over, distance="
            ) from error
    return _by(own, e)


def _by(distance, e):
    """Distances of all pairs by a function of two embeddings."""
    i, j = np.triu_indices(len(e), 1)
    a, b = (e[k].astype(np.float32) for k in (i, j))
    found = np.asarray(trace.arrays(distance(trace.tensors(a), trace.tensors(b))))
    if found.ndim == 0 or len(found) != len(i):  # it takes one pair at a time
        found = np.asarray([float(distance(p, q)) for p, q in zip(a, b, strict=True)])
    return found.astype(np.float64).reshape(len(i), -1)[:, 0]


@rule(
    "S23",
    "siamese",
    "fatal",
    title="A table of distances is clustered as if its rows were points",
    symptom="Clusters that have little to do with the distances.",
    cause="scipy's linkage takes a square array for observations.",
    fix="scipy.spatial.distance.squareform first",
    notebook=_NOTEBOOK,
)
def s23_square(case):
    """What goes to linkage: 2-D, square, symmetric, 0 on its diagonal.

    To 1e-6 of its greatest value; no table of embeddings is that by accident.
    """
    given = np.asarray(case.fact("linkage_input"), np.float64)
    if given.ndim != 2:
        return None
    if given.shape[0] != given.shape[1]:
        return None
    size = np.abs(given).max()
    if size == 0 or np.abs(given - given.T).max() > 1e-6 * size:
        return None
    if np.abs(np.diag(given)).max() > 1e-6 * size:
        return None
    return float(len(given)), (
        f"linkage was given a symmetric table of {given.shape} with a diagonal of 0"
    )


@rule(
    "S37",
    "siamese",
    "serious",
    title="A map of embeddings that say nothing",
    symptom="Clusters on the picture, and none in the distances.",
    cause="UMAP draws clusters of noise, and of the order in which rows come.",
    fix="print the purity of the neighbors beside the picture, and that of shuffled "
    "rows",
    notebook=_NOTEBOOK,
)
def s37_pretty_map(case):
    """Purity of the five nearest neighbors against that of shuffled labels.

    Where embeddings spread by less than 1e-4 of their size, what is between them is
    rounding or the order of the rows. Otherwise the purity has to be above the greatest
    of 20 shuffles by some distance, cosine, Euclid or the program's own; at the level
    of the shuffles the map shows nothing.
    """
    e = np.asarray(case.fact("embeddings"), np.float64)
    who = np.asarray(case.fact("speakers"))
    if len(e) != len(who) or len(e) < 12:
        raise NotExamined("there are no 12 embeddings with their speakers")
    spread = vectors.spread(e)
    if spread < 1e-4:
        return spread, (
            f"embeddings spread by {spread:.1g} of their size: "
            "what is "
            "between them is rounding, or the order of the rows"
        )
    k = min(5, len(e) - 1)
    found = {}
    for name, square in _geometries(case, e):
        near = {"k": k, "metric": "precomputed"}
        purity = float(clusters.neighbor_purity(square, who, **near))
        chance = float(np.max(clusters.shuffled_purity(square, who, **near)))
        if purity > chance:
            return None
        found[name] = purity, chance
    name, (purity, chance) = next(iter(found.items()))
    return purity, (
        f"of the {k} nearest neighbors by {name} {purity:.0%} are of the same one of "
        f"{len(np.unique(who))} speakers; with shuffled labels it is up to {chance:.0%}"
    )


def _geometries(case, e):
    """Tables of distances in which there might be something to see, by name."""
    yield "cosine", squareform(_distances(e, "cosine"), checks=False)
    yield "Euclid", squareform(_distances(e, "euclidean"), checks=False)
    if (e > 0).all():
        yield "logarithms", squareform(_distances(np.log(e), "euclidean"), checks=False)
    own = case.facts.get("distance")
    if own is not None:
        yield "the distance of the loss", squareform(_by(own, e), checks=False)


@rule(
    "S38",
    "siamese",
    "serious",
    title="It hears the microphone",
    symptom="A low EER, which rises many times over on recordings of another kind.",
    cause="Every speaker was recorded in one place, so that the place gives him away.",
    fix="random filters, rooms and noise in training; several sessions for each "
    "speaker",
    notebook="08_embeddings",
)
def s38_microphone(case):
    """EER of the long-term average spectrum alone, and of filtered recordings.

    Pairs of one speaker are of two sessions where there are such. In the average over
    frames there is hardly anything but the channel: with an EER below 10 % it gives
    speakers away, who have 20 % and more where channels change.
    """
    x, speakers, sessions = _recordings(case)
    i, j = np.triu_indices(len(x), 1)
    same = speakers[i] == speakers[j]
    across = same & (sessions[i] != sessions[j])
    if across.sum() >= 20:
        keep = ~same | across
        i, j, same = i[keep], j[keep], same[keep]
    if min(same.sum(), (~same).sum()) < 20 or len(np.unique(speakers)) < 4:
        raise NotExamined("fewer than 20 pairs of each kind, or than 4 speakers")
    mean = x.mean(axis=1)
    alone = _rate(np.abs(mean[i] - mean[j]).sum(axis=1), same)
    if alone > 0.1:
        return None
    return alone, f"EER of the average spectrum alone is {alone:.1%}" + _filtered(
        case, x, i, j, same
    )


def _filtered(case, x, i, j, same):
    """Say what a filter for each recording does to the network, if it can be told."""
    net = case.given_extractor
    if net is None:
        net = case.model if case.pair.style == "batch" else None
    if net is None:
        return ""
    rng = np.random.default_rng(0)
    knots = rng.normal(size=(len(x), 6)) * 0.5 * float(x.std())
    at = np.linspace(0, 5, x.shape[2])
    curves = np.stack([np.interp(at, np.arange(6), k) for k in knots])[:, None]
    own, after = (
        _rate(_cosines(_embed(net, e.astype(np.float32)), i, j), same)
        for e in (x, x + curves)
    )
    return (
        f"; that of the network {own:.1%}, and {after:.1%} after a filter for each "
        "recording"
    )


def _recordings(case):
    """Spectrograms of the batch, each with its speaker and its session."""
    pair = rows.sides(case.x)
    if pair is not None:
        frame = columns.table(case.pairs)
        about = [columns.both(frame, what) for what in ("speaker", "session")]
        if None in about or len(frame) < len(pair[0]):
            raise NotExamined("the table of pairs names no speakers and sessions")
        n = len(pair[0])
        x = np.concatenate(pair)
        speakers, sessions = (np.concatenate([s[:n] for s in a]) for a in about)
    else:
        x = np.asarray(case.x)
        sessions = np.asarray(case.fact("sessions"))[: len(x)]
        given = case.facts.get("speakers")
        given = case.y if given is None else given
        speakers = np.asarray(given)[: len(x)].reshape(len(x), -1)[:, 0]
    if x.ndim != 3:
        raise NotExamined("the batch holds no spectrograms")
    _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
    return x[first], speakers[first], sessions[first]


def _embed(net, x):
    e = trace.arrays(trace.call(net, x))
    if not isinstance(e, np.ndarray):
        raise NotExamined("the network gives no array")
    return rows.flat((e,))[0].reshape(len(x), -1)


def _cosines(e, i, j):
    unit = e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-12)
    return -np.sum(unit[i] * unit[j], axis=1)
