"""What the networks have in common: a quiet `fit`."""

import keras

from .. import callbacks as our_callbacks


class Trained(keras.Model):
    """A model whose `fit` shows one bar rather than one for each epoch."""

    def fit(self, x=None, y=None, *, verbose="auto", callbacks=None, **kwargs):
        """Train; see `keras.Model.fit`.

        Parameters
        ----------
        x : keras.utils.PyDataset, or anything that Keras takes
            Batches of `siamlab.sampling`, for one, or inputs.
        y : array, optional
            Labels, where `x` has none.
        verbose : "auto", 0, 1 or 2
            "auto" is one bar for the whole training; the others are Keras' own.
        callbacks : list of keras.callbacks.Callback, optional
            As for `keras.Model.fit`.
        **kwargs
            As for `keras.Model.fit`.

        Returns
        -------
        keras.callbacks.History
            Figures by epoch.
        """
        if verbose == "auto":
            verbose, callbacks = 0, [*(callbacks or []), our_callbacks.Progress()]
        return super().fit(x, y, verbose=verbose, callbacks=callbacks, **kwargs)
