"""From embeddings to clusters: S21, S22, S23, S37."""

import keras
import numpy as np
from keras import layers, ops
from program import siamese, speech, twins
from scipy.spatial.distance import pdist, squareform


def voices(rng, n_speakers, each, dim, spread):
    """Unit vectors around one center a speaker."""
    centers = rng.normal(size=(n_speakers, dim))
    who = np.repeat(np.arange(n_speakers), each)
    e = centers[who] + spread * rng.normal(size=(len(who), dim))
    return (e / np.linalg.norm(e, axis=1, keepdims=True)).astype("float32"), who


@twins("loud_segments_rule_the_mean", "S21", spread=2.5)
@twins("loud_segments_rule_more", "S21", spread=4.0)
def loud_segments_rule_the_mean(fault, spread):
    rng = np.random.default_rng(151)
    utterances = np.repeat(np.arange(40), 12)
    segments, _ = voices(rng, 8, 5 * 12, 24, 1.2)
    speakers = np.arange(40) // 5
    segments = segments * np.exp(rng.normal(0, spread, (480, 1))).astype("float32")
    used = segments
    if not fault:
        used = segments / np.linalg.norm(segments, axis=1, keepdims=True)
    mean = np.stack([used[utterances == u].mean(axis=0) for u in range(40)])
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    return siamese(
        None,
        segments,
        utterances,
        arrays={
            "segments": segments,
            "utterances": utterances,
            "averaged": mean,
            "speakers": speakers,
        },
        note="embeddings of very different lengths are averaged as they are",
    )


@twins("mean_of_raw_outputs", "S21")
def mean_of_raw_outputs(fault):
    x, table = speech(8, 2, 8, 40, 40, seed=152)
    rng = np.random.default_rng(152)
    knocks = rng.normal(0, 8.0, (len(x) // 8, 1, 40))  # one in each utterance
    x[::8] = knocks
    extractor = keras.Sequential(
        [
            layers.Conv1D(24, 5, activation="relu", use_bias=False),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, use_bias=False),
        ]
    )
    e = extractor.predict_on_batch(x)
    utterances = np.arange(len(x)) // 8
    used = e if fault else e / np.linalg.norm(e, axis=1, keepdims=True)
    mean = np.stack([used[utterances == u].mean(axis=0) for u in range(16)])
    return siamese(
        extractor,
        x,
        None,
        extractor=extractor,
        arrays={
            "segments": e,
            "utterances": utterances,
            "averaged": mean / np.linalg.norm(mean, axis=1, keepdims=True),
            "speakers": table["speaker"].to_numpy()[::8],
        },
        note="one segment of eight is a knock: its long embedding outvotes seven (see "
        "the spread of norms; the EER of so few utterances hardly shows it)",
    )


@twins("trained_ratios_clustered_euclid", "S22")
def trained_ratios_clustered_euclid(fault):
    rng = np.random.default_rng(153)
    who = np.repeat(np.arange(6), 10)
    logits = rng.normal(0, 1.5, (6, 24))[who] - 6
    logits += rng.normal(0, 0.3, logits.shape)
    logits[:, :2] = rng.normal(0, 1.0, (60, 2))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    def log_ratio(a, b):
        return np.sum((np.log(a[2:]) - np.log(b[2:])) ** 2)

    condensed = pdist(p, "euclidean") if fault else pdist(p, log_ratio)
    return siamese(
        None,
        p.astype("float32"),
        who,
        distance=log_ratio,
        arrays={
            "embeddings": p.astype("float32"),
            "speakers": who,
            "trained_with": "log_ratio",
            "clustered_with": "euclidean" if fault else "log_ratio",
            "linkage_input": condensed,
        },
        note="trained on ratios of small probabilities, clustered by Euclid",
    )


@twins("trained_euclid_clustered_cosine", "S22")
def trained_euclid_clustered_cosine(fault):
    rng = np.random.default_rng(154)
    who = np.repeat(np.arange(8), 8)
    direction = np.ones(16) / 4
    e = direction * (2.0 + who[:, None] * 1.5) + rng.normal(0, 0.25, (64, 16))
    e = e.astype("float32")

    def euclid(a, b):
        return ops.sqrt(ops.sum((a - b) ** 2, axis=-1) + 1e-9)

    metric = "cosine" if fault else "euclidean"
    return siamese(
        None,
        e,
        who,
        distance=euclid,
        arrays={
            "embeddings": e,
            "speakers": who,
            "trained_with": "euclidean",
            "clustered_with": metric,
            "linkage_input": pdist(e, metric),
        },
        note="speakers differ in the length of their vectors, which cosine ignores",
    )


@twins("square_matrix_into_linkage", "S23", metric="cosine", count=30)
@twins("square_matrix_of_kl_into_linkage", "S23", metric="jensenshannon", count=60)
def square_matrix_into_linkage(fault, metric, count):
    rng = np.random.default_rng(155)
    e, who = voices(rng, 6, count // 6, 16, 0.8)
    if metric == "jensenshannon":
        e = np.exp(3 * e) / np.exp(3 * e).sum(axis=1, keepdims=True)
    square = squareform(pdist(e, metric))
    given = square if fault else squareform(square, checks=False)
    return siamese(
        None,
        e,
        who,
        arrays={
            "linkage_input": given,
            "linkage_method": "average",
            "embeddings": e,
            "speakers": who,
        },
        note="linkage takes the rows of a square distance matrix for points",
    )


@twins("similarity_table_into_linkage", "S23")
def similarity_table_into_linkage(fault):
    x, table = speech(6, 2, 3, 40, 40, seed=156)
    base = keras.Sequential(
        [layers.Conv1D(24, 5, activation="relu"), layers.GlobalAveragePooling1D()]
    )
    e = base.predict_on_batch(x)
    difference = e[:, None] - e[None, :]
    square = np.abs(difference).sum(axis=-1).astype("float64")
    upper = square[np.triu_indices(len(e), k=1)]
    return siamese(
        base,
        x,
        None,
        extractor=base,
        arrays={
            "linkage_input": square if fault else upper,
            "linkage_method": "complete",
            "speakers": table["speaker"].to_numpy(),
        },
        note="a table of all Manhattan distances goes to linkage as it is",
    )


@twins("pretty_picture_of_nothing", "S37", kind="constant")
@twins("pretty_picture_of_noise", "S37", kind="noise")
@twins("pretty_picture_of_drift", "S37", kind="drift")
def pretty_picture_of_nothing(fault, kind):
    rng = np.random.default_rng(157)
    good, who = voices(rng, 6, 20, 32, 0.35)
    place = rng.uniform(-9, 9, (6, 2))
    layout = place[who] + rng.normal(0, 0.6, (120, 2))
    e = good
    if fault and kind == "constant":
        e = (0.5 + 1e-7 * rng.normal(size=good.shape)).astype("float32")
    elif fault and kind == "noise":
        e = rng.normal(size=good.shape).astype("float32")
    elif fault:
        order = np.arange(120)[:, None] / 120
        e = (1 + 1e-5 * order + 2e-6 * rng.normal(size=good.shape)).astype("float32")
    return siamese(
        None,
        e,
        who,
        arrays={"embeddings": e, "speakers": who, "layout": layout},
        note="the picture shows six islands, the embeddings say (almost) nothing; "
        "rows are in the order of the labels, and the layout is drawn, not computed",
    )
