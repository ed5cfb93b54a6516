"""Outputs that spell labels without a doubt, and what a loss makes of them.

The loss of the right outputs tells which class is its blank; a shift and a factor tell
whether it takes logits or probabilities.
"""

import numpy as np

from .rule import NotExamined, probe

# Softmax of this is one to the precision of float32; a loss of logits stays finite.
_SURE = 25.0


def _near(a, b):
    a, b = np.asarray(a), np.asarray(b)
    fine = np.isfinite(a) & np.isfinite(b)
    if not fine.any():
        return False
    return bool((np.abs(a - b)[fine] <= 2e-3 * np.abs(a[fine]) + 2e-3).all())


def path(labels, blank, frames, between=False):
    """Spell labels in the first frames, a blank between equal ones, then blanks.

    Examples
    --------
    >>> path([1, 1, 2], blank=0, frames=6).tolist()
    [1, 0, 1, 2, 0, 0]
    """
    found: list[int] = []
    for label in labels:
        if found and (between or found[-1] == label):
            found.append(blank)
        found.append(int(label))
    found = found[:frames]
    return np.asarray(found + [blank] * (frames - len(found)), int)


class Oracle:
    """What the loss of a program says about made-up outputs.

    Parameters
    ----------
    phones : PhoneProbe
        Of the program.
    """

    def __init__(self, phones):
        self.phones = phones
        self.shape = phones.outputs.shape
        self.rng = np.random.default_rng(3)

    @probe
    def rows(self):
        """Those of the first utterances whose labels have room to spare; booleans."""
        n = np.asarray([len(row) for row in self.phones.labels])
        try:
            there = self.phones.true_outputs
        except NotExamined:
            there = np.full(len(n), self.shape[1])
        fits = (
            (np.arange(len(n)) < 8)
            & (n > 0)
            & (n * (1 if self.shape[2] > 3 else 2) + 1 < there)
        )
        if not fits.any():
            raise NotExamined("no utterance of the batch has enough frames")
        return fits

    @property
    def together(self):
        """Whether the loss of the whole batch will do: all labels have room."""
        if self._labels is None:
            return True
        try:
            return bool(self.rows[:8].all())
        except NotExamined:
            return False

    @probe
    def wants(self):
        """Find what the loss takes: "logits", "probabilities" or "log".

        A constant that is added to all outputs of a frame changes nothing in logits, a
        factor nothing in probabilities that are made to sum to 1.
        """
        z = self.rng.normal(size=self.shape)
        p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
        safe = self._labels

        def ask(outputs, labels):
            return self.phones.loss(outputs, labels, together=self.together)

        at, shifted = ask(p, safe), ask(p + 0.3, safe)
        scaled = ask(p * 0.6, safe)
        if not np.isfinite(at).any():
            raise NotExamined("the loss of made-up outputs is no number")
        if _near(at, shifted):
            return "logits"
        if _near(at, scaled):
            return "probabilities"
        log = np.log(p)
        lower, low = ask(log - 0.5, safe), ask(log, safe)
        rise = (scaled - at) / -np.log(0.6)
        fine = np.isfinite(rise)
        if fine.any() and (rise[fine] > 0.5).all() and self._whole(rise[fine]):
            return "probabilities"
        rise = (lower - low) / 0.5
        fine = np.isfinite(rise)
        if fine.any() and (rise[fine] > 0.5).all() and self._whole(rise[fine]):
            return "log"
        raise NotExamined("the loss does not tell what it takes")

    @staticmethod
    def _whole(values):
        return bool((np.abs(values - np.round(values)) < 0.05).all())

    @property
    def _labels(self):
        slot = self.phones.label_slot
        if slot is None or slot.array.ndim != 2 or slot.array.shape[1] == self.shape[1]:
            return None
        return self.phones.safe_labels

    def sure(self, best, kind=None):
        """Make outputs that take a path without a doubt.

        Parameters
        ----------
        best : array_like
            int, shape (batch, frames of outputs).
        kind : str, optional
            As `wants`, which is the default.
        """
        kind = kind or self.wants
        logits = _SURE * np.eye(self.shape[2])[np.asarray(best)]
        if kind == "logits":
            return logits
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        return p if kind == "probabilities" else np.log(p)

    def cost(self, blank, labels=None, told=None, kind=None):
        """Compute the loss of outputs that spell labels with this blank.

        Parameters
        ----------
        blank : int
            A class.
        labels : list, optional
            What the outputs spell; the safe ones by default.
        told : list, optional
            What the loss is told; the same by default.
        kind : str, optional
            What outputs are; see `sure`.

        Returns
        -------
        numpy.ndarray
            Shape (batch,).
        """
        labels = self._labels if labels is None else labels
        if labels is None:
            raise NotExamined("no utterance of the batch has enough frames")
        told = labels if told is None else told
        best = np.stack([path(row, blank, self.shape[1]) for row in labels])
        return self.phones.loss(self.sure(best, kind), told, self.together)

    @probe
    def blank(self):
        """Find the blank: a path of labels, then one class to the end, costs nothing.

        Only the blank may stand there as often as it likes. Two softmaxes make the
        right one cost no less than two thirds of a wrong one.
        """
        classes = self.shape[2]
        first = [0, classes - 1]
        if self.phones.attempt[2] is not None:
            first.insert(0, self.phones.attempt[2].blank)
        first = [k for k in dict.fromkeys(first) if 0 <= k < classes]
        costs = {k: self._median(self.cost(k)) for k in first}
        if not self._clear(costs):
            for k in range(classes):
                if k not in costs:
                    costs[k] = self._median(self.cost(k))
        if not self._clear(costs):
            if self.phones.attempt[2] is not None:
                return self.phones.attempt[2].blank
            raise NotExamined("the loss does not tell which class is its blank")
        return min(costs, key=lambda k: costs[k])

    def _median(self, cost):
        cost = np.asarray(cost)[self.rows]
        cost = np.where(np.isnan(cost), np.inf, cost)
        return float(np.median(cost))

    @staticmethod
    def _clear(costs):
        values = sorted(costs.values())
        return len(values) > 1 and values[0] < 0.75 * values[1] and values[0] < np.inf

    @probe
    def frames_read(self):
        """Frames of the outputs that the loss reads for each utterance, shape (batch,).

        Found by halving: behind a frame all outputs are spoilt, and the loss tells.
        -1 where it does not.
        """
        blank, labels = self.blank, self._labels
        frames = self.shape[1]
        best = np.stack([path(row, blank, frames) for row in labels])
        # No blank, and no repeat of the last label: both would cost nothing.
        wrong = np.asarray(
            [
                next(k for k in range(self.shape[2]) if k not in (blank, *row[-1:]))
                for row in labels
            ]
        )
        kind = self.wants
        clean = self.phones.loss(self.sure(best, kind), labels)
        low = np.zeros(len(best), int)
        high = np.full(len(best), frames)
        for _ in range(int(np.ceil(np.log2(frames + 1))) + 1):
            middle = (low + high) // 2
            spoilt = best.copy()
            late = np.arange(frames) >= middle[:, None]
            spoilt = np.where(late, wrong[:, None], spoilt)
            loss = self.phones.loss(self.sure(spoilt, kind), labels)
            moved = ~(np.abs(loss - clean) <= 1e-2 + 1e-3 * np.abs(clean))
            low = np.where(moved, np.minimum(middle + 1, frames), low)
            high = np.where(moved, high, middle)
        # Where even the right outputs are dear, a shorter path was asked for.
        return np.where(self.rows & (clean < _SURE / 2), high, -1)

    @probe
    def is_ctc(self):
        """Whether labels, taken as a path, one for each frame, do not cost least."""
        phones = self.phones
        y = np.clip(phones.label_array, 0, self.shape[2] - 1)
        if y.shape[1] != self.shape[1]:
            return True
        framewise = np.mean(phones.loss(self.sure(y), together=True))
        rolled = self.sure(np.roll(y, 1, axis=1))
        turned = np.mean(phones.loss(rolled, together=True))
        return not (framewise < 0.2 * max(turned, 1e-9))
