"""The equal error rate as a Keras metric.

An equal error rate is not the mean of the rates of single batches. `EER` therefore
stores all distances of an epoch and computes the rate from all of them, with
`keras.ops` because Keras compiles it into the training step on every backend.
"""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError
from ..losses._common import check_batch, check_pairs

_DISTANCES = ("cosine", "euclidean", "kl")


@keras.saving.register_keras_serializable(package="siamlab")
class EER(keras.metrics.Metric):
    """Equal error rate of all pairs of an epoch, for ``compile(metrics=[EER()])``.

    Lower is better: monitor it with ``monitor="val_eer", mode="min"``. The value equals
    that of `eer` with negated distances as scores.

    Parameters
    ----------
    distance : {None, "cosine", "euclidean", "kl"}
        None for a network that outputs distances of pairs, such as
        `networks.Siamese`. Otherwise, the distance between outputs of a
        `networks.SpeakerNet`; all pairs within each batch are compared. "kl" is the sum
        of both directions.
    capacity : int
        Maximum number of pairs per epoch; with `distance`, a batch of n outputs uses
        n * n.
    name : str
        Name in the logs.
    dtype : str, optional
        As for `keras.metrics.Metric`.

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
        super().__init__(name=name, dtype=dtype)
        if distance is not None and distance not in _DISTANCES:
            raise ArgumentError(
                f"distance must be None or one of {', '.join(_DISTANCES)}; "
                f"got {distance!r}"
            )
        self.distance = distance
        self.capacity = capacity
        # Rows: distance; 1 for same-speaker pairs; 1 for different-speaker pairs.
        # Unused columns have 0 in both.
        self._pairs = self.add_variable((3, capacity), "zeros", name="pairs")
        self._n_pairs = self.add_variable((), "zeros", dtype="int32", name="n_pairs")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Store the pairs of a batch.

        Parameters
        ----------
        y_true : tensor
            1 for the same speaker and 0 for different speakers; with `distance`, the
            speaker of each output. Shape (batch,) or (batch, 1).
        y_pred : tensor
            Distances, shape (batch, directions); with `distance`, outputs of a
            network, shape (batch, units).
        sample_weight : None
            Not supported.

        Raises
        ------
        ArgumentError
            If shapes do not match, or sample weights are given.
        """
        if sample_weight is not None:
            raise ArgumentError("EER does not support sample weights; leave them out")
        new = self._pairs_of_batch(y_true, y_pred)
        n_pairs, n_new = self._n_pairs.value, ops.cast(ops.shape(new)[1], "int32")
        # For each column: which new pair belongs there, if any. Pairs beyond the
        # capacity are only counted, and `result` raises.
        source = ops.arange(self.capacity, dtype="int32") - n_pairs
        is_new = ops.logical_and(source >= 0, source < n_new)
        moved = ops.take(new, ops.clip(source, 0, n_new - 1), axis=1)
        self._pairs.assign(ops.where(is_new, moved, self._pairs.value))
        self._n_pairs.assign(n_pairs + n_new)

    def _pairs_of_batch(self, y_true, y_pred):
        """Distances, same-speaker and different-speaker indicators, shape (3, n)."""
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        check = check_pairs if self.distance is None else check_batch
        check(y_true, y_pred)
        y_true = ops.reshape(y_true, (-1,))
        if self.distance is None:
            d, is_same = ops.sum(y_pred, axis=-1), ops.cast(y_true, "bool")
            counts = ops.ones_like(d)
        else:
            d = getattr(distances, f"pairwise_{self.distance}")(y_pred)
            d = d + ops.transpose(d)  # a divergence has two directions
            is_same = ops.equal(y_true[:, None], y_true[None, :])
            # Each pair once, and no output with itself.
            counts = ops.triu(ops.ones_like(d), k=1)
        same = ops.cast(is_same, d.dtype)
        pairs = (d, same * counts, (1.0 - same) * counts)
        return ops.stack([ops.reshape(x, (-1,)) for x in pairs])

    def result(self):
        """Compute the rate over all pairs since the beginning of the epoch.

        Returns
        -------
        tensor
            A scalar; NaN if all pairs are of one kind.

        Raises
        ------
        ArgumentError
            If there were more pairs than `capacity`.
        """
        try:
            n_pairs = int(self._n_pairs.value)
        except (AttributeError, TypeError):  # inside a compiled step
            n_pairs = 0
        if n_pairs > self.capacity:
            raise ArgumentError(
                f"capacity must be at least {n_pairs:,}, the number of pairs in an "
                f"epoch; got {self.capacity:,}. A batch of n outputs uses n * n."
            )
        pairs = ops.take(self._pairs.value, ops.argsort(self._pairs.value[0]), axis=1)
        d, same, different = ops.unstack(pairs)
        # Tied distances are accepted together: take the counts at the last of them.
        last = ops.searchsorted(d, d, side="right") - 1
        start = ops.zeros((1,), dtype=d.dtype)
        tpr, fpr = (
            ops.concatenate([start, ops.take(ops.cumsum(x), last) / ops.sum(x)])
            for x in (same, different)
        )
        # Linear interpolation between the points around fpr = 1 - tpr, as in `eer`.
        difference = fpr + tpr - 1.0
        i = ops.argmax(ops.cast(difference >= 0, "int32"))
        before, after = ops.take(difference, i - 1), ops.take(difference, i)
        low, high = ops.take(fpr, i - 1), ops.take(fpr, i)
        return low - before / (after - before) * (high - low)

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        config = super().get_config()
        return {**config, "distance": self.distance, "capacity": self.capacity}
