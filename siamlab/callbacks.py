"""Keras callbacks.

- `Outputs`: what a network of phones says to some utterances, epoch by epoch.
- `Progress`: one bar for the whole training, in place of one for each epoch.
"""

import keras

from ._progress import progress_bar

__all__ = ["Outputs", "Progress"]


class Outputs(keras.callbacks.Callback):
    """Keep what a network of phones says to some utterances, epoch by epoch.

    For `labs.CTCLab`, and for all that is asked of a training when it is over.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        Shape (frames, bands) each; few, and none that is trained on.

    Attributes
    ----------
    logits : list of list of numpy.ndarray
        By epoch, 0 before training; by utterance; shape (frames, outputs) each. A
        second `fit` goes on where the first one ended.

    Examples
    --------
    >>> import numpy as np, siamlab as sl
    >>> x = [np.zeros((9, 4)), np.ones((7, 4))]
    >>> net = sl.networks.ctc_blstm(sl.ctc.Vocabulary(("a",)), n_bins=4, units=(2,))
    >>> net.compile("adam")
    >>> outputs = Outputs(x)
    >>> batches = sl.sampling.UtteranceBatches(x, [[0], [0]])
    >>> history = net.fit(batches, epochs=2, verbose=0, callbacks=[outputs])
    >>> [epoch[0].shape for epoch in outputs.logits]
    [(9, 2), (9, 2), (9, 2)]
    """

    def __init__(self, features):
        super().__init__()
        self.features = features
        self.logits = []

    def on_train_begin(self, logs=None):
        """Listen before the first step.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        if not self.logits:
            self._listen()

    def on_epoch_end(self, epoch, logs=None):
        """Listen after the epoch.

        Parameters
        ----------
        epoch : int
            Not used.
        logs : dict, optional
            Not used.
        """
        self._listen()

    def _listen(self):
        self.logits.append(self.model.logits(self.features))


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
        self._bar = progress_bar((), total=total, description="training", unit="step")

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
        self._before = self._bar.n

    def on_train_batch_begin(self, batch, logs=None):
        """Move the bar to the steps that are done.

        With `on_train_batch_end` Keras would fetch the figures of each step, and a GPU
        would stand still meanwhile.

        Parameters
        ----------
        batch : int
            From 0 in each epoch.
        logs : dict, optional
            Not used.
        """
        self._batch = batch
        self._move_to(self._before + batch)

    def on_epoch_end(self, epoch, logs=None):
        """Show the figures of the epoch.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Figure by name.
        """
        steps = self._batch + self.model.steps_per_execution
        steps = min(steps, self.params.get("steps") or steps)
        self._move_to(self._before + steps)
        figures = {name: f"{float(value):.3g}" for name, value in (logs or {}).items()}
        self._bar.set_postfix(epoch=epoch + 1, **figures)

    def _move_to(self, done):
        if done > self._bar.n:
            self._bar.update(done - self._bar.n)

    def on_train_end(self, logs=None):
        """Close the bar.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        self._bar.close()
