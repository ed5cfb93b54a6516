"""What a loss does from equal embeddings to distant ones.

`Sweep` moves pairs of made-up embeddings apart. Where pairs are compared by one number,
it moves this number instead, and for a loss over a batch the clusters of the batch.
"""

import contextlib

import numpy as np

from .arrays import flatten, question, take
from .comparison import N_MADE
from .report import Skip

_STEPS = np.asarray([0, *np.geomspace(1e-6, 0.1, 11), *np.linspace(0.2, 1, 5)])
_FINE = np.unique([*np.geomspace(1e-7, 1, 120), *np.linspace(0, 1, 41)])
# Of embeddings of two sizes, to those of independent and of opposite directions.
_PATHS = 0, N_MADE // 4, N_MADE, N_MADE + N_MADE // 4


class Sweep:
    """Pairs from equal to far apart, and what a program makes of them.

    Where a method takes `t`, an array of numbers, 0 stands for equal embeddings, and 1
    for the most distant ones that were made up. `path` are numbers of ways from the one
    to the other.

    Parameters
    ----------
    comparison : Comparison
        The program.
    """

    def __init__(self, comparison):
        self.c = comparison

    @question
    def by_score(self):
        """Whether pairs are compared by one number, or by the same one both ways."""
        c = self.c
        if c.style != "pairs" or not c.has_scores:
            return False
        return flatten((c.outputs,))[0].size == c.n or not c.learned_head

    @question
    def ends(self):
        """The scores of equal embeddings and of the most distant ones.

        If the comparison is learned, the least and the greatest score.
        """
        c = self.c
        if c.learned_head:
            values = flatten((self.head_outputs,))[0].astype(float)
        else:
            a, b = c.embeddings
            every = [(a, a), (a, b), *c.made.values()]
            values = np.concatenate([c.scores(*pair) for pair in every])
        values = values[np.isfinite(values)]
        if not len(values) or values.max() <= values.min():
            raise Skip("the score does not depend on the embeddings")
        low, high = float(values.min()), float(values.max())
        return (low, high) if c.learned_head or c.sign > 0 else (high, low)

    @question
    def head_outputs(self):
        """Outputs of a learned comparison, for noise in front of its last layer."""
        if self.c.towers is None:
            return self.c.outputs

        def noise(shape):
            sizes = np.geomspace(0.1, 1e3, shape[0])[:, None]
            return sizes * np.random.default_rng(6).normal(size=shape)

        return self.c.towers.sample_output(noise)

    @question
    def near(self):
        """Index of the label whose loss is small near t = 0."""
        if not self.c.learned_head:
            return self.c.near_label
        ends = self.of_scores(np.asarray(self.ends))
        rise = [np.diff(self.c.row_costs(y, ends))[0] for y in self.c.two_labels]
        return int(np.argmax(rise))

    # ------------------------------------------------------------------ along the way

    def of_scores(self, scores):
        """Return scores in the shape of the outputs, the same in every direction."""
        shape = flatten((self.c.outputs,))[0].shape[1:]
        scores = np.asarray(scores, np.float32).reshape((-1,) + (1,) * len(shape))
        return np.broadcast_to(scores, (len(scores), *shape)).astype(np.float32)

    def of_distances(self, d):
        """Return the outputs for distances, if there is one score."""
        near, far = self.ends
        return self.of_scores(d if far > near else -np.asarray(d))

    def distance(self, t):
        """Return the distance at t, if there is one score."""
        near, far = self.ends
        return (near + t * (far - near)) * (1 if far > near else -1)

    def pairs(self, t, path):
        """Return the embeddings of pairs, two arrays of shape (pairs, dim)."""
        first, far = self.c.made["far"]
        ends = np.concatenate([far, self.c.made["opposite"][1]])
        t, path = np.broadcast_arrays(t, path)
        a, b = first[path % N_MADE], ends[path]
        return a, self.c.like_embeddings(a + t[:, None] * (b - a))

    def outputs(self, t, path=0):
        """Return the outputs of the program, one row for each t."""
        c = self.c
        if self.by_score:
            return self.of_distances(self.distance(t))
        if c.learned_head:
            return take(self.head_outputs, np.round(t * (c.n - 1)).astype(int))
        a, b = self.pairs(t, path)
        if c.style != "triplets":
            return c.outputs_of(*((b,) if len(c.embeddings) == 1 else (a, b)))
        # Some ways have a negative near the anchor, others have a distant one.
        path = np.broadcast_to(path, len(a))
        step = np.asarray([0.3, 1.0, 0.6, 0.8])[path % 4][:, None]
        third = a + step * (c.made["far"][1][(path + 7) % (N_MADE // 2)] - a)
        rows = a, b, c.like_embeddings(third)
        return c.outputs_of(*(rows[k] for k in np.argsort(c.roles)))

    def varied_outputs(self, n, seed):
        """Return outputs of n rows that differ widely."""
        rng = np.random.default_rng(seed)
        even, small = rng.random(n), 10 ** rng.uniform(-9, 0, n)
        t = np.where(np.arange(n) % 2, even, small)
        # A few ways, so that some rows are near each other; not of the largest
        # embeddings, where little is finite.
        parts = zip((1, N_MADE // 4, N_MADE), (4, 2, 2), strict=True)
        path = sum(step * rng.integers(0, count, n) for step, count in parts)
        return self.outputs(t, path)

    def cost(self, same, d):
        """Return the loss of pairs of one speaker or of two, if there is one score."""
        label = self.c.two_labels[self.near if same else 1 - self.near]
        return self.c.row_costs(label, self.of_distances(d))

    # ---------------------------------------------------------------------- whole batch

    def clusters(self, between=0.0, within=0.0):
        """Return embeddings of the whole batch, laid out by its labels.

        Parameters
        ----------
        between : float
            How far the speakers are drawn from one common place towards places far
            apart, from 0 to 1.
        within : float
            How far the recordings of each speaker are drawn from there towards other
            places, from 0 to 1.
        """
        c = self.c
        ids = np.unique(c.labels_as_rows, axis=0, return_inverse=True)[1].reshape(-1)
        order = np.asarray([np.sum(ids[:i] == k) for i, k in enumerate(ids)])
        if not ids.max() or not order.max():
            raise Skip("the batch has not two speakers with two recordings each")
        first, far = c.made["far"]
        far = far[: N_MADE // 4]
        e = first[0] + between * (far[ids % len(far)] - first[0])
        return c.like_embeddings(
            (1 - within) * e + within * far[(order + 7) % len(far)]
        )

    # ------------------------------------------------------------------------ the curve

    @question
    def curves(self):
        """The loss along growing distances.

        Returns
        -------
        list of tuple
            For each way: distances, and the loss if both embeddings are of one speaker,
            and if they are of two; all of one shape.
        """
        c = self.c
        if c.learned_head and not self.by_score:
            raise Skip("the comparison is learned")
        found = []
        for path in (0,) if self.by_score or c.style == "batch" else _PATHS:
            if self.by_score:
                d = self.distance(_FINE)
                same, other = self.cost(True, d), self.cost(False, d)
            elif c.style == "batch":
                d = _STEPS
                same = [c.cost(c.labels, self.clusters(1.0, 0.5 * step)) for step in d]
                other = [c.cost(c.labels, self.clusters(between=step)) for step in d]
            else:
                a, b = self.pairs(_STEPS, path)
                d, same, other = c.apart(a, b).mean(axis=1), c.pull(a, b), c.push(a, b)
            values = np.asarray([d, same, other])
            values = values[:, np.isfinite(values).all(axis=0)]
            if values.shape[1] >= 3:
                found.append(tuple(values))
        if sum(len(d) for d, *_ in found) < 8:
            raise Skip("the loss of made-up embeddings is not finite")
        return found

    def different(self, top=1.0):
        """Return distances on a fine scale, sorted, and the loss of two speakers there.

        Parameters
        ----------
        top : float
            How far scores go beyond those that were made up.
        """
        if self.by_score:
            t = np.unique([*np.geomspace(1e-12, top, 91), *np.linspace(0, 1, 41)])
            d = self.distance(t)
            return d, self.cost(False, d)
        if self.c.style == "batch":
            a, b = self.pairs(np.tile(_STEPS, 4), np.repeat(_PATHS, len(_STEPS)))
            d, loss = self._apart(a, b), self.c.push(a, b)
        else:
            d, _, loss = np.concatenate(self.curves, axis=1)
        order = np.argsort(d, kind="stable")
        return d[order], loss[order]

    @question
    def margin(self):
        """The distance from which a pair of different speakers costs nothing more.

        None if the loss is not a hinge.
        """
        if self.c.style not in ("pairs", "batch") or self.c.learned_head:
            return None
        with contextlib.suppress(Skip):
            # Without a bound, distances may grow beyond those that were made up.
            d, loss = self.different(1.0 if self.reach[1] else 1e3)
            above = np.flatnonzero(loss > loss.min() + 1e-4 * np.ptp(loss))
            if len(above) and len(d) - 1 - above[-1] >= 3:
                active = slice(above[-1] + 1)
                return line_to_zero(d[active], loss[active] - loss.min(), 0.02)
            margin = line_to_zero(d, loss)
            return margin if margin is not None and margin > d[-1] else None
        return None

    @question
    def reach(self):
        """The greatest distance of made-up embeddings, and whether it is bounded.

        It is if embeddings ten times as large are no further apart.
        """
        if self.c.learned_head:
            out = np.abs(flatten((self.head_outputs,))[0].astype(float))
            values = out.reshape(1, len(out), -1).max(axis=2)
        else:
            made = self.c.made.values()
            values = np.stack([self._apart(*pair) for pair in made])
        values = np.where(np.isfinite(values), values, -np.inf)
        by_size = [part.max() for part in np.array_split(values, 4, axis=1)]
        if not max(by_size) > -np.inf:
            raise Skip("no distance of made-up embeddings is finite")
        return float(max(by_size)), bool(by_size[3] <= 1.25 * max(by_size[2], 1e-12))

    def _apart(self, a, b):
        """Return how far apart pairs are; in space if the loss needs two speakers."""
        d = self.c.apart(a, b).mean(axis=1)
        if self.c.style == "batch" and not (d > 0).any():
            return np.linalg.norm(a - b, axis=1)
        return d

    @question
    def best_outputs(self):
        """Perfect outputs for each of the two labels: of equal and of distant pairs."""
        if self.c.style != "pairs":
            raise Skip("the model has no output for a pair")
        return self.outputs(np.asarray([0.0, 1.0] if self.near == 0 else [1.0, 0.0]))


def line_to_zero(d, loss, tolerance=2e-3):
    """Return where a hinge reaches 0, also if no distance is that large.

    The loss, or its root, must fit a falling line over the distance, its root or its
    square, within a fraction of its range.

    Returns
    -------
    float or None
        None if it is not a hinge.
    """
    d, loss = np.maximum(d, 0), np.maximum(loss, 0)
    if len(d) < 3 or not np.isfinite([d, loss]).all() or np.ptp(d) == 0:
        return None
    for of_loss in (1.0, 0.5):
        for of_distance in (1.0, 0.5, 2.0):
            x, y = d**of_distance, loss**of_loss
            slope, start = np.polyfit(x, y, 1)
            error = np.abs(start + slope * x - y).max()
            if slope < 0 and error < tolerance * np.ptp(y):
                return float((-start / slope) ** (1 / of_distance))
    return None
