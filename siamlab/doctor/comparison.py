"""A program that learns embeddings, and the questions that checks ask of it.

The program may take pairs, triplets, or single recordings with a loss over all pairs of
a batch; it may be a Keras model or a few functions. The questions are the same: which
loss and which score would these embeddings have?
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops, tree
from scipy.special import softmax

from .arrays import flatten, n_rows, question, take, to_arrays, to_tensors
from .divergences import kl_form
from .objective import Loss, find_metrics, gradient
from .report import Skip
from .towers import Towers

# Embeddings made up for a question; enough for shares to the percent.
N_MADE = 96


@dataclasses.dataclass(eq=False)
class Comparison:
    """A program that learns embeddings.

    Parameters
    ----------
    program : Program
        What was given.
    embeddings : tuple of array
        For each input of the model, shape (rows, dim).
    labels : array or None
        A label for each row.
    given_loss : Loss or None
        (labels, outputs) -> float.
    given_score : callable, optional
        Embeddings of all inputs -> outputs, tensors. By default the loss receives the
        embeddings.
    towers : Towers, optional
        The embeddings within a Keras model.
    any_rows : bool
        Whether the loss can be computed for another number of rows than the batch has.
    """

    program: Any
    embeddings: tuple
    labels: Any
    given_loss: Loss | None
    given_score: Callable | None = None
    towers: Towers | None = None
    any_rows: bool = True

    @property
    def n(self):
        """Number of rows of the batch."""
        return len(self.embeddings[0])

    @property
    def dim(self):
        """Dimension of the embeddings."""
        return self.embeddings[0].shape[1]

    # --------------------------------------------------------------- loss and outputs

    @property
    def has_loss(self):
        """Whether a loss is known."""
        return self.given_loss is not None

    @property
    def loss(self):
        """The loss, a function of labels and outputs."""
        return self.given_loss or self.program.objective  # which says why there is none

    def outputs_of(self, *embeddings):
        """Return the outputs for any number of rows, arrays."""
        given = [np.asarray(e, np.float32) for e in embeddings]
        if self.given_score is None:
            return given[0] if len(given) == 1 else tuple(given)
        m = len(given[0])
        n = m if self.towers is None else self.n
        parts = []
        for start in range(0, m, n):
            rows = np.resize(np.arange(start, min(start + n, m)), n)
            out = to_arrays(self.score(*(e[rows] for e in given)))
            parts.append(take(out, slice(m - start)))
        return tree.map_structure(lambda *p: np.concatenate(p), *parts)

    @question
    def outputs(self):
        """Outputs for the batch."""
        return self.outputs_of(*self.embeddings)

    def score(self, *embeddings):
        """Return the outputs for as many rows as the batch has, tensors."""
        if self.given_score is None:
            return embeddings[0] if len(embeddings) == 1 else tuple(embeddings)
        return self.given_score(*(to_tensors(e) for e in embeddings))

    def cost(self, labels, *embeddings):
        """Return the loss of as many rows as the batch has, a float."""
        return self.loss(labels, self.outputs_of(*embeddings))

    def cost_gradient(self, labels, *embeddings):
        """Differentiate the loss by the embeddings."""
        return gradient(
            lambda *e: self.loss.tensor(labels, self.score(*e)), *embeddings
        )

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
            one_kind = self.labels is None or len(np.unique(self.labels)) == 1
            if one_kind and not self._label_matters():
                return "unlabeled"
        return {2: "pairs", 3: "triplets"}.get(k, "other")

    def _knows_classes(self):
        """Return whether it matters which unit of the embedding is which."""
        far = self.made["far"][0]
        e = far[np.arange(self.n) % (len(far) // 2)]
        order = np.random.default_rng(4).permutation(self.dim)
        return self._costs_differ((self.labels, e), (self.labels, e[:, order]))

    def _label_matters(self):
        """Return whether the loss changes if all labels are 0, or all are 1."""
        if self.labels is None:
            return False
        labels = (np.full_like(self.labels, value) for value in (0, 1))
        return self._costs_differ(*((y, *self.embeddings) for y in labels))

    def _costs_differ(self, one, other):
        try:
            a, b = self.cost(*one), self.cost(*other)
        except Skip:
            return False
        return bool(abs(a - b) > 1e-4 * max(abs(a), abs(b)))  # and not NaN

    # ------------------------------------------------------------------- made-up inputs

    @question
    def made(self):
        """Made-up pairs of embeddings, in four sizes from 1 to 1,000 times the batch's.

        Returns
        -------
        dict of str to tuple
            "far": of independent directions; "opposite".
        """
        sizes = np.repeat([1.0, 10.0, 100.0, 1000.0], N_MADE // 4)[:, None]
        rng = np.random.default_rng(5)
        one, two = sizes * rng.normal(size=(2, N_MADE, self.dim))
        first, second, opposite = (
            _similar(self.embeddings[0], e) for e in (one, two, -one)
        )
        return {"far": (first, second), "opposite": (first, opposite)}

    def like_embeddings(self, e):
        """Return embeddings of unit length, if those of the batch are."""
        if _have_unit_length(self.embeddings[0]):
            e = e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-12)
        return e.astype(np.float32)

    # ------------------------------------------------------------------ labels of pairs

    @property
    def labels_as_rows(self):
        """The labels of the batch, shape (rows, numbers)."""
        if self.labels is None:
            raise Skip("the batch has no labels")
        if len(self.labels) != self.n:
            raise Skip("the batch has not one label for each row")
        return np.reshape(self.labels, (self.n, -1))

    @question
    def two_labels(self):
        """The two labels of pairs, in the shape that one label has."""
        kinds = np.unique(self.labels_as_rows, axis=0)
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
        pairs = (a, a), [e[:12] for e in self.made["far"]]
        near, far = (self.outputs_of(*pair) for pair in pairs)
        rise = [
            _mean(self.row_costs(label, far)) - _mean(self.row_costs(label, near))
            for label in self.two_labels
        ]
        if not np.isfinite(rise).all() or np.isclose(rise[0], rise[1], rtol=1e-4):
            raise Skip("the loss does not tell which label means the same speaker")
        return int(np.argmax(rise))

    @question
    def is_same(self):
        """Whether each pair of the batch is of one speaker, booleans."""
        wanted = self.two_labels[self.near_label].reshape(-1)
        return (self.labels_as_rows == wanted).all(axis=1)

    def different_pairs(self):
        """Return the embeddings of pairs of different speakers, two arrays."""
        if self.style == "pairs":
            return tuple(e[~self.is_same] for e in self.embeddings)
        labels, e = self.labels_as_rows, self.embeddings[0]
        i, j = np.triu_indices(self.n, 1)
        other = np.flatnonzero((labels[i] != labels[j]).any(axis=1))
        other = np.random.default_rng(1).permutation(other)[:N_MADE]
        return e[i[other]], e[j[other]]

    def mixed_labels(self, n, seed=0):
        """Return labels of n rows of the batch's kind; a third of pairs are of one."""
        order = np.random.default_rng(seed).permutation(n)
        if self.labels is None:
            return None
        if self.style == "pairs":
            return self.two_labels[(order % 3 == 0).astype(int)]
        return np.resize(np.arange(len(self.labels)), n)[order]

    # --------------------------------------------------------------------------- scores

    @question
    def has_scores(self):
        """Whether the output is one number for each pair, or one for each direction."""
        if len(self.embeddings) != 2 or self.given_score is None:
            return False
        arrays = flatten((self.outputs,))
        if len(arrays) != 1 or arrays[0].ndim not in (1, 2):
            return False
        return len(arrays[0]) == self.n and arrays[0].size <= 2 * self.n

    @question
    def learned_head(self):
        """Whether weights compare the pairs, or the result is a probability."""
        if len(self.embeddings) != 2:
            return False
        if self.towers is not None and self.towers.learned_head:
            return True
        out = flatten((self.outputs,))[0]
        return bool(
            self.has_scores
            and out.shape[1:] == (2,)
            and (out >= 0).all()
            and np.allclose(out.sum(axis=1), 1, atol=1e-3)
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
        if self.learned_head:
            raise Skip("the comparison is learned")
        if self.has_scores:
            return self.sign * self.scores(a, b)
        return (self.pull(a, b) - _mean(self.pull(a[:1], a[:1])))[:, None]

    def pull(self, a, b):
        """Return the loss of each pair as one of the same speaker, shape (rows,)."""
        return self._pair_costs(True, a, b)

    def push(self, a, b):
        """Return the loss of each pair as one of different speakers, shape (rows,)."""
        return self._pair_costs(False, a, b)

    def _arranged(self, same, a, b):
        """Return the label of pairs, and the embeddings of all inputs."""
        if self.style == "pairs":
            label = self.two_labels[self.near_label if same else 1 - self.near_label]
            return label, (a, b)
        if self.style == "triplets":
            moved = self.roles[1 if same else 2]
            return self.no_label, tuple(b if i == moved else a for i in range(3))
        raise Skip("the loss does not compare two embeddings")

    @property
    def no_label(self):
        """A label of a program that does not use labels."""
        return np.zeros(1, np.float32) if self.labels is None else self.labels[0]

    def _pair_costs(self, same, a, b):
        if self.style != "batch":
            label, embeddings = self._arranged(same, a, b)
            return self.row_costs(label, self.outputs_of(*embeddings))
        if not self.any_rows:
            raise Skip("the loss takes whole batches only")
        ids, pairs = self.ids([0, 0] if same else [0, 1]), np.stack([a, b], axis=1)
        costs = [self.loss(ids, pair) for pair in pairs]
        if not same and not np.isfinite(costs).any():
            # The loss needs a second recording of each speaker.
            ids = self.ids([0, 0, 1, 1])
            costs = [self.loss(ids, pair.repeat(2, axis=0)) for pair in pairs]
        return np.asarray(costs)

    def tensor_pull(self, a, b):
        """Return how far apart as many pairs are as the batch has rows, a tensor.

        Its score; or, if the loss compares embeddings, the loss of one speaker.
        """
        if self.has_scores:
            return tree.flatten(self.score(a, b))[0]
        if self.style == "batch" and self.any_rows:
            rows = ops.reshape(ops.stack([a, b], axis=1), (2 * self.n, self.dim))
            return self.loss.tensor(self.ids(np.arange(2 * self.n) // 2), rows)
        label, embeddings = self._arranged(True, a, b)
        labels = np.repeat(np.asarray(label)[None], self.n, axis=0)
        return self.loss.tensor(labels, self.score(*embeddings))

    def ids(self, ids):
        """Return numbers of speakers in the shape and type of the labels."""
        self.labels_as_rows  # noqa: B018  raises if there are none
        labels = np.asarray(self.labels)
        if labels.ndim > 1 and labels.shape[-1] > 1:
            return np.eye(labels.shape[-1], dtype=labels.dtype)[ids]
        return np.asarray(ids, labels.dtype).reshape((-1,) + (1,) * (labels.ndim - 1))

    @question
    def roles(self):
        """Places of anchor, positive and negative among the three inputs.

        From equal embeddings, the loss rises if the positive moves away, and falls if
        the negative does.
        """
        a, b = (e[:12] for e in self.made["far"])
        moved = [(a, a, a), (b, a, a), (a, b, a), (a, a, b)]
        start, *costs = (
            _mean(self.row_costs(self.no_label, self.outputs_of(*parts)))
            for parts in moved
        )
        rise = np.asarray(costs) - start
        if not np.isfinite(rise).all() or np.ptp(rise) <= 1e-6 * max(abs(start), 1e-9):
            raise Skip("the loss does not tell anchor, positive and negative apart")
        positive, negative = int(np.argmax(rise)), int(np.argmin(rise))
        return 3 - positive - negative, positive, negative

    @question
    def kl_form(self):
        """Which Kullback-Leibler divergence the distance is, if it is one.

        See `divergences.kl_form`.
        """
        return kl_form(self)

    @question
    def metrics(self):
        """Metrics of the program; see `objective.find_metrics`."""
        return find_metrics(self.program.model, self.program.metrics)


def _mean(values):
    """Return the mean of the finite values; NaN if there are none."""
    values = np.asarray(values)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else np.nan


def _have_unit_length(e):
    return np.allclose(np.linalg.norm(e, axis=1), 1, atol=1e-3)


def _similar(e, noise):
    """Turn noise into what could be embeddings like these."""
    p = softmax(4 * noise, axis=1)
    if (e >= 0).all() and np.allclose(e.sum(axis=1), 1, atol=1e-3):
        noise = p
    elif (e <= 0).all() and np.allclose(np.exp(e).sum(axis=1), 1, atol=1e-3):
        noise = np.log(np.maximum(p, 1e-30))
    else:
        # A softplus has no zeros, of which the logarithm is infinite.
        least = 1e-3 if (e > 0).all() else 0
        noise = np.maximum(noise, least) if (e >= 0).all() else noise
        size = np.maximum(np.linalg.norm(noise, axis=1, keepdims=True), 1e-12)
        noise = noise / size if _have_unit_length(e) else noise * (e.std() or 1.0)
    return noise.astype(np.float32)
