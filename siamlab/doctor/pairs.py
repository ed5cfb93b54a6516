"""Two embeddings at a time: where they are in a model, and what becomes of others.

Every program for speaker embeddings can be asked the same questions here, whether it
has two inputs, or speaker ids and a loss over all pairs of a batch, or is a function of
two embeddings: what would your score, and your loss, be for *these* two?
"""

import keras
import numpy as np

from . import divergences, rows, trace, vectors
from .gradients import gradient
from .rows import sides
from .rule import NotExamined, probe
from .towers import find_tower, find_towers

# Pairs that are made up for a question; enough for shares to the percent.
_MADE = 96


class PairProbe:
    """The two embeddings of a pair, and what a program makes of any two.

    Parameters
    ----------
    case : Case
        Of a siamese program.

    Attributes
    ----------
    style : str
        "two": a model with two inputs; "function": a function of two embeddings;
        "batch": a model with one input, and a loss over the pairs of a batch; "other":
        three inputs, for one.
    """

    def __init__(self, case):
        self.case = case
        self.style = self._style()

    def _style(self):
        if not isinstance(self.case.model, keras.layers.Layer):
            if self.function is None:
                raise NotExamined("neither a model nor a distance was given")
            return "function"
        if sides(self.case.x) is not None:
            return "two"
        several = [a for a in rows.flat((self.case.x,)) if a.ndim >= 2]
        return "batch" if len(several) == 1 else "other"

    @property
    def function(self):
        """The plain function of two embeddings, or None."""
        model = self.case.model
        if callable(model) and not isinstance(model, keras.layers.Layer):
            return model
        return self.case.facts.get("distance")

    # ------------------------------------------------------------ where they are

    @probe
    def where(self):
        """Find the two towers of the model; see `Towers`."""
        if self.style == "two":
            return find_towers(self.case.model, self.case.x, self.case.recorded)
        if self.style == "batch":
            return find_tower(self.case.recorded, self.case)
        if self.style == "other":
            raise NotExamined("the model takes neither one input nor two alike")
        raise NotExamined("no Keras model was given")

    @probe
    def embeddings(self):
        """Both embeddings of each pair of the batch, each of shape (pairs, dim).

        In "batch" style two rows of the batch make a pair, the first with the second
        and so on around.
        """
        if self.style == "function":
            pair = sides(self.case.x)
            if pair is None:
                raise NotExamined("the batch holds no two embeddings")
            a, b = (np.asarray(each, np.float32) for each in pair)
            return _flat(a), _flat(b)
        if self.style == "two":
            return self.where.embeddings
        e = self.where.embeddings[0]
        return e, np.roll(e, -1, axis=0)

    @property
    def all_embeddings(self):
        """Every embedding of the batch, shape (segments, dim)."""
        if self.style == "batch":
            return self.embeddings[0]
        return np.concatenate(self.embeddings)

    @property
    def outputs(self):
        """What the program gives for the batch."""
        if self.style == "function":
            return trace.arrays(self.assemble(*self.embeddings))
        return self.case.output

    @probe
    def head_is_learned(self):
        """Whether weights of its own stand between the embeddings and the output."""
        return self.style == "two" and self.where.learned_head

    @probe
    def has_loss(self):
        """Whether the program says what it minimizes."""
        try:
            return self.case.objective is not None
        except NotExamined:
            return False

    @probe
    def outputs_are_classes(self):
        """Whether it matters which unit of the output is which.

        Then the loss knows classes, or prototypes of its own, and not pairs alone. Only
        of a model with one input.
        """
        if self.style != "batch":
            return False
        y, out = self.case.y, self.case.output
        n = min(len(out), 24)
        x = self.inputs(n)
        shown = self.made["far"][0][: len(out)][:n].reshape((-1, *out.shape[1:]))
        y = rows.take(y, slice(len(shown)))
        order = np.random.default_rng(4).permutation(out.shape[-1])
        losses = [
            self.case.objective.total(y, e, x) for e in (shown, shown[..., order])
        ]
        if not np.isfinite(losses).all():
            return False
        return abs(losses[0] - losses[1]) > 1e-4 * max(np.abs(losses))

    def _needs_pairs(self):
        if self.outputs_are_classes:
            raise NotExamined("the loss knows classes, not pairs")

    # ------------------------------------------------------- what becomes of any two

    def assemble(self, a, b):
        """Compute the output for these embeddings; tensors, one row each."""
        if self.style == "function":
            return self.function(trace.tensors(a), trace.tensors(b))
        if self.style == "batch":
            raise NotExamined("a model with one input gives no output for two")
        return self.where.assemble(a, b)

    def outputs_of(self, a, b):
        """Compute the output for any number of embeddings; arrays."""
        parts = [trace.arrays(self.assemble(a[p], b[p])) for p in self._parts(len(a))]
        return keras.tree.map_structure(lambda *p: np.concatenate(p), *parts)

    def scores(self, a, b):
        """Compute the score of each pair, shape (pairs, 1), or 2 for two directions.

        Raises
        ------
        NotExamined
            If the output is none, because the loss computes it from two embeddings.
        """
        a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
        return self._as_scores(self.outputs_of(a, b), len(a))

    @staticmethod
    def _as_scores(out, n):
        arrays = rows.flat((out,))
        if len(arrays) != 1 or arrays[0].ndim > 2 or not arrays[0].ndim:
            raise NotExamined("the output is no score for each pair")
        out = np.asarray(arrays[0], np.float64)
        out = out.reshape(len(out), -1)
        if len(out) != n or out.shape[1] > 2:
            raise NotExamined("the output is no score for each pair")
        return out

    @probe
    def has_scores(self):
        """Whether the output is a score, and not embeddings that the loss compares."""
        if self.style == "batch":
            return False
        try:
            self._as_scores(self.outputs, len(self.embeddings[0]))
        except NotExamined:
            return False
        return True

    def losses(self, a, b, label):
        """Compute the loss of each pair by itself, shape (pairs,).

        Parameters
        ----------
        a, b : array_like
            Embeddings, shape (pairs, dim).
        label : int
            0 or 1: which of `labels`. In "batch" style 1 is one speaker, 0 two.
        """
        self._needs_pairs()
        a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
        if self.style == "batch":
            return self._batch_losses(a, b, label)
        return self._costs(self.outputs_of(a, b), len(a), label)

    def inputs(self, n):
        """Give n rows of the batch's inputs to a loss that looks at them, else None."""
        if not self.case.objective.takes_x:
            return None
        return rows.take(self.case.x, np.arange(n) % rows.count(self.case.x))

    def _costs(self, outputs, n, label):
        """Compute the loss of each of n outputs by itself, all of one label."""
        y = np.repeat(self.labels[label][None], n, 0)
        return self.case.objective.each(y, outputs, self.inputs(n))

    def as_ids(self, ids):
        """Give speakers' numbers the shape and kind of the batch's labels."""
        y = np.asarray(self.case.y)
        return np.asarray(ids, y.dtype).reshape((-1,) + (1,) * (y.ndim - 1))

    def as_rows(self, embeddings):
        """Give embeddings the shape that the output of the model has."""
        return np.stack(embeddings).reshape((-1, *self.where.shape[1:]))

    def _parts(self, n):
        """Slices of n pairs, each as many as the model can be shown at once."""
        size = self.where.rows if self.style == "two" else max(n, 1)
        return [slice(first, first + size) for first in range(0, n, size)]

    def _batch_losses(self, a, b, same):
        """Two rows are a batch of their own, of one speaker or of two.

        Where a loss divides by the pairs of a kind and there are none, a third speaker
        of two equal rows, far away, keeps them company.
        """
        found = self._in_batches(a, b, same, ())
        if np.isnan(found).all():
            far = self.made["far"][0][-1]
            found = self._in_batches(a, b, same, (far, far))
        return found

    def _in_batches(self, a, b, same, company):
        ids = self.as_ids([0, 0 if same else 1, 2, 2][: 2 + len(company)])
        x = self.inputs(len(ids))
        batches = [
            (ids, self.as_rows([*pair, *company]), x) for pair in zip(a, b, strict=True)
        ]
        return self.case.objective.totals(batches)

    # ------------------------------------------------------------ what labels mean

    @probe
    def y(self):
        """Labels of the pairs, as rows, shape (pairs, numbers in a label)."""
        y = rows.flat((self.case.y,))
        if len(y) != 1 or len(y[0]) != len(self.embeddings[0]):
            raise NotExamined("the batch has no label for each pair")
        return y[0].reshape(len(y[0]), -1)

    @probe
    def labels(self):
        """List the two labels in the shape that one row of y has."""
        y = self.case.y
        kinds = np.unique(self.y, axis=0)
        if len(kinds) == 1 and kinds.size == 1 and kinds.item() in (0, 1):
            kinds = np.asarray([[0.0], [1.0]], kinds.dtype)
        if len(kinds) != 2:
            raise NotExamined(f"labels of pairs are of two kinds; got {len(kinds)}")
        return kinds.reshape((2, *np.shape(y)[1:]))

    @probe
    def near_label(self):
        """Say which label is cheap for equal embeddings and dear for distant ones.

        What the loss does decides, not what the label is called.
        """
        if self.style == "batch":
            self._needs_pairs()
            return 1
        if not self.has_loss:
            # Without a loss nothing but the field's convention says it: 1 is the same.
            return int(np.argmax(self.labels.reshape(2, -1)[:, -1]))
        a, _ = self.embeddings
        take = np.arange(min(len(a), 6))
        far_a, far_b = self.made["far"]
        rise = []
        for label in (0, 1):
            near = self.losses(a[take], a[take], label)
            far = self.losses(far_a[:12], far_b[:12], label)
            rise.append(_mean(far) - _mean(near))
        if not np.isfinite(rise).all() or np.isclose(rise[0], rise[1], rtol=1e-4):
            raise NotExamined(
                "the loss does not say which label means the same speaker"
            )
        return int(np.argmax(rise))

    @property
    def same(self):
        """Whether each pair of the batch is of one speaker, shape (pairs,)."""
        if self.style == "batch":
            ids = np.asarray(self.case.y).reshape(len(self.case.y), -1)
            if ids.shape[1] > 1:
                ids = ids.argmax(axis=1)[:, None]
            return (ids == np.roll(ids, -1, axis=0)).all(axis=1)
        wanted = self.labels[self.near_label].reshape(-1)
        return (self.y == wanted).all(axis=1)

    @probe
    def different_pairs(self):
        """Embeddings of pairs of different speakers; two arrays (pairs, dim)."""
        a, b = self.embeddings
        if self.style != "batch":
            different = ~self.same
            return a[different], b[different]
        ids = np.asarray(self.case.y).reshape(len(self.case.y), -1)
        i, j = np.triu_indices(len(a), 1)
        other = np.flatnonzero((ids[i] != ids[j]).any(axis=1))
        other = np.random.default_rng(1).permutation(other)[:128]
        return a[i[other]], a[j[other]]

    # ------------------------------------------------------------ made-up embeddings

    @probe
    def made(self):
        """Embeddings that the network could give, by how they were made.

        The input of the last layer with a kernel is replaced by noise of growing size,
        and what follows it, a softmax, a norm, a clip, does with it what it does.

        Returns
        -------
        dict of str to (a, b)
            "far": of two independent directions; "opposite": of opposite ones; "close":
            nearly one. Each of shape (pairs, dim); sizes grow tenfold from 1 to 1,000
            times what the batch has.
        """
        sizes = np.repeat([1.0, 10.0, 100.0, 1000.0], _MADE // 4)[:, None]
        made = {}
        for name in ("far", "opposite", "close"):
            made[name] = self._make(name, sizes)
        return made

    def _make(self, name, sizes):
        rng = np.random.default_rng(5)

        def noise(dim):
            first = rng.normal(size=(len(sizes), dim))
            second = {
                "far": rng.normal(size=first.shape),
                "opposite": -first,
                "close": first + 0.1 * rng.normal(size=first.shape),
            }[name]
            return first, second

        if self.style == "function":
            a, _ = self.embeddings
            return tuple(_like(a, z * sizes) for z in noise(a.shape[1]))
        return self.where.make(noise, sizes)

    @probe
    def spread(self):
        """How far made-up embeddings spread, against their size."""
        return vectors.spread(self.made["far"][0][: _MADE // 2])

    @probe
    def reach(self):
        """Least and greatest distance of made-up embeddings, and whether it is bounded.

        It is where the greatest has stopped growing with their size.
        """
        values = np.stack(
            [self.apart(*made).mean(axis=1) for made in self.made.values()]
        )
        values = np.where(np.isfinite(values), values, np.nan)
        if np.isnan(values).all():
            raise NotExamined("no distance of made-up embeddings is a number")
        by_size = [np.nanmax(part, initial=-np.inf) for part in np.split(values, 4, 1)]
        top = float(max(by_size))
        bounded = by_size[3] <= 1.25 * max(by_size[2], 1e-12)
        return float(np.nanmin(values)), top, bool(bounded)

    @probe
    def sign(self):
        """1 if a score is smaller for equal embeddings than for others, else -1."""
        a, _ = self.embeddings
        near = _mean(self.scores(a[:8], a[:8]))
        far = _mean(self.scores(*self.made["far"]))
        if not np.isfinite(near) or not np.isfinite(far):
            raise NotExamined("scores of equal or of distant embeddings are no numbers")
        return 1 if near <= far else -1

    def apart(self, a, b):
        """Compute how far apart the program takes two embeddings to be.

        Its score, turned round if it is a similarity; where the loss computes that
        from embeddings, the loss of the same speaker.

        Returns
        -------
        numpy.ndarray
            Shape (pairs, directions).
        """
        if self.has_scores:
            return self.sign * self.scores(a, b)
        if self.style != "batch" and self.head_is_learned:
            raise NotExamined("a learned comparison is no distance")
        return self.losses(a, b, self.near_label)[:, None]

    @probe
    def divergence(self):
        """Which Kullback-Leibler divergence the distance is; None for any other."""
        return divergences.which(self)

    # ------------------------------------------------------------ loss against distance

    @probe
    def curve(self):
        """Distance, loss of the same and of different speakers; three arrays, sorted.

        From equal embeddings to those as far apart as they can be.
        """
        a, b = self.embeddings
        n = min(24, len(a))
        pairs = [(a[:4], a[:4]), (a[:n], b[:n])]
        pairs += [(x[::2], y[::2]) for x, y in self.made.values()]
        # The ways from an embedding to another, of the batch and made up.
        steps = np.concatenate([np.geomspace(1e-3, 0.1, 5), np.linspace(0.2, 0.9, 8)])
        for x, y in ((a[0], b[0]), *(made[:2] for made in self._ways())):
            way = x + steps[:, None] * (y - x)
            pairs.append((np.repeat(x[None], len(steps), 0), way.astype(np.float32)))
        first = np.concatenate([x for x, _ in pairs])
        second = np.concatenate([y for _, y in pairs])
        d = self.apart(first, second).mean(axis=1)
        near = self.near_label
        same = self.losses(first, second, near)
        different = self.losses(first, second, 1 - near)
        fine = np.isfinite(d) & np.isfinite(same) & np.isfinite(different)
        if fine.sum() < 8:
            raise NotExamined("distances or losses are no finite numbers")
        d, first = np.unique(d[fine], return_index=True)
        return d, same[fine][first], different[fine][first]

    # ------------------------------------------------------------ perfect outputs

    @probe
    def score_range(self):
        """Least and greatest score of equal embeddings, the batch and made-up ones."""
        a, b = self.embeddings
        every = [(a, a), (a, b), *self.made.values()]
        values = np.concatenate([self.scores(*pair) for pair in every])
        values = values[np.isfinite(values)]
        if not len(values) or values.max() <= values.min():
            raise NotExamined("the score does not depend on the embeddings")
        return float(values.min()), float(values.max())

    @probe
    def best_outputs(self):
        """Output that costs least for each of the two labels, in the output's shape.

        What a perfect network would give.
        """
        if self.style == "batch":
            raise NotExamined("a model with one input has no output for a pair")
        if self.has_scores:
            return self._best_scores()
        a, _ = self.embeddings
        far = self.made["far"]
        costs = self.losses(far[0], far[1], 1 - self.near_label)
        costs = np.where(np.isfinite(costs), costs, np.inf)
        k = int(np.argmin(costs))
        near = trace.arrays(self.assemble(a[:1], a[:1]))
        apart = trace.arrays(self.assemble(far[0][k : k + 1], far[1][k : k + 1]))
        two = (near, apart) if self.near_label == 0 else (apart, near)
        return keras.tree.map_structure(lambda p, q: np.concatenate([p, q]), *two)

    def _best_scores(self):
        low, high = self.score_range
        if not self.has_loss:
            ends = np.asarray([low, high] if self.sign > 0 else [high, low])
            return self.as_outputs(ends if self.near_label == 0 else ends[::-1])
        grid = low + (high - low) * np.concatenate(
            [np.linspace(0, 1, 33), np.geomspace(1e-5, 0.03, 12)]
        )
        grid = np.unique(np.concatenate([grid, [low, high]]))
        outputs = self.as_outputs(grid)
        best = []
        for label in (0, 1):
            costs = self._costs(outputs, len(grid), label)
            costs = np.where(np.isfinite(costs), costs, np.inf)
            lowest = np.flatnonzero(
                costs
                <= costs.min() + 1e-6 * max(np.ptp(costs[np.isfinite(costs)]), 1e-12)
            )
            # Of all that cost nothing the furthest from the other label's.
            best.append((lowest[0], lowest[-1]))
        (a0, a1), (b0, b1) = best
        zero, one = (a0, b1) if a0 + a1 < b0 + b1 else (a1, b0)
        return outputs[[zero, one]]

    def outputs_for(self, labels):
        """Perfect outputs for a row of labels, each 0 or 1."""
        return rows.take(self.best_outputs, np.asarray(labels, int))

    # ------------------------------------------------------------ slopes

    def slope(self, a, b):
        """Differentiate the score, or the loss where there is none, by both embeddings.

        Returns
        -------
        list of numpy.ndarray
            Of the shapes of `a` and `b`.
        """
        return gradient(self.pulled, a, b)

    def slopes(self, a, b):
        """Differentiate as `slope` does, for any number of embeddings."""
        parts = [self.slope(a[p], b[p]) for p in self._parts(len(a))]
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def pulled(self, a, b):
        """Compute what is minimized for pairs of one speaker, a tensor of any shape.

        Where there are scores, those; in "batch" style a batch of all these pairs.
        """
        ops = keras.ops
        self._needs_pairs()
        if self.style == "batch":
            n = 2 * a.shape[0]
            both = ops.reshape(ops.stack([a, b], axis=1), (n, *self.where.shape[1:]))
            ids = self.as_ids(np.arange(n) // 2)
            return self.case.objective.tensor(ids, both, self.inputs(n))
        out = self.assemble(a, b)
        if self.has_scores:
            return out
        y = np.repeat(self.labels[self.near_label][None], a.shape[0], 0)
        return self.case.objective.tensor(y, out, self.inputs(a.shape[0]))

    def _ways(self):
        quarter = _MADE // 4
        for a, b in (self.made["far"], self.made["opposite"]):
            yield a[0], b[0]
            yield a[quarter], b[quarter]

    @probe
    def margin(self):
        """Least distance from which a pair of different speakers costs nothing more.

        Raises
        ------
        NotExamined
            If the loss has no such place: it is no hinge.
        """
        d, _, loss = self.curve
        if self.has_scores:
            d, loss = self._fine_curve(d)
        span = loss.max() - loss.min()
        if not span > 0:
            raise NotExamined("the loss of different speakers does not change")
        floor = loss <= loss.min() + 1e-4 * span
        last_above = np.flatnonzero(~floor)
        flat = d[-1] - d[last_above[-1]] if len(last_above) else 0.0
        if not floor[-1] or floor[-3:].sum() < 3 or not flat > 0.01 * (d[-1] - d[0]):
            raise NotExamined("the loss has no margin from which it is flat")
        low, high = d[last_above[-1]], d[min(last_above[-1] + 1, len(d) - 1)]
        for _ in range(12 if self.has_scores else 0):
            middle = (low + high) / 2
            cost = self.losses_of_scores([middle], 1 - self.near_label)[0]
            if cost <= loss.min() + 1e-4 * span:
                high = middle
            else:
                low = middle
        return float((low + high) / 2)

    def _fine_curve(self, d):
        """Scores on a fine grid, handed to the loss in place of the model's."""
        low, high = float(d.min()), float(d.max())
        if not self.reach[2]:
            high = low + 1e3 * (high - low)  # there is no bound to what is made up
        grid = np.unique(
            np.concatenate(
                [
                    np.linspace(low, high, 41),
                    low + (high - low) * np.geomspace(1e-9, 1, 61),
                ]
            )
        )
        return grid, self.losses_of_scores(grid, 1 - self.near_label)

    def as_outputs(self, scores):
        """Give scores the shape of the program's outputs, every direction alike."""
        shape = rows.flat((self.outputs,))[0].shape[1:]
        scores = np.asarray(scores, np.float32).reshape((-1,) + (1,) * len(shape))
        return np.broadcast_to(scores, (len(scores), *shape)).astype(np.float32)

    def losses_of_scores(self, d, label):
        """Compute the loss of these distances, whatever embeddings gave them."""
        out = self.as_outputs(self.sign * np.asarray(d))
        return self._costs(out, len(d), label)


def _mean(values):
    """Mean of those that are finite; NaN if none is."""
    values = np.asarray(values)
    fine = values[np.isfinite(values)]
    return float(fine.mean()) if len(fine) else np.nan


def _flat(e):
    return np.asarray(e).reshape(len(e), -1)


def _like(e, z):
    """Make of noise what embeddings like these may be."""
    if (e >= 0).all() and np.allclose(e.sum(axis=1), 1, atol=1e-3):
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return (z / z.sum(axis=1, keepdims=True)).astype(np.float32)
    if np.allclose(np.linalg.norm(e, axis=1), 1, atol=1e-3):
        return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    spread = e.std() or 1.0
    z = z * spread
    return (np.maximum(z, 0) if (e >= 0).all() else z).astype(np.float32)
