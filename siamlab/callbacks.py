"""Keras callbacks.

- `Progress`: one bar for the whole training, in place of one for each epoch.
"""

import keras

from .progress import track

__all__ = ["Progress"]


class Progress(keras.callbacks.Callback):
    """One bar over all steps of a training, with the last epoch's figures.

    It behaves in JupyterLab, in a terminal and in a log file; see `progress`.

    Examples
    --------
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> import numpy as np
    >>> x = np.zeros((8, 2))
    >>> history = model.fit(x, x[:, :1], verbose=0, callbacks=[Progress()])
    """

    def on_train_begin(self, logs=None):
        """Open the bar.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        total = steps * epochs if steps and epochs else None
        self._bar = track((), total=total, description="training", unit="step")

    def on_epoch_begin(self, epoch, logs=None):
        """Count the epochs of an earlier training as done.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Not used.
        """
        done = epoch * (self.params.get("steps") or 0)
        if self._bar.n < done:  # fit was called with an initial_epoch
            self._bar.initial = self._bar.n = done

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar.

        Parameters
        ----------
        batch : int
            Not used.
        logs : dict, optional
            Not used.
        """
        self._bar.update(1)

    def on_epoch_end(self, epoch, logs=None):
        """Show the figures of the epoch.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Figure by name.
        """
        figures = {name: f"{float(value):.3g}" for name, value in (logs or {}).items()}
        self._bar.set_postfix(epoch=epoch + 1, **figures)

    def on_train_end(self, logs=None):
        """Close the bar.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        self._bar.close()
