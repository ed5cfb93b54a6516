"""What is wrong with a divergence and with what goes into it.

S5 no distributions, S6 a clip that kills slopes, S7 a PReLU under it, S8 one direction
is not the other, S9 a hinge for one direction or for their sum.
"""

import keras
import numpy as np

from ..divergences import kl, lopsided
from ..rule import NotExamined, rule

_NOTEBOOK = "05_kl_hinge_loss"


def _divergence(case):
    found = case.pair.divergence
    if found is None:
        raise NotExamined("the distance is no Kullback-Leibler divergence")
    return found


@rule(
    "S5",
    "siamese",
    "fatal",
    title="A divergence of outputs that are no distributions",
    symptom="Distances below 0, a loss that falls without end.",
    cause="A linear layer, a ReLU or a PReLU gives the outputs that go into KL.",
    fix="end the network in a softmax, or take the generalized divergence",
    notebook=_NOTEBOOK,
)
def s5_no_distribution(case):
    """Rows have to be positive and to sum to 1, or the divergence to be generalized.

    That the distance is a divergence is found out by what it makes of distributions.
    Sums of a softmax are within 1e-6 of 1 in float32, and within 2e-3 in float16; a
    tenth of the rows further off than 1 % is none. What turns outputs into
    distributions itself is let pass, and so is a divergence that for positive outputs
    of any sum stays at or above 0, unless outputs are negative.
    """
    pair = case.pair
    form = _divergence(case)
    if form.logits:
        return None
    e = np.asarray(pair.all_embeddings, np.float64)
    sums = e.sum(axis=1)
    off = float(np.mean(np.abs(sums - 1) > 0.01))
    below = float(np.mean(e <= 0))
    if off < 0.1:
        return None
    rng = np.random.default_rng(0)
    p = rng.random((24, e.shape[1])) * 0.5 / e.shape[1] * 4
    q = p * rng.uniform(0.3, 3, (24, 1))
    made = pair.apart(p.astype(np.float32), q.astype(np.float32))
    generalized = np.nanmin(made) >= -1e-6
    if generalized and below < 0.01 and form.form != "sum":
        return None
    lowest = float(np.nanmin(pair.apart(*pair.embeddings)))
    return float(np.median(sums)), (
        f"outputs of the batch sum to {sums.min():.3g} to {sums.max():.3g}, "
        f"{below:.0%} of them are 0 or below; the least distance is {lowest:.3g}, and "
        f"{np.nanmin(made):.3g} among made-up ones"
    )


@rule(
    "S6",
    "siamese",
    "fatal",
    title="A clip takes the slope from outputs",
    symptom="The loss stands still while outputs are plainly wrong.",
    cause="clip(epsilon, 1) has slope 0 for every output at most 0 or above 1.",
    fix="work on the logarithm of a softmax, which needs no clip",
    notebook=_NOTEBOOK,
)
def s6_dead_outputs(case):
    """Coordinates of the embeddings whose slope is exactly 0, whatever the partner.

    Each embedding of the batch meets six partners; a coordinate that moves the distance
    to none of them is dead. Without a clip there is none but by underflow; 2 % are let
    pass. Where embeddings have passed a layer without weights, the place before it is
    looked at as well; a ReLU there is no clip.
    """
    share, size = _dead(case)
    if share <= 0.02:
        return None
    return share, (
        f"{share:.0%} of the outputs of the batch have a slope of exactly 0, whoever "
        f"the partner is ({size} coordinates looked at)"
    )


def _partners(pair, count=6):
    """Embeddings to be compared with, alive ones among them."""
    _, b = pair.embeddings
    rng = np.random.default_rng(11)
    spread = float(np.std(b)) or 1.0
    low, high = np.abs(b).min(axis=0), np.abs(b).max(axis=0)
    for k in range(count):
        moved = b[rng.permutation(len(b))]
        if k % 2:
            # Positive and below 1, so that no clip hides the partner.
            moved = np.clip(rng.random(b.shape) * (high - low) + low, 1e-3, 0.99)
        yield (moved + 1e-3 * spread * rng.random(b.shape)).astype(np.float32)


def _dead(case):
    """Share of dead coordinates, and how many coordinates there are."""
    pair = case.pair
    a, _ = pair.embeddings
    n = min(len(a), 48)
    places = [None]
    if pair.style == "two":
        places += pair.where.before
    used = _used(pair)
    if not used.any():
        # Nothing at all moves the distance: a loss that is flat there, no clip.
        raise NotExamined("the distance of these embeddings has no slope at all")
    worst, size = 0.0, n * a.shape[1]
    for place in places:
        if place is None:
            slopes = [pair.slope(a[:n], b[:n])[0] for b in _partners(pair)]
        else:
            slopes = [pair.where.slope_before(place, n)]
        dead = np.all([slope == 0 for slope in slopes], axis=0)
        if place is None:
            dead &= used  # what the comparison leaves out is another matter
        else:
            dead &= ~pair.where.zero_after(place, n)
        worst = max(worst, float(dead.mean()))
    return worst, size


def _used(pair):
    """Which coordinates have a slope for any made-up embedding, shape (dim,)."""
    a, b = (e[::4] for e in pair.made["far"])
    return np.any(pair.slopes(a, b)[0] != 0, axis=0)


@rule(
    "S7",
    "siamese",
    "minor",
    title="The slope of a PReLU is never trained",
    symptom="Its slope is after training what it was before.",
    cause="Behind it a clip takes the gradient from everything below 0, and below 0 is "
    "where a PReLU has its slope.",
    fix="leave the PReLU out, or what clips its outputs",
    notebook=_NOTEBOOK,
)
def s7_prelu_without_slope(case):
    """Where the input of a last PReLU is below 0, its output has a slope of exactly 0.

    The gradient of the PReLU's slope is a sum over these places, so that it is 0 when
    all of them are. Nothing is rounded: no threshold.
    """
    pair = case.pair
    if pair.style == "function":
        raise NotExamined("no Keras model was given")
    where = pair.where
    a, _ = pair.embeddings
    n = min(len(a), 48)
    call = _prelu_before(pair)
    clipped = (
        [p for p in where.before if _is_prelu(where.calls[p[0]])]
        if (pair.style == "two")
        else []
    )
    if call is not None:
        slopes = [pair.slope(a[:n], b[:n])[0] for b in _partners(pair)]
    elif clipped:
        call = where.calls[clipped[0][0]]
        slopes = [where.slope_before(clipped[0], n)]
    else:
        return None
    below = np.asarray(call.inputs).reshape(len(call.inputs), -1)[:n] < 0
    if not below.any():
        raise NotExamined("nothing below 0 comes to the PReLU")
    alive = np.any([slope != 0 for slope in slopes], axis=0)
    share = float(np.mean(alive[below]))
    if share > 0:
        return None
    return share, (
        f"at all {int(below.sum())} places of the batch where the PReLU's input is "
        "below "
        "0, its output has a slope of exactly 0"
    )


def _is_prelu(call):
    return isinstance(call.layer, keras.layers.PReLU)


def _prelu_before(pair):
    """The PReLU whose output is the embedding, or None."""
    e = pair.where.calls[pair.where.embed[0]].output
    for call in pair.where.leaves(0):
        if _is_prelu(call) and np.array_equal(call.output, e):
            return call
    return None


@rule(
    "S8",
    "siamese",
    "serious",
    title="The distance depends on who comes first",
    symptom="The same two recordings score differently when they change places.",
    cause="KL(p||q) is not KL(q||p).",
    fix="add both directions, or take each by itself",
    notebook=_NOTEBOOK,
)
def s8_not_symmetric(case):
    """Exchange the two embeddings: score and loss have to stay.

    Over made-up embeddings and those of the batch; 5 % of the mean is far above
    rounding and far below what KL does (30 % and more among distributions that are
    apart). A comparison that is itself learned may depend on the order and is let pass.
    """
    pair = case.pair
    if pair.style == "two" and pair.head_is_learned:
        raise NotExamined("the comparison is learned")
    batch = pair.embeddings
    n = min(16, len(batch[0]))
    sets = [tuple(e[:n] for e in batch)]
    sets += [tuple(e[:24] for e in pair.made["far"])]
    if pair.divergence is not None:
        p, q = lopsided(batch[0].shape[1])
        sets.append(tuple(np.log(e) if pair.divergence.logits else e for e in (p, q)))
    worst, shown = 0.0, ""
    for a, b in sets:
        one, other = pair.apart(a, b), pair.apart(b, a)
        if one.shape[1] == 2:
            # Two directions that change places are what is wanted.
            one, other = np.sort(one, axis=1), np.sort(other, axis=1)
        fine = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
        if not fine.any():
            continue
        gap = np.abs(one - other)[fine]
        size = (np.abs(one) + np.abs(other))[fine]
        apart = float(gap.sum() / max(size.sum() / 2, 1e-12))
        if size.mean() > 1e-6 and apart > worst:
            k = int(np.argmax(gap.max(axis=1)))
            worst = apart
            there, back = one[fine][k].max(), other[fine][k].max()
            shown = f"{there:.3g} one way, {back:.3g} the other"
    if worst <= 0.05:
        return None
    return (
        worst,
        f"exchanged, distances move by {worst:.0%} of their mean; one is {shown}",
    )


@rule(
    "S9",
    "siamese",
    "serious",
    title="One hinge for two directions, or for one of them",
    symptom="Pairs stop being pushed while they are near in one direction.",
    cause="The hinge sees KL(p||q) only, or the sum of both directions.",
    fix="a hinge for each direction: relu(margin - d1) + relu(margin - d2)",
    notebook=_NOTEBOOK,
)
def s9_hinge_of_one_direction(case):
    """Pairs that are far apart one way and near the other must still cost something.

    In a hinge for each direction a pair is free only where both directions are beyond
    the margin. So a pair that is free, while an evenly near pair whose distance is no
    less than its nearer direction is not, shows another hinge. There is no threshold
    but 0 against more than 1 % of the loss of equal embeddings.
    """
    pair = case.pair
    form = _divergence(case)
    dim = pair.embeddings[0].shape[1]
    p, q = lopsided(dim)
    near = np.minimum(kl(p, q), kl(q, p))
    put = (np.log(p), np.log(q)) if form.logits else (p, q)
    label = 1 - pair.near_label
    one, other = pair.losses(*put, label), pair.losses(*put[::-1], label)
    equal = float(pair.losses(put[0][:1], put[0][:1], label)[0])
    # Evenly near pairs: two outcomes, exchanged.
    share = np.linspace(0.05, 0.45, 17)
    even_p, even_q = _even(dim, share)
    even = kl(even_p, even_q)
    puts = (np.log(even_p), np.log(even_q)) if form.logits else (even_p, even_q)
    cost = pair.losses(*puts, label)
    least = 0.01 * equal
    if not equal > 0:
        raise NotExamined("the loss of different speakers is no hinge")
    for k in np.argsort(near):
        free = min(one[k], other[k])
        pushed = [i for i in range(len(even)) if even[i] >= near[k] and cost[i] > least]
        if free <= 1e-6 * equal and pushed:
            i = pushed[0]
            return near[k], (
                f"a pair {max(kl(p, q)[k], kl(q, p)[k]):.2f} nats apart one way and "
                f"{near[k]:.2f} the other costs {free:.3g}; one that is {even[i]:.2f} "
                f"both ways costs {cost[i]:.3g}"
            )
    return None


def _even(dim, share):
    least = 1e-6 / dim
    rest = np.full((len(share), dim - 2), least)
    p = np.concatenate([1 - share[:, None], share[:, None], rest], axis=1)
    q = np.concatenate([share[:, None], 1 - share[:, None], rest], axis=1)
    return tuple((e / e.sum(axis=1, keepdims=True)).astype(np.float32) for e in (p, q))
