"""What is wrong with a figure.

S3 accuracy of distances, S4 it is watched, S36 accuracy of units without order.
"""

import numpy as np
from scipy.stats import spearmanr

from .. import rows
from ..rule import NotExamined, rule
from .losses import _labels, _varied

_NOTEBOOK = "06_accuracy_on_distances"


@rule(
    "S3",
    "siamese",
    "fatal",
    title="The metric does not say how well the network does",
    symptom="Accuracy never gets over 0.5, or falls while the loss falls.",
    cause="Label 1 means the same speaker, and the same means a small distance; and "
    "0.5 "
    "is no threshold of a distance.",
    fix="watch the equal error rate (siamlab.metrics.EER), or accuracy at a threshold "
    "chosen on other data",
    notebook=_NOTEBOOK,
)
def s3_metric_of_distances(case):
    """The metric of perfect outputs: those that cost least for each label.

    A figure of which more is better has to be at least 0.9 there, one of which less is
    better at most 0.1. For a hinge, outputs are taken as well that any threshold from
    0.4 to 1 times the margin tells apart without an error; a metric that cuts at 0.5
    and gets less than 0.8 of them right cuts at the wrong place.
    """
    tested = _tested(case)
    if not tested:
        raise NotExamined("of no metric it is known whether more or less is better")
    for name, perfect, wants, how in tested:
        if wants > 0 and perfect < 0.9 and how == "perfect":
            return perfect, f"with perfect outputs {name} is {perfect:.3g}"
        if wants < 0 and perfect > 0.1:
            return perfect, f"with perfect outputs {name} is {perfect:.3g}"
        if wants > 0 and perfect < 0.8:
            return perfect, (
                f"of pairs that a threshold tells apart without an error {name} gets "
                f"{perfect:.3g} right: it cuts at 0.5"
            )
    return None


def _tested(case):
    """Name, figure of perfect outputs, direction and kind of outputs, by metric."""
    pair = case.pair
    if pair.style == "batch":
        raise NotExamined("a model with one input gives no output for a pair")
    n = 24
    labels = (np.random.default_rng(6).permutation(n) % 2).astype(int)
    y = pair.labels[labels]
    perfect = pair.outputs_for(labels)
    found = []
    for measure in case.measures:
        wants = measure.wants or _verdict(measure, y, perfect)
        if not wants:
            continue
        value = measure(y, perfect)
        if not np.isfinite(value):
            continue
        found.append((measure.name, value, wants, "perfect"))
        if wants > 0 and value >= 0.9 and pair.has_scores:
            between = _between(case, measure, y, labels)
            if between is not None:
                found.append((measure.name, between, wants, "between"))
    return found


def _verdict(measure, y, outputs):
    """1 for a metric that says right or wrong of each pair, whatever its name; else 0.

    What calls itself no error is taken for a share of right answers.
    """
    try:
        values = [
            measure(y[[i, i]], rows.take(outputs, [j, j]))
            for i in (0, -1)
            for j in (0, -1)
        ]
    except NotExamined:
        return 0
    return int(set(values) == {0.0, 1.0})


def _between(case, measure, y, labels):
    """The metric of pairs on both sides of any sensible threshold.

    None if it is not one that cuts at 0.5.
    """
    pair = case.pair
    try:
        margin = pair.margin
    except NotExamined:
        return None
    rng = np.random.default_rng(8)
    near = rng.uniform(0, 0.4 * margin, len(labels))
    far = rng.uniform(1.05 * margin, 1.5 * margin, len(labels))
    d = np.where(labels == pair.near_label, near, far)
    # Of one label only: with both, verdicts that are all wrong look as good.
    below, above = (
        measure(pair.labels[[1] * 4], pair.as_outputs(np.full(4, pair.sign * t)))
        for t in (0.499, 0.501)
    )
    if abs(below - above) < 1e-6:
        return None
    return measure(y, pair.as_outputs(pair.sign * d))


@rule(
    "S4",
    "siamese",
    "serious",
    title="Training is stopped or saved by a figure that means nothing",
    symptom="The best epoch is an arbitrary one.",
    cause="Early stopping or a checkpoint watches an accuracy of distances.",
    fix="watch the equal error rate of other speakers",
    notebook=_NOTEBOOK,
)
def s4_watched(case):
    """The watched figure against AUC or EER of the same epochs, or the metric itself.

    A rank correlation of 0.3 or less, of at least 5 epochs, is a figure that goes its
    own way. So is one whose metric fails perfect outputs, as in S3.
    """
    watched = [_watched(c) for c in _flat(case.fact("callbacks"))]
    watched = [each for each in watched if each]
    if not watched:
        raise NotExamined("no callback watches a figure")
    history = case.facts.get("history") or {}
    history = getattr(history, "history", history)
    examined = False
    for name, mode in watched:
        guide = _guide(history, name)
        if guide is not None and name in history:
            values = np.asarray(history[name], float)
            sign = -1 if mode == "min" else 1
            if len(values) >= 5:
                examined = True
                rank = (
                    float(spearmanr(sign * values, guide).statistic)
                    if np.ptp(values) > 0
                    else 0.0
                )
                if rank <= 0.3:
                    return rank, (
                        f"{name} and what it should follow have a rank correlation of "
                        f"{rank:.2f} over {len(values)} epochs"
                    )
        plain = name.removeprefix("val_")
        try:
            tested = _tested(case)
        except NotExamined:
            continue
        for metric, perfect, wants, _ in tested:
            if metric == plain or (plain == "accuracy" and metric == "acc"):
                examined = True
                if (wants > 0 and perfect < 0.8) or (wants < 0 and perfect > 0.1):
                    return perfect, (
                        f"{name} is watched, and with perfect outputs {metric} is "
                        f"{perfect:.3g}"
                    )
    if not examined:
        raise NotExamined("nothing is known of what is watched")
    return None


def _flat(callbacks):
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def _watched(callback):
    name = getattr(callback, "monitor", None)
    if isinstance(callback, dict):
        name = callback.get("monitor")
    if not isinstance(name, str):
        return None
    mode = getattr(callback, "mode", None) or "auto"
    less = getattr(callback, "monitor_op", None) is np.less
    lower = any(part in name for part in ("loss", "eer", "error"))
    return name, "min" if mode == "min" or less or (mode == "auto" and lower) else "max"


def _guide(history, name):
    """Better-is-more values of an AUC or an EER in a history, or None."""
    for key, values in history.items():
        if key == name or "train" in key:
            continue
        if "auc" in key.lower():
            return np.asarray(values, float)
        if "eer" in key.lower():
            return -np.asarray(values, float)
    return None


@rule(
    "S36",
    "siamese",
    "serious",
    title="Classification accuracy of outputs whose units have no order",
    symptom="Accuracy at the level of chance while clusters are clean.",
    cause="The loss of pairs does not say which unit a speaker gets; accuracy asks.",
    fix="misclassification rate of clusters, purity, EER",
    notebook="09_speaker_clusters",
)
def s36_units_without_order(case):
    """Exchange the units of the outputs: the loss stays, the metric does not.

    To 1e-4 of the loss, over five permutations; the metric has to be an accuracy and to
    move by more than 0.02 on outputs that are perfect in some order.
    """
    try:
        pair = case.pair
    except NotExamined:
        return _s36_of_arrays(case)
    rng = np.random.default_rng(3)
    if pair.style == "function" or (pair.style == "two" and pair.has_scores):
        return _s36_of_arrays(case)
    if pair.style != "batch":
        raise NotExamined("the outputs are pairs")
    n = 24
    y, out = _labels(case, n, 4), _varied(case, n, 5)
    x = pair.inputs(n)
    loss = case.objective.total(y, out, x)
    if not np.isfinite(loss):
        raise NotExamined("with made-up outputs the loss is no number")
    orders = [rng.permutation(out.shape[-1]) for _ in range(5)]
    losses = [case.objective.total(y, out[..., order], x) for order in orders]
    moved = float(np.max(np.abs(np.asarray(losses) - loss)))
    accuracies = [m for m in case.measures if "acc" in m.name.lower()]
    if not accuracies:
        raise NotExamined("no metric is an accuracy")
    if moved > 1e-4 * max(abs(loss), 1e-12):
        return None
    ids = y.reshape(n, -1)[:, 0].astype(int)
    perfect = np.eye(out.shape[-1], dtype=np.float32)[ids % out.shape[-1]]
    for measure in accuracies:
        values = [measure(y, perfect)]
        values += [measure(y, perfect[..., order]) for order in orders]
        if np.ptp(values) > 0.02:
            return np.ptp(values), (
                f"exchanging the outputs' units moves the loss by {moved:.2g} and "
                f"{measure.name} from {max(values):.2f} to {min(values):.2f}"
            )
    return None


def _s36_of_arrays(case):
    """The same of a metric that was handed over with embeddings and speakers."""
    metric, e = case.fact("metric"), np.asarray(case.fact("embeddings"))
    who = np.asarray(case.fact("speakers"))
    rng = np.random.default_rng(3)
    value = float(np.mean(np.asarray(metric(who, e))))
    others = [
        float(np.mean(np.asarray(metric(who, e[:, rng.permutation(e.shape[1])]))))
        for _ in range(5)
    ]
    moved = float(np.max(np.abs(np.asarray(others) - value)))
    if moved <= 0.02:
        return None
    return moved, (
        f"the metric is {value:.2f}, and from {min(others):.2f} to {max(others):.2f} "
        "when the units are exchanged"
    )
