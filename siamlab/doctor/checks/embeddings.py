"""Faults of the network that makes embeddings: S11, S17, S19."""

import contextlib

import keras
import numpy as np

from ..arrays import flatten, to_arrays
from ..check import check
from ..recorder import call_model
from ..report import Skip


def spread(e):
    """Return the distance of embeddings from their mean, relative to their size.

    Both are root mean squares.

    Parameters
    ----------
    e : array
        Shape (segments, dim).

    Returns
    -------
    float
        0 if all are alike, or all are 0; about 1 if their mean is near 0.
    """
    e = np.asarray(e, np.float64)
    size = float(np.sqrt(np.mean(e**2)))
    return float(np.sqrt(np.mean((e - e.mean(axis=0)) ** 2))) / size if size else 0.0


@check("S17", "fatal", "05_siamese_networks")
def s17_unshared_weights(program):
    """The towers of the network do not share their weights.

    Symptom: Training goes well, and the same recording on both sides has a
        distance.
    Cause: The network was built twice, once for each input.
    Fix: build one base network and call it for each input: base(a), base(b)

    Compare the variables of the layers that see only one of the inputs.

    Which layers these are is found out by changing one input at a time. All variables
    must serve all inputs: there is no threshold.
    """
    c = program.comparison
    if c.towers is None or len(c.embeddings) < 2:
        raise Skip("the model has not several inputs")
    if c.towers.joined:
        return None
    towers = [c.towers.variables(i) for i in range(len(c.embeddings))]
    every = {key: int(np.prod(v.shape)) for tower in towers for key, v in tower.items()}
    alone = [n for key, n in every.items() if not all(key in t for t in towers)]
    if not alone:
        return None
    total = sum(every.values())
    return sum(alone) / total, (
        f"{len(alone)} variables, {sum(alone):,} of {total:,} numbers, serve only one "
        "of the inputs"
    )


@check("S19", "fatal", "10_embeddings")
def s19_fresh_extractor(program):
    """Embeddings are taken from weights that were never trained.

    Symptom: The loss is low, and clusters are no better than before the training.
    Cause: The network was built again, or loaded by names that matched nothing.
    Fix: use the layers of the trained model: keras.Model(base.inputs,
        base.get_layer(name).output)

    Find each kernel of the extractor in the trained model.

    As a variable with the same values; random weights agree in no number.
    """
    extractor = program.extractor
    if extractor is None:
        raise Skip("no extractor was given", "extractor")
    if not isinstance(extractor, keras.layers.Layer):
        raise Skip("the extractor is not a Keras model")
    network = program.network
    program.recorded  # noqa: B018  builds the model
    if not extractor.built:
        call_model(extractor, program.inputs.sounds[0])
    known = [keras.ops.convert_to_numpy(v) for v in network.variables]
    kernels = [(v.path, keras.ops.convert_to_numpy(v)) for v in extractor.weights]
    kernels = [(path, v) for path, v in kernels if v.ndim >= 2 and np.ptp(v) > 0]
    if not kernels:
        raise Skip("the extractor has no kernels")
    fresh = [
        path for path, v in kernels if not any(np.array_equal(v, w) for w in known)
    ]
    if not fresh:
        return None
    return len(fresh) / len(kernels), (
        f"{len(fresh)} of {len(kernels)} kernels of the extractor are not in the "
        f"model, such as {fresh[0]}"
    )


@check("S11", "fatal", "07_kl_hinge_loss", follows="S30 S1 S12 S13 S15 S2")
def s11_collapse(program):
    """All recordings have the same embedding.

    Symptom: The loss stays at the margin, or at that of equal outputs; the EER is
        50 %.
    Cause: Most pairs have one label, the learning rate is too high, or a loss that
        equal embeddings satisfy.
    Fix: balance the pairs, lower the learning rate, or use a loss that weighs pairs
        against each other (siamlab.losses.SupervisedContrastive)

    Measure how far the embeddings of the batch spread, and in how many directions.

    The spread is the root mean square of the distance from their mean, relative to
    their size. The least of a healthy network was 0.037, of an untrained softmax of 128
    units; collapsed ones had 0.01 and less, or exactly 0. The limit is 0.02. All
    embeddings on one line, with a second singular value below 1e-3 of the first, count
    as collapsed as well.
    """
    e = np.asarray(_embeddings(program), np.float64)
    if len(e) < 4:
        raise Skip("there are fewer than 4 embeddings")
    if not np.isfinite(e).all():
        raise Skip("the embeddings are not finite")
    if not np.abs(e).max() > 0:
        return 0.0, "all embeddings are exactly 0"
    share = spread(e)
    singular = np.linalg.svd(e - e.mean(axis=0), compute_uv=False)
    if share < 0.02:
        return share, f"the embeddings spread by {share:.1g} of their size"
    if len(e) >= 8 and e.shape[1] >= 3 and singular[1] < 1e-3 * singular[0]:
        return share, "the embeddings lie on one line"
    return None


def _embeddings(program):
    """Return the embeddings of the extractor, or else those in the model."""
    if program.extractor is not None:
        with contextlib.suppress(Skip):
            sounds = np.concatenate(program.inputs.sounds)
            found = flatten((to_arrays(call_model(program.extractor, sounds)),))[0]
            return found.reshape(len(found), -1)
    return np.concatenate(program.comparison.embeddings)
