"""Error rates for `compile(metrics=[...])`, exact over the epoch.

An error rate is no mean of the error rates of batches: each of these keeps the
distances of all pairs of an epoch, and computes once.
"""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError

_PAIRWISE = {
    "cosine": distances.pairwise_cosine,
    "euclidean": distances.pairwise_euclidean,
    "kl": distances.pairwise_kl,
}


class _OfPairs(keras.metrics.Metric):
    """From what a network gives to distances (pairs,), labels and weights."""

    def __init__(self, distance, name, dtype):
        super().__init__(name=name, dtype=dtype)
        if distance is not None and distance not in _PAIRWISE:
            raise ArgumentError(
                f"distance must be None or one of {', '.join(_PAIRWISE)}; "
                f"got {distance!r}"
            )
        self.distance = distance

    def _pairs(self, y_true, y_pred, sample_weight):
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        labels, shape = tuple(y_true.shape), tuple(y_pred.shape)
        column = len(labels) > 0 and labels[1:] in ((), (1,))
        rows = len({labels[0], shape[0]} - {None}) < 2 if labels and shape else False
        if not column or not rows or len(shape) != 2:
            what = "distances (batch, directions)" if self.distance is None else ""
            raise ArgumentError(
                f"this metric takes {what or 'outputs (batch, units)'} and labels "
                f"(batch,) or (batch, 1); got {shape} and {labels}"
            )
        y_true = ops.reshape(y_true, (-1,))
        if self.distance is None:
            d = ops.sum(y_pred, axis=-1)
            same, weight = ops.cast(y_true, "bool"), ops.ones_like(d)
            if sample_weight is not None:
                weight = weight * ops.cast(ops.reshape(sample_weight, (-1,)), d.dtype)
            return d, ops.cast(same, d.dtype), weight
        if sample_weight is not None:
            raise ArgumentError("pairs of a batch take no sample weights")
        d = _PAIRWISE[self.distance](y_pred)
        d = d + ops.transpose(d)  # a divergence has two directions
        same = ops.equal(y_true[:, None], y_true[None, :])
        once = ops.triu(ops.ones_like(d), k=1)  # no row with itself, no pair twice
        return tuple(ops.reshape(x, (-1,)) for x in (d, ops.cast(same, d.dtype), once))

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {"name": self.name, "dtype": self.dtype, "distance": self.distance}


class _Collected(_OfPairs):
    """All distances of an epoch."""

    def __init__(self, distance, capacity, name, dtype):
        super().__init__(distance, name, dtype)
        if capacity < 2:
            raise ArgumentError(f"capacity must be at least 2; got {capacity}")
        self.capacity = capacity
        # Distance, label and weight of each pair.
        self._kept = self.add_variable((3, capacity), "zeros", name="kept")
        self._count = self.add_variable((), "zeros", dtype="int32", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Keep the pairs of a batch.

        Parameters
        ----------
        y_true : tensor
            1 for the same speaker and 0 for different ones; with `distance`, ids of
            speakers. Shape (batch,) or (batch, 1).
        y_pred : tensor
            Distances, shape (batch, directions); with `distance`, outputs of a
            network, shape (batch, units).
        sample_weight : tensor, optional
            Shape (batch,); only without `distance`.
        """
        new = ops.stack(self._pairs(y_true, y_pred, sample_weight))
        if new.shape[1] is not None and new.shape[1] > self.capacity:
            raise ArgumentError(self._full(new.shape[1]))
        count, more = self._count.value, ops.cast(ops.shape(new)[1], "int32")
        # Of each place: which of the new pairs belongs there. What has no place is
        # counted; `result` refuses.
        which = ops.arange(self.capacity, dtype="int32") - count
        there = ops.logical_and(which >= 0, which < more)
        moved = ops.take(new, ops.clip(which, 0, more - 1), axis=1)
        self._kept.assign(ops.where(there, moved, self._kept.value))
        self._count.assign(count + more)

    def _full(self, count):
        return (
            f"{self.name} has room for {self.capacity:,} pairs, and the epoch has "
            f"{count:,} or more; make it with a larger capacity, or measure on fewer "
            "pairs (a batch of n outputs takes n * n)"
        )

    def result(self):
        """Compute over all pairs since the epoch began.

        Returns
        -------
        tensor
            One number; NaN while there is but one kind of pair.

        Raises
        ------
        ArgumentError
            If there were more pairs than `capacity`.
        """
        try:
            count = int(self._count.value)
        except (AttributeError, TypeError):  # in a compiled step nothing has a value
            count = 0
        if count > self.capacity:
            raise ArgumentError(self._full(count))
        d, same, weight = ops.unstack(self._kept.value)
        there = ops.arange(self.capacity) < self._count.value
        weight = ops.where(there, weight, 0.0)
        d = ops.where(weight > 0, d, float("inf"))
        order = ops.argsort(d)
        d = ops.take(d, order)
        hits = ops.cumsum(ops.take(same * weight, order))
        false = ops.cumsum(ops.take((1.0 - same) * weight, order))
        # Distances that are tied are accepted together: each place takes the figures
        # of the last that is tied with it.
        last = ops.searchsorted(d, d, side="right") - 1
        nothing = ops.zeros((1,), dtype=hits.dtype)
        accepts = ops.concatenate([nothing, ops.take(false, last) / false[-1]])
        hits = ops.concatenate([nothing, ops.take(hits, last) / hits[-1]])
        return self._figure(accepts, 1.0 - hits)

    def reset_state(self):
        """Forget all pairs; Keras calls it when an epoch begins."""
        self._kept.assign(ops.zeros_like(self._kept.value))
        self._count.assign(0)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "capacity": self.capacity}


@keras.saving.register_keras_serializable(package="siamlab")
class EER(_Collected):
    """Equal error rate of an epoch's pairs; see `eer`.

    Parameters
    ----------
    distance : {None, "cosine", "euclidean", "kl"}
        None for a network that gives distances, as `networks.Siamese` does. Else how
        outputs of a `networks.SpeakerNet` are compared, all pairs within each
        batch ("kl" adds both directions).
    capacity : int
        Room for so many pairs; a batch of n outputs takes n * n.
    name : str
        In the logs, and for `monitor=`: smaller is better, so that a checkpoint
        takes ``mode="min"``.
    dtype : str, optional
        As for any metric of Keras.

    Raises
    ------
    ArgumentError
        If an argument is out of range.

    Examples
    --------
    >>> metric = EER()
    >>> metric.update_state([1, 1], [[0.1], [0.8]])
    >>> metric.update_state([0, 0], [[0.7], [0.9]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, distance=None, capacity=2**16, name="eer", dtype=None):
        super().__init__(distance, capacity, name, dtype)

    def _figure(self, accepts, rejects):
        difference = accepts - rejects  # rises from -1 to 1
        i = ops.argmax(ops.cast(difference >= 0, "int32"))
        before, after = ops.take(difference, i - 1), ops.take(difference, i)
        low, high = ops.take(accepts, i - 1), ops.take(accepts, i)
        return low - before / (after - before) * (high - low)


@keras.saving.register_keras_serializable(package="siamlab")
class AUC(_Collected):
    """Area under the ROC of an epoch's pairs; see `auc`.

    `keras.metrics.AUC` approximates with 200 thresholds between 0 and 1, where a
    divergence has no business.

    Parameters
    ----------
    distance, capacity, dtype
        As for `EER`.
    name : str
        In the logs, and for `monitor=`: larger is better.

    Raises
    ------
    ArgumentError
        If an argument is out of range.

    Examples
    --------
    >>> metric = AUC()
    >>> metric.update_state([1, 1, 0, 0], [[0.1], [0.8], [0.7], [0.9]])
    >>> float(metric.result())
    0.75
    """

    def __init__(self, distance=None, capacity=2**16, name="auc", dtype=None):
        super().__init__(distance, capacity, name, dtype)

    def _figure(self, accepts, rejects):
        width = accepts[1:] - accepts[:-1]
        return ops.sum(width * (2.0 - rejects[1:] - rejects[:-1])) / 2.0


@keras.saving.register_keras_serializable(package="siamlab")
class AccuracyAt(_OfPairs):
    """Share of pairs that a threshold decides rightly.

    Parameters
    ----------
    threshold : float
        Pairs that are at most this far from each other are taken for the same
        speaker. Choose it on data other than those it is used on:
        ``-best_threshold(-distances, same)``.
    distance : {None, "cosine", "euclidean", "kl"}
        As for `EER`.
    name : str
        In the logs.
    dtype : str, optional
        As for any metric of Keras.

    Raises
    ------
    ArgumentError
        If there is no such distance.

    Examples
    --------
    >>> metric = AccuracyAt(threshold=0.75)
    >>> metric.update_state([1, 1, 0, 0], [[0.1], [0.8], [0.7], [0.9]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, threshold, distance=None, name="accuracy_at", dtype=None):
        super().__init__(distance, name, dtype)
        self.threshold = float(threshold)
        self._right = self.add_variable((), "zeros", name="right")
        self._total = self.add_variable((), "zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count the pairs of a batch.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As for `EER`.
        """
        d, same, weight = self._pairs(y_true, y_pred, sample_weight)
        right = ops.equal(d <= self.threshold, same > 0)
        self._right.assign(self._right.value + ops.sum(ops.where(right, weight, 0.0)))
        self._total.assign(self._total.value + ops.sum(weight))

    def result(self):
        """Divide.

        Returns
        -------
        tensor
            One number; NaN before the first pair.
        """
        return self._right.value / self._total.value

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "threshold": self.threshold}
