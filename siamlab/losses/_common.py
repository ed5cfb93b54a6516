"""Shared code of the losses: configuration, shape checks, pairs of a batch."""

import keras
from keras import ops

from ..errors import ArgumentError


class ConfiguredLoss(keras.losses.Loss):
    """A loss whose settings are saved: attributes with the names in `_settings`.

    By default, there is no reduction, because `call` returns one number.
    """

    _settings: tuple[str, ...] = ()

    def __init__(self, *, reduction=None, **kwargs):
        super().__init__(reduction=reduction, **kwargs)

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        settings = {name: getattr(self, name) for name in self._settings}
        return {**super().get_config(), **settings}


def positive(name, value, hint):
    """Return a setting as a float, which must be positive."""
    if not value > 0:
        raise ArgumentError(f"{name} must be positive; got {value}. {hint}")
    return float(value)


def check_batch(speaker_ids, outputs):
    """Refuse shapes that would broadcast (docs/doctor.md#s1)."""
    if not _fit(speaker_ids, outputs):
        raise ArgumentError(
            "there must be outputs of shape (batch, units) and one speaker id per row, "
            "of shape (batch,) or (batch, 1); got outputs of shape "
            f"{tuple(outputs.shape)} and ids of shape {tuple(speaker_ids.shape)}"
        )


def check_pairs(same, distances):
    """Refuse shapes that would broadcast (docs/doctor.md#s1), and embeddings."""
    # A divergence has a distance in each direction, two columns.
    if not _fit(same, distances) or (distances.shape[1] or 1) > 2:
        raise ArgumentError(
            "there must be distances of shape (batch, 1), or (batch, 2) for two "
            "directions, and labels of shape (batch,) or (batch, 1), where 1 is the "
            f"same speaker; got distances of shape {tuple(distances.shape)} and labels "
            f"of shape {tuple(same.shape)}. For embeddings, use a loss of all pairs of "
            'a batch, or EER("cosine")'
        )


def _fit(labels, rows):
    """Return whether there is one label per row of a matrix."""
    labels, rows = tuple(labels.shape), tuple(rows.shape)
    if len(rows) != 2 or not labels or labels[1:] not in ((), (1,)):
        return False
    return len({labels[0], rows[0]} - {None}) <= 1


def pair_masks(speaker_ids):
    """Masks (batch, batch) of the same-speaker and the different-speaker pairs.

    Both orders of a pair count; no row is paired with itself.
    """
    ids = ops.reshape(speaker_ids, (-1,))
    same = ops.equal(ids[:, None], ids[None, :])
    diagonal = ops.cast(ops.eye(ops.shape(ids)[0]), "bool")
    return ops.logical_and(same, ops.logical_not(diagonal)), ops.logical_not(same)


def masked_mean(values, mask):
    """Mean over a mask; 0 if the mask is empty."""
    mask = ops.cast(mask, values.dtype)
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)
