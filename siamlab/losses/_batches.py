"""What the losses have in common: their settings, and the pairs of a batch."""

import keras
from keras import ops

from ..errors import ArgumentError


class Configured(keras.losses.Loss):
    """A loss whose settings are attributes of the same names."""

    _settings: tuple[str, ...] = ()

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        settings = {name: getattr(self, name) for name in self._settings}
        return {**super().get_config(), **settings}


def check(speaker_ids, outputs):
    """Refuse shapes that would broadcast, or fail far from here (FAULTS S1)."""
    ids, rows = tuple(speaker_ids.shape), tuple(outputs.shape)
    column = len(ids) > 0 and ids[1:] in ((), (1,))
    if not column or len(rows) != 2 or len({ids[0], rows[0]} - {None}) > 1:
        raise ArgumentError(
            "a loss takes outputs of shape (batch, units) and one speaker id for "
            "each row, of shape (batch,) or (batch, 1); got outputs of shape "
            f"{rows} and ids of shape {ids}"
        )


def pairs(speaker_ids):
    """Masks (batch, batch) of the ordered pairs: same speaker, and different."""
    ids = ops.reshape(speaker_ids, (-1,))
    same = ops.equal(ids[:, None], ids[None, :])
    itself = ops.cast(ops.eye(ops.shape(ids)[0]), "bool")
    return ops.logical_and(same, ops.logical_not(itself)), ops.logical_not(same)


def mean(values, mask):
    """Mean over a mask, 0 where the mask is empty."""
    mask = ops.cast(mask, values.dtype)
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)
