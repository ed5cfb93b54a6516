"""Whether a distance is a Kullback-Leibler divergence, told by what it does."""

import numpy as np

from .. import distances
from .report import Skip


def kl_form(c):
    """Find out whether a distance is a Kullback-Leibler divergence of distributions.

    Made-up distributions are put into the program, as they are and as logarithms, and
    its distances are compared with those of the formula. A clip or an epsilon of up to
    1e-4 changes them by less than 2 %; no other distance (Euclidean, cosine,
    Jensen-Shannon, Manhattan) comes within 8 %. The limit is 3 %.

    Returns
    -------
    tuple of (str, bool) or None
        "p||q", "q||p", "sum" of both or "each" of both; and whether it takes logits.
    """
    p, q = _distributions(16, c.dim)
    one, other = distances.kl(p, q), distances.kl(q, p)
    best, error = None, 0.03
    for logits in (False, True):
        try:
            d = c.apart(*((np.log(e) if logits else e) for e in (p, q)))
        except Skip:
            if not logits:
                raise
            continue
        if not np.isfinite(d).all() or not np.abs(d).sum() > 0:
            continue
        forms = {"p||q": one[:, None], "q||p": other[:, None]}
        forms["sum"] = forms["p||q"] + forms["q||p"]
        if d.shape[1] == 2:
            both = np.stack([one, other], axis=1)
            forms = {"each": both, "each, exchanged": both[:, ::-1]}
        for name, expected in forms.items():
            scale = float(np.sum(d * expected) / np.sum(expected**2))
            off = float(np.abs(d - scale * expected).mean() / np.abs(d).mean())
            if scale > 0 and off < error:
                best, error = (name, logits), off
    return best


def _distributions(n, dim, seed=0):
    """Return pairs of distributions, from nearly equal to far apart."""
    rng = np.random.default_rng(seed)
    sharp = np.geomspace(0.3, 4, n)[:, None]
    return tuple(_softmax(z * sharp) for z in rng.normal(size=(2, n, dim)))


def _softmax(z):
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return (z / z.sum(axis=1, keepdims=True)).astype(np.float32)


def lopsided(dim, least=1e-5):
    """Return pairs of distributions that are far apart one way and near the other.

    Of the first two outcomes, p gives the second a share that q withholds: KL(p||q) is
    share * log(share / least), and KL(q||p) only -log(1 - share).
    """
    shares = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9])
    rest = np.full((len(shares), dim - 2), least / dim)
    p = np.concatenate([1 - shares[:, None], shares[:, None], rest], axis=1)
    q = np.concatenate(
        [np.ones((len(shares), 1)), np.full((len(shares), 1), least), rest], axis=1
    )
    return tuple((e / e.sum(axis=1, keepdims=True)).astype(np.float32) for e in (p, q))


def are_distributions(c):
    """Return whether 90 % of the rows of the embeddings sum to 1, within 1 %."""
    sums = np.concatenate(c.embeddings).astype(np.float64).sum(axis=1)
    return float(np.mean(np.abs(sums - 1) > 0.01)) < 0.1


def kl_form_or_none(c):
    """Return `kl_form`, and None if the program compares no two embeddings."""
    try:
        return kl_form(c)
    except Skip:
        return None
