"""A program that learns embeddings, and the questions that checks ask of it.

The program may take pairs, triplets, or single recordings with a loss over all pairs of
a batch; it may be a Keras model or a few functions. The questions are the same: which
loss and which score would these embeddings have?
"""

import dataclasses

import numpy as np
from keras import tree

from .arrays import flatten, n_rows, question, take, to_arrays, to_tensors
from .objective import find_metrics, gradient
from .report import Skip

# Embeddings made up for a question; enough for shares to the percent.
N_MADE = 96


@dataclasses.dataclass(frozen=True)
class Curve:
    """The loss along growing distances.

    Parameters
    ----------
    distance : numpy.ndarray
        Sorted.
    same, different : numpy.ndarray
        Loss if both embeddings are of one speaker, and if they are of two.
    path : numpy.ndarray
        Number of the path from equal to distant embeddings to which each point belongs.
    """

    distance: np.ndarray
    same: np.ndarray
    different: np.ndarray
    path: np.ndarray

    def paths(self, margin=None):
        """Yield the curve of each path, at most to four times the margin."""
        for number in np.unique(self.path):
            chosen = self.path == number
            if margin is not None:
                chosen &= self.distance <= 4 * margin
            if chosen.sum() >= 3:
                yield Curve(
                    self.distance[chosen],
                    self.same[chosen],
                    self.different[chosen],
                    self.path[chosen],
                )


class Comparison:
    """A program that learns embeddings.

    Parameters
    ----------
    embeddings : tuple of array
        For each input of the model, shape (rows, dim).
    labels : array or None
        A label for each row.
    loss : callable
        (labels, outputs) -> float, with a method `tensor` for gradients; or None.
    score : callable, optional
        Embeddings of all inputs -> outputs, tensors. By default the loss receives the
        embeddings.
    towers : Towers, optional
        The embeddings within a Keras model.
    outputs : array, optional
        The outputs for the batch.
    any_rows : bool
        Whether the loss can be computed for another number of rows than the batch has.
    program : Program
        What was given.
    """

    def __init__(
        self,
        program,
        embeddings,
        labels,
        loss,
        score=None,
        towers=None,
        outputs=None,
        any_rows=True,
    ):
        self.program = program
        self.embeddings, self._labels = embeddings, labels
        self._loss, self._score, self.towers = loss, score, towers
        self._outputs, self.any_rows = outputs, any_rows
        self.n = len(embeddings[0])
        self.dim = embeddings[0].shape[1]

    # --------------------------------------------------------------- loss and outputs

    @property
    def has_loss(self):
        """Whether a loss is known."""
        return self._loss is not None

    @property
    def loss_or_skip(self):
        """The loss, or `Skip` with the reason why there is none."""
        return self.program.loss if self._loss is None else self._loss

    def loss(self, labels, outputs):
        """Return the loss of a batch, a float."""
        return self.loss_or_skip(labels, outputs)

    @property
    def labels(self):
        """Labels of the batch, or None."""
        return self._labels

    def outputs_of(self, *embeddings):
        """Return the outputs for any number of rows, arrays."""
        given = [np.asarray(e, np.float32) for e in embeddings]
        if self._score is None:
            return given[0] if len(given) == 1 else tuple(given)
        m, n = len(given[0]), self.n if self.towers is not None else None
        parts = []
        for start in range(0, m, n or m):
            rows = np.arange(start, min(start + (n or m), m))
            full = rows if n is None else np.resize(rows, n)
            out = to_arrays(self._score(*[to_tensors(e[full]) for e in given]))
            parts.append(take(out, slice(len(rows))))
        return tree.map_structure(lambda *p: np.concatenate(p), *parts)

    @property
    def outputs(self):
        """Outputs for the batch."""
        if self._outputs is None:
            self._outputs = self.outputs_of(*self.embeddings)
        return self._outputs

    def loss_tensor(self, labels, outputs):
        """Return the loss of a batch as a tensor, for gradients."""
        return self.loss_or_skip.tensor(labels, outputs)

    def cost(self, labels, *embeddings):
        """Return the loss of as many rows as the batch has, a float."""
        return self.loss(labels, self.outputs_of(*embeddings))

    def cost_gradient(self, labels, *embeddings):
        """Differentiate the loss by the embeddings."""
        return gradient(lambda *e: self.tensor_cost(labels, *e), *embeddings)

    def score(self, *embeddings):
        """Return the outputs for as many rows as the batch has, tensors."""
        return self._score(*(to_tensors(e) for e in embeddings))

    def tensor_cost(self, labels, *embeddings):
        """Return the loss of as many rows as the batch has, as a tensor."""
        if self._score is not None:
            return self.loss_tensor(labels, self.score(*embeddings))
        one = len(embeddings) == 1
        return self.loss_tensor(labels, embeddings[0] if one else tuple(embeddings))

    def row_costs(self, label, outputs):
        """Return the loss of each row by itself, if all have one label.

        Each row is shown to the loss as a batch of copies of itself.
        """
        n = 2 if self.any_rows else self.n
        labels = np.repeat(np.asarray(label)[None], n, axis=0)
        rows = range(n_rows(outputs))
        copies = [take(outputs, np.full(n, i)) for i in rows]
        return np.asarray([self.loss(labels, copy) for copy in copies])

    @question
    def style(self):
        """The kind of comparison.

        "pairs" and "triplets": by the number of inputs. "batch": one input, and a loss
        over the pairs of a batch. "classes": one input, and a loss that knows which
        output belongs to which speaker. "unlabeled": pairs whose labels do not matter,
        because all other rows of the batch are the other speakers.
        """
        k = len(self.embeddings)
        if k == 1:
            return "classes" if self._knows_classes() else "batch"
        if k == 2 and not self.has_scores and self.has_loss:
            one_kind = self._labels is None or len(np.unique(self._labels)) == 1
            if one_kind and not self._label_matters():
                return "unlabeled"
        return {2: "pairs", 3: "triplets"}.get(k, "other")

    def _knows_classes(self):
        """Return whether it matters which unit of the embedding is which."""
        far = self.made["far"][0]
        e = far[np.arange(self.n) % (len(far) // 2)]
        order = np.random.default_rng(4).permutation(self.dim)
        try:
            losses = [self.cost(self.labels, each) for each in (e, e[:, order])]
        except Skip:
            return False
        if not np.isfinite(losses).all():
            return False
        return abs(losses[0] - losses[1]) > 1e-4 * max(np.abs(losses))

    def _label_matters(self):
        """Return whether the loss changes if all labels are 0, or all are 1."""
        if self._labels is None:
            return False
        shape, dtype = self.labels.shape, self.labels.dtype
        try:
            losses = [
                self.cost(np.full(shape, value, dtype), *self.embeddings)
                for value in (0, 1)
            ]
        except Skip:
            return False
        return abs(losses[0] - losses[1]) > 1e-5 * max(*np.abs(losses), 1e-12)

    # ------------------------------------------------------------------- made-up inputs

    def sample(self, noise):
        """Return embeddings that the network could produce, shape (rows, dim).

        Parameters
        ----------
        noise : callable
            dim -> array (rows, dim); 1 is the size that occurs in the batch.
        """
        if self.towers is not None:
            return self.towers.sample(noise)
        return _similar(self.embeddings[0], noise(self.dim))

    @question
    def made(self):
        """Made-up pairs of embeddings, in four sizes from 1 to 1,000 times the batch's.

        Returns
        -------
        dict of str to tuple
            "far": of independent directions; "opposite"; "close": nearly equal.
        """
        sizes = np.repeat([1.0, 10.0, 100.0, 1000.0], N_MADE // 4)[:, None]

        def noise(name):
            def draw(dim):
                rng = np.random.default_rng(5)
                one, two, three = rng.normal(size=(3, N_MADE, dim))
                made = {
                    "first": one,
                    "far": two,
                    "opposite": -one,
                    "close": one + 0.1 * three,
                }
                return made[name] * sizes

            return draw

        first = self.sample(noise("first"))
        return {
            name: (first, self.sample(noise(name)))
            for name in ("far", "opposite", "close")
        }

    # ------------------------------------------------------------------ labels of pairs

    @property
    def _labels_as_rows(self):
        if self._labels is None:
            raise Skip("the batch has no labels")
        labels = np.asarray(self._labels)
        if len(labels) != self.n:
            raise Skip("the batch has not one label for each row")
        return labels.reshape(len(labels), -1)

    @question
    def two_labels(self):
        """The two labels of pairs, in the shape that one label has."""
        kinds = np.unique(self._labels_as_rows, axis=0)
        if len(kinds) == 1 and kinds.size == 1 and kinds.item() in (0, 1):
            kinds = np.asarray([[0], [1]]).astype(kinds.dtype)
        if len(kinds) != 2:
            raise Skip(f"labels of pairs must have two values; they have {len(kinds)}")
        return kinds.reshape((2, *np.shape(self.labels)[1:]))

    @question
    def near_label(self):
        """Index of the label that means the same speaker.

        The loss decides: for this label it rises with the distance.
        """
        if not self.has_loss:
            return 1  # by convention
        a = self.embeddings[0][:6]
        far = [e[:12] for e in self.made["far"]]
        rise = []
        for label in self.two_labels:
            near = _mean(self.row_costs(label, self.outputs_of(a, a)))
            rise.append(_mean(self.row_costs(label, self.outputs_of(*far))) - near)
        if not np.isfinite(rise).all() or np.isclose(rise[0], rise[1], rtol=1e-4):
            raise Skip("the loss does not tell which label means the same speaker")
        return int(np.argmax(rise))

    def different_pairs(self):
        """Return the embeddings of pairs of different speakers, two arrays."""
        if self.style == "pairs":
            return tuple(e[~self.is_same] for e in self.embeddings)
        labels, e = self._labels_as_rows, self.embeddings[0]
        i, j = np.triu_indices(self.n, 1)
        other = np.flatnonzero((labels[i] != labels[j]).any(axis=1))
        other = np.random.default_rng(1).permutation(other)[:N_MADE]
        return e[i[other]], e[j[other]]

    @question
    def is_same(self):
        """Whether each pair of the batch is of one speaker, booleans."""
        wanted = self.two_labels[self.near_label].reshape(-1)
        return (self._labels_as_rows == wanted).all(axis=1)

    def mixed_labels(self, n, seed=0):
        """Return labels of n rows of the batch's kind; a third of pairs are of one."""
        order = np.random.default_rng(seed).permutation(n)
        if self._labels is None:
            return None
        if len(self.embeddings) == 2 and self.style == "pairs":
            return self.two_labels[(order % 3 == 0).astype(int)]
        return np.resize(np.arange(len(self.labels)), n)[order]

    # --------------------------------------------------------------------------- scores

    @question
    def has_scores(self):
        """Whether the output is one number for each pair, or one for each direction."""
        if len(self.embeddings) != 2 or self._score is None:
            return False
        arrays = flatten((self.outputs,))
        if len(arrays) != 1 or arrays[0].ndim not in (1, 2):
            return False
        return len(arrays[0]) == self.n and arrays[0].size <= 2 * self.n

    @question
    def learned_head(self):
        """Whether the comparison has weights of its own, or gives probabilities."""
        if self.towers is not None and self.towers.learned_head:
            return True
        outputs = flatten((self.outputs,))[0]
        is_softmax = outputs.ndim == 2 and outputs.shape[1] == 2
        return bool(
            self.has_scores
            and is_softmax
            and (outputs >= 0).all()
            and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)
        )

    def scores(self, a, b):
        """Return the score of each pair, shape (rows, 1), or 2 for both directions."""
        if not self.has_scores:
            raise Skip("the output is not a score for each pair")
        out = np.asarray(flatten((self.outputs_of(a, b),))[0], np.float64)
        return out.reshape(len(out), -1)

    @question
    def sign(self):
        """1 if the score of equal embeddings is small, -1 if it is large."""
        a, far = self.embeddings[0][:8], [e[: N_MADE // 4] for e in self.made["far"]]
        near, far = _mean(self.scores(a, a)), _mean(self.scores(*far))
        if not np.isfinite([near, far]).all():
            raise Skip("scores of equal or of distant embeddings are not finite")
        return 1 if near <= far else -1

    def apart(self, a, b):
        """Return how far apart two embeddings are for the program.

        Its score, with the sign of a distance; or, if the loss compares embeddings, the
        loss of one speaker, 0 for equal embeddings.

        Returns
        -------
        numpy.ndarray
            Shape (rows, directions).
        """
        if len(self.embeddings) == 2:
            if self.learned_head:
                raise Skip("the comparison is learned")
            if self.has_scores:
                return self.sign * self.scores(a, b)
        costs = self.pull(a, b)
        return (costs - _mean(self.pull(a[:1], a[:1])))[:, None]

    def pull(self, a, b):
        """Return the loss of each pair as one of the same speaker, shape (rows,)."""
        if self.style == "pairs":
            label = self.two_labels[self.near_label]
            return self.row_costs(label, self.outputs_of(a, b))
        if self.style == "triplets":
            return self._triplet_costs({self.roles[0]: a, self.roles[1]: b}, a)
        if self.style == "batch":
            ids = self.ids([0, 0])
            return self._two_rows(ids, a, b)
        raise Skip("the loss does not compare two embeddings")

    def push(self, a, b):
        """Return the loss of each pair as one of different speakers, shape (rows,)."""
        if self.style == "pairs":
            label = self.two_labels[1 - self.near_label]
            return self.row_costs(label, self.outputs_of(a, b))
        if self.style == "triplets":
            return self._triplet_costs({self.roles[0]: a, self.roles[2]: b}, a)
        if self.style == "batch":
            return self._two_rows(self.ids([0, 1]), a, b)
        raise Skip("the loss does not compare two embeddings")

    def _two_rows(self, ids, a, b):
        if not self.any_rows:
            raise Skip("the loss takes whole batches only")
        pairs = [np.stack(pair) for pair in zip(a, b, strict=True)]
        return np.asarray([self.loss(ids, pair) for pair in pairs])

    def ids(self, ids):
        """Return numbers of speakers in the shape and type of the labels."""
        labels = np.asarray(self.labels)
        if labels.ndim > 1 and labels.shape[-1] > 1:
            return np.eye(labels.shape[-1], dtype=labels.dtype)[ids]
        return np.asarray(ids, labels.dtype).reshape((-1,) + (1,) * (labels.ndim - 1))

    # ------------------------------------------------------------------------- triplets

    @question
    def roles(self):
        """Places of anchor, positive and negative among the three inputs.

        From equal embeddings, the loss rises if the positive moves away, and falls if
        the negative does.
        """
        a, b = (e[:12] for e in self.made["far"])
        start = _mean(self._triplet_costs({}, a))
        rise = [_mean(self._triplet_costs({i: b}, a)) - start for i in range(3)]
        if not np.isfinite(rise).all() or np.ptp(rise) <= 1e-6 * max(abs(start), 1e-9):
            raise Skip("the loss does not tell anchor, positive and negative apart")
        positive, negative = int(np.argmax(rise)), int(np.argmin(rise))
        return 3 - positive - negative, positive, negative

    def _triplet_costs(self, moved, rest):
        """Return the loss of each triplet by itself; inputs not given are `rest`."""
        m = max([len(rest), *(len(e) for e in moved.values())])
        parts = [np.resize(moved.get(i, rest), (m, self.dim)) for i in range(3)]
        label = np.asarray(self._labels)[0] if self._labels is not None else 0.0
        return self.row_costs(label, self.outputs_of(*parts))

    # ---------------------------------------------------------------------- whole batch

    def _speakers(self):
        """Return for each row the number of its speaker, and its number there."""
        kinds, ids = np.unique(self._labels_as_rows, axis=0, return_inverse=True)
        ids = ids.reshape(-1)
        order = np.zeros(len(ids), int)
        for k in range(len(kinds)):
            order[ids == k] = np.arange(np.sum(ids == k))
        if len(kinds) < 2 or order.max() < 1:
            raise Skip("the batch has not two speakers with two recordings each")
        return ids, order

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
        ids, order = self._speakers()
        far = self.made["far"][1][: N_MADE // 4]
        start = self.made["far"][0][0]
        e = start + between * (far[ids % len(far)] - start)
        e = (1 - within) * e + within * far[(order + 7) % len(far)]
        return self.like_embeddings(e)

    def like_embeddings(self, e):
        """Return embeddings of unit length, if those of the batch are."""
        norms = np.linalg.norm(self.embeddings[0], axis=1, keepdims=True)
        if np.allclose(norms, 1, atol=1e-3):
            e = e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-12)
        return e.astype(np.float32)

    # ------------------------------------------------------------------------ the curve

    @question
    def curve(self):
        """The loss of one and of two speakers along growing distances; a `Curve`."""
        return self._curve_of_batch() if self.style == "batch" else self.pair_curve

    @question
    def pair_curve(self):
        """The same for single pairs, also of a loss over all pairs of a batch."""
        if self.has_one_score:
            return self._curve_of_scores()
        if self.style == "pairs" and self.learned_head:
            raise Skip("the comparison is learned")
        a, b, path = self.paths()
        same, different = self.pull(a, b), self.push(a, b)
        if self.style == "batch":
            distance = same
        else:
            distance = np.linalg.norm(a - b, axis=1)
        fine = np.isfinite(same) & np.isfinite(different) & np.isfinite(distance)
        if fine.sum() < 8:
            raise Skip("the loss of made-up embeddings is not finite")
        return Curve(*(v[fine] for v in (distance, same, different, path)))

    @question
    def has_one_score(self):
        """Whether pairs are compared by one number, or by the same one both ways."""
        if self.style != "pairs" or not self.has_scores:
            return False
        return self.is_scalar or not self.learned_head

    @property
    def is_scalar(self):
        """Whether the output is one number for each row."""
        return flatten((self.outputs,))[0].size == self.n

    def paths(self):
        """Return pairs of embeddings on four ways from equal to far apart."""
        steps = np.concatenate(
            [[0], np.geomspace(1e-6, 0.1, 11), np.linspace(0.2, 1, 5)]
        )
        first, second = [], []
        for name in ("far", "opposite"):
            for k in (0, N_MADE // 4):
                a, b = (e[k] for e in self.made[name])
                first.append(np.repeat(a[None], len(steps), axis=0))
                second.append(self.like_embeddings(a + steps[:, None] * (b - a)))
        number = np.repeat(np.arange(len(first)), len(steps))
        return np.concatenate(first), np.concatenate(second), number

    def _curve_of_scores(self):
        low, high = self.score_range
        steps = np.concatenate([[0], np.geomspace(1e-6, 1, 40), np.linspace(0, 1, 41)])
        scores = low + (high - low) * np.unique(steps)
        costs = [self.row_costs(y, self.as_outputs(scores)) for y in self.two_labels]
        fine = np.isfinite(costs).all(axis=0)
        if fine.sum() < 8:
            raise Skip("the loss of made-up scores is not finite")
        costs, scores = [cost[fine] for cost in costs], scores[fine]
        if self.learned_head:
            # Which end means "near" is learned: the one that is cheap for one label.
            rise = [cost[-1] - cost[0] for cost in costs]
            sign, near = 1, int(np.argmax(rise))
        else:
            sign, near = self.sign, self.near_label
        same, different = costs[near], costs[1 - near]
        curve = (sign * scores, same, different, np.zeros(len(scores), int))
        return Curve(*(values[::sign] for values in curve))

    def _curve_of_batch(self):
        steps = np.concatenate(
            [[0], np.geomspace(1e-3, 0.1, 4), np.linspace(0.2, 1, 9)]
        )
        same = [self.cost(self.labels, self.clusters(1.0, 0.5 * t)) for t in steps]
        different = [self.cost(self.labels, self.clusters(between=t)) for t in steps]
        if not np.isfinite([same, different]).all():
            raise Skip("the loss of made-up embeddings is not finite")
        path = np.zeros(len(steps), int)
        return Curve(steps, np.asarray(same), np.asarray(different), path)

    @question
    def margin(self):
        """The distance from which a pair of different speakers costs nothing more.

        Raises
        ------
        Skip
            If the loss has no such distance.
        """
        if self.style not in ("pairs", "batch") or self.learned_head:
            raise Skip("the loss is not a hinge over distances")
        d, loss = self._loss_of_different()
        floor = self._floor(loss)
        above = np.flatnonzero(loss > floor)
        if not len(above) or len(d) - 1 - above[-1] < 3:
            beyond = line_to_zero(d, loss)
            if beyond is not None and beyond > d[-1]:
                return beyond
            raise Skip("the loss has no margin from which on it is constant")
        active = slice(above[-1] + 1)
        if line_to_zero(d[active], loss[active] - loss.min(), 0.02) is None:
            raise Skip("the loss of different speakers is not a hinge")
        low, high = d[above[-1]], d[above[-1] + 1]
        if self.has_one_score:
            label = self.two_labels[1 - self.near_label]
            for _ in range(14):
                middle = (low + high) / 2
                cost = self.row_costs(label, self.as_outputs([self.sign * middle]))[0]
                low, high = (low, middle) if cost <= floor else (middle, high)
        return float((low + high) / 2)

    def _loss_of_different(self):
        """Return distances on a fine scale, and the loss of two speakers there."""
        if self.has_one_score:
            low, high = (
                self.score_range if self.sign > 0 else -np.flip(self.score_range)
            )
            # Without a bound, distances may grow beyond those that were made up.
            top = 1.0 if self.reach[1] else 1e3
            steps = np.concatenate(
                [np.geomspace(1e-12, top, 91), np.linspace(0, 1, 41)]
            )
            d = low + (high - low) * np.unique(steps)
            label = self.two_labels[1 - self.near_label]
            return d, self.row_costs(label, self.as_outputs(self.sign * d))
        a, b, _ = self.paths()
        d = self.apart(a, b).mean(axis=1)
        order = np.argsort(d, kind="stable")
        return d[order], self.push(a, b)[order]

    @question
    def reach(self):
        """The greatest distance of made-up embeddings, and whether it is bounded.

        It is if embeddings ten times as large are no further apart.
        """
        values = np.stack(
            [self.apart(*made).mean(axis=1) for made in self.made.values()]
        )
        values = np.where(np.isfinite(values), values, np.nan)
        if np.isnan(values).all():
            raise Skip("no distance of made-up embeddings is finite")
        by_size = [np.nanmax(part, initial=-np.inf) for part in np.split(values, 4, 1)]
        return float(max(by_size)), bool(by_size[3] <= 1.25 * max(by_size[2], 1e-12))

    @staticmethod
    def _floor(loss):
        span = np.ptp(loss)
        if not span > 0:
            raise Skip("the loss of different speakers does not change")
        return loss.min() + 1e-4 * span

    def margin_or_none(self):
        """Return the margin, or None."""
        try:
            return self.margin
        except Skip:
            return None

    @question
    def score_range(self):
        """Least and greatest score that occurs, in the batch and made up."""
        a, b = self.embeddings
        if self.learned_head:
            values = flatten((self.head_outputs,))[0].astype(float)
        else:
            every = [(a, a), (a, b), *self.made.values()]
            values = np.concatenate([self.scores(*pair) for pair in every])
        values = values[np.isfinite(values)]
        if not len(values) or values.max() <= values.min():
            raise Skip("the score does not depend on the embeddings")
        return float(values.min()), float(values.max())

    @question
    def head_outputs(self):
        """Outputs of a learned head, for noise in front of its last layer."""
        if self.towers is None:
            return self.outputs

        def noise(shape):
            sizes = np.geomspace(0.1, 1e3, shape[0])[:, None]
            return sizes * np.random.default_rng(6).normal(size=shape)

        return self.towers.sample_output(noise)

    def as_outputs(self, scores):
        """Return scores in the shape of the outputs, the same in every direction."""
        shape = flatten((self.outputs,))[0].shape[1:]
        scores = np.asarray(scores, np.float32).reshape((-1,) + (1,) * len(shape))
        return np.broadcast_to(scores, (len(scores), *shape)).astype(np.float32)

    @question
    def best_outputs(self):
        """The outputs with the smallest loss for each of the two labels."""
        if self.style != "pairs":
            raise Skip("the model has no output for a pair")
        outputs = self._possible_outputs()
        if not self.has_loss:
            near_first = (self.sign > 0) == (self.near_label == 0)
            return take(outputs, np.asarray([0, -1] if near_first else [-1, 0]))
        best = []
        for label in self.two_labels:
            costs = self.row_costs(label, outputs)
            costs = np.where(np.isfinite(costs), costs, np.inf)
            span = np.ptp(costs[np.isfinite(costs)]) if np.isfinite(costs).any() else 0
            lowest = np.flatnonzero(costs <= costs.min() + 1e-6 * max(span, 1e-12))
            best.append((lowest[0], lowest[-1]))
        # Of the outputs that cost least, those that are furthest apart.
        (a0, a1), (b0, b1) = best
        pick = (a0, b1) if a0 + a1 < b0 + b1 else (a1, b0)
        return take(outputs, np.asarray(pick))

    def _possible_outputs(self):
        """Return outputs that the program could produce; scalars are sorted."""
        if self.has_one_score:
            low, high = self.score_range
            steps = [np.linspace(0, 1, 33), np.geomspace(1e-5, 0.03, 12)]
            return self.as_outputs(
                low + (high - low) * np.unique(np.concatenate(steps))
            )
        if self.learned_head:
            return self.head_outputs
        a = self.embeddings[0][:8]
        far = [e[: N_MADE // 2] for e in self.made["far"]]
        parts = [self.outputs_of(a, a), self.outputs_of(*far)]
        return tree.map_structure(lambda *p: np.concatenate(p), *parts)

    def varied_outputs(self, n, seed):
        """Return outputs of n rows that differ widely."""
        rng = np.random.default_rng(seed)
        if self.has_one_score:
            low, high = self.score_range
            even, small = rng.random(n), 10 ** rng.uniform(-9, 0, n)
            share = np.where(np.arange(n) % 2, even, small)
            return self.as_outputs(low + (high - low) * share)
        if self.style == "pairs" and self.learned_head:
            return take(self.head_outputs, rng.integers(0, self.n, n))
        half = N_MADE // 2  # not the largest, where little is finite
        pools = [
            np.concatenate([m[i][:half] for m in self.made.values()]) for i in (0, 1)
        ]
        pick = rng.integers(0, len(pools[0]), n)
        k = len(self.embeddings)
        rows = [pools[0][pick], pools[1][pick], pools[1][rng.permutation(pick)]]
        return self.outputs_of(*rows[:k])

    @question
    def metrics(self):
        """Metrics of the program; see `objective.find_metrics`."""
        found = find_metrics(
            self.program.model, self.program.metrics, self.labels, self.outputs
        )
        if not found:
            raise Skip("no metric was given", "metrics")
        return found


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


def _mean(values):
    """Return the mean of the finite values; NaN if there are none."""
    values = np.asarray(values)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else np.nan


def _similar(embeddings, noise):
    """Turn noise into what could be embeddings like these."""
    e = embeddings
    if (e >= 0).all() and np.allclose(e.sum(axis=1), 1, atol=1e-3):
        e = np.exp(noise - noise.max(axis=1, keepdims=True))
        return (e / e.sum(axis=1, keepdims=True)).astype(np.float32)
    if np.allclose(np.linalg.norm(e, axis=1), 1, atol=1e-3):
        norms = np.linalg.norm(noise, axis=1, keepdims=True)
        return (noise / norms).astype(np.float32)
    noise = noise * (e.std() or 1.0)
    return (np.maximum(noise, 0) if (e >= 0).all() else noise).astype(np.float32)
