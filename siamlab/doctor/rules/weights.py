"""Whose weights, and what they give.

S11 collapse, S17 twins apart, S18 no model, S19 a fresh extractor, S20 another layer.
"""

import keras
import numpy as np

from ... import metrics
from .. import rows, trace, vectors
from ..rule import NotExamined, rule


@rule(
    "S11",
    "siamese",
    "fatal",
    title="Everybody is embedded alike",
    symptom="The loss stands at the margin, or at that of equal outputs; EER is 50 %.",
    cause="Most pairs of one label, too high a rate, a loss that equal outputs "
    "satisfy.",
    fix="balance the pairs, lower the rate, take a loss that weighs pairs against "
    "others",
    notebook="05_kl_hinge_loss",
)
def s11_collapse(case):
    """How far the embeddings of the batch spread, and in how many directions.

    Spread: root mean square of the distance from their mean, against that of the
    embeddings themselves. 29 healthy programs had 0.16 and more, most of them
    untrained; what had collapsed altogether 1e-4 and less. The threshold, 2e-3, is
    nearer to the latter: a softmax of hundreds of units, or input that was never
    scaled, gives little spread, too. (So a network on its way there, with 0.09, is not
    accused yet.) Directions: the second singular value against the first, below 1e-3
    where all embeddings are on one line but for rounding.
    """
    e = np.asarray(_embeddings(case), np.float64)
    if len(e) < 4:
        raise NotExamined("fewer than 4 embeddings")
    if not np.isfinite(e).all():
        raise NotExamined("embeddings are no numbers")
    share = vectors.spread(e)
    unit = e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-30)
    cosine = float(np.mean(unit @ unit.T))
    rank = vectors.effective_rank(e)
    # One direction only: what is left of the others is rounding.
    line = len(e) >= 8 and e.shape[1] >= 3 and vectors.second_direction(e) < 1e-3
    if share >= 2e-3 and not line:
        return None
    return share, (
        f"embeddings spread by {share:.1g} of their size (mean cosine {cosine:.6f}, "
        f"effective rank {rank:.1f} of {e.shape[1]})"
    )


def _embeddings(case):
    """Embeddings of the batch: of the pairs, of the extractor, or given."""
    if case.given_extractor is not None and case.batches:
        try:
            return _of_extractor(case)[1]
        except NotExamined:
            pass
    try:
        return case.pair.all_embeddings
    except NotExamined:
        e = case.facts.get("embeddings")
        if e is None and case.model is None and case.batches:
            e = case.x if isinstance(case.x, np.ndarray) and case.x.ndim == 2 else None
        if e is None:
            raise
        return np.asarray(e)


@rule(
    "S17",
    "siamese",
    "fatal",
    title="The twins do not share their weights",
    symptom="Training goes well, and the same recording on both sides gets a distance.",
    cause="The network was built twice, once for each input.",
    fix="build one base network and call it twice",
    notebook="04_pairs_and_twins",
)
def s17_unshared(case):
    """Variables of the layers that see only one of the two inputs.

    Which layers those are is found out by changing one input at a time. All have to
    serve both inputs; one that does not is a fault: no threshold.
    """
    where = _towers(case)
    if where.joined:
        return None
    first, second = (
        {id(v): v for call in where.leaves(k) for v in call.layer.trainable_variables}
        for k in (0, 1)
    )
    if not first and not second:
        raise NotExamined("the towers have no weights")
    both = {**first, **second}
    alone = [v for i, v in both.items() if (i in first) != (i in second)]
    if not alone:
        return None
    count = sum(int(np.prod(v.shape)) for v in alone)
    whole = sum(int(np.prod(v.shape)) for v in both.values())
    return count / whole, (
        f"{len(alone)} weight arrays, {count:,} of {whole:,} numbers, serve one of the "
        "two inputs only"
    )


def _towers(case):
    if case.pair.style != "two":
        raise NotExamined("the model has one input")
    return case.pair.where


@rule(
    "S18",
    "siamese ctc",
    "fatal",
    title="There is no model: None",
    symptom="'NoneType' object has no attribute 'fit'.",
    cause="The function ends in return model.compile(...), which returns None.",
    fix="compile first, then return the model",
    notebook="04_pairs_and_twins",
)
def s18_none(case):
    """The model is None, though there is a batch of spectrograms, and nothing else."""
    if case.model is not None:
        return None
    arrays = rows.flat((case.x,)) if case.batches else []
    if case.facts or not any(a.ndim >= 3 for a in arrays):
        raise NotExamined("no model was given")
    return 0.0, "the model that was given is None"


@rule(
    "S19",
    "siamese",
    "fatal",
    title="Embeddings are taken from weights that were never trained",
    symptom="A good loss, and clusters no better than before training.",
    cause="The network was built again, or loaded by names that matched nothing.",
    fix="Model(base.inputs, base.get_layer(...).output): the same layers",
    notebook="08_embeddings",
)
def s19_fresh_extractor(case):
    """Every kernel of the extractor has to be one of the trained model's.

    The same variable, or one of the same values, as after a copy: random weights agree
    in no number. If what the extractor gives is what some layer of the model gives, all
    is well as it is.
    """
    extractor = case.extractor
    if not isinstance(extractor, keras.layers.Layer):
        raise NotExamined("the extractor is no Keras model")
    network = case.network
    case.recorded, _of_extractor(case)  # both are built now
    known = {id(v) for v in network.variables}
    values = [keras.ops.convert_to_numpy(v) for v in network.variables]
    fresh, all_ = [], 0
    for variable in extractor.weights:
        value = keras.ops.convert_to_numpy(variable)
        if value.ndim < 2 or value.size < 2 or np.ptp(value) == 0:
            continue
        all_ += 1
        if id(variable) in known or any(
            v.shape == value.shape and np.array_equal(v, value) for v in values
        ):
            continue
        fresh.append(variable)
    if not all_:
        raise NotExamined("the extractor has no kernels")
    if not fresh:
        return None
    share = len(fresh) / all_
    return share, (
        f"{len(fresh)} of {all_} kernels of the extractor are nowhere in the model, "
        f"such as {fresh[0].path}"
    )


def _of_extractor(case):
    """Input of the extractor and its embeddings, for the batch."""
    extractor = case.extractor
    x = case.x
    two = rows.sides(x)
    x = np.concatenate(two) if two is not None else x
    if isinstance(x, list | tuple):
        x = x[0]
    if not callable(extractor):
        raise NotExamined("the extractor cannot be called")
    e = trace.arrays(trace.call(extractor, x))
    if not isinstance(e, np.ndarray):
        raise NotExamined("the extractor gives no array")
    return x, e.reshape(len(e), -1)


@rule(
    "S20",
    "siamese",
    "serious",
    title="The embedding is read from the wrong layer",
    symptom="EER well above what the network could do.",
    cause="The last layer is trained for the loss; the one before often says more, and "
    "the first ones say little.",
    fix="compare the layers on speakers for development, take the best",
    notebook="08_embeddings",
)
def s20_wrong_layer(case):
    """EER of the extractor's layer against that of every other layer of the model.

    A layer has to be better by 13 points, and below 32 % itself, over at least 40 pairs
    of each kind: with so few pairs an EER is good to about 5 points, and between layers
    that say much the same the gap stays below 8.
    """
    speakers, x, e = _labeled(case)
    own = _eer(e, speakers)
    best, where = own, None
    for name, output in _layers_of(case, x):
        if not np.isfinite(output).all():
            continue
        found = _eer(output, speakers)
        if found < best:
            best, where = found, name
    if where is None or own - best < 0.13 or best > 0.32:
        return None
    return own - best, (
        f"EER is {own:.1%} at the extractor's output and {best:.1%} at {where}"
    )


def _labeled(case):
    """Speakers (or pairs), the extractor's input, its embeddings."""
    given, who = case.facts.get("model_input"), case.facts.get("speakers")
    if given is not None and who is not None and len(given) == len(who):
        x = rows.to_arrays(given)  # others than those of the training
        e = trace.arrays(trace.call(case.extractor, x))
        return ("speakers", np.asarray(who)), x, e.reshape(len(e), -1)
    x, e = _of_extractor(case)
    if who is None and case.pair.style == "two":
        return ("pairs", case.pair.same), x, e
    speakers = case.facts.get("speakers")
    if speakers is None:
        speakers = np.asarray(case.y).reshape(len(case.y), -1)
        speakers = speakers.argmax(1) if speakers.shape[1] > 1 else speakers[:, 0]
    speakers = np.asarray(speakers)
    if len(speakers) != len(e):
        raise NotExamined("there is no speaker for each embedding")
    return ("speakers", speakers), x, e


def _eer(e, labels):
    kind, values = labels
    if kind == "pairs":
        a, b = np.split(e, 2)
        d, same = np.linalg.norm(a - b, axis=1), values
    else:
        i, j = np.triu_indices(len(e), 1)
        d, same = np.linalg.norm(e[i] - e[j], axis=1), values[i] == values[j]
    if min(same.sum(), (~same).sum()) < 40:
        raise NotExamined("fewer than 40 pairs of each kind")
    return metrics.eer(same, -d)


def _layers_of(case, x):
    """Name and vectors of each layer of the trained network, for the same input."""
    if len(rows.flat((case.x,))) > 1 and case.pair.style == "two":
        where = case.pair.where
        if where.joined:
            for place in where.first:
                out = where.calls[place].output
                if isinstance(out, np.ndarray) and out.ndim == 2 and len(out) == len(x):
                    yield where.calls[place].layer.name, out
            return
        pairs = zip(where.leaves(0), where.leaves(1), strict=False)
        for one, two in pairs:
            if one.layer is two.layer and np.ndim(one.output) == 2:
                yield one.layer.name, np.concatenate([one.output, two.output])
        return
    for call in trace.record(case.network, x)[1]:
        if (
            isinstance(call.output, np.ndarray)
            and call.output.ndim == 2
            and (len(call.output) == len(x))
        ):
            yield call.layer.name, call.output
