"""A callback that records what a phone recognizer outputs during training."""

import keras


class LogitRecorder(keras.callbacks.Callback):
    """Record the logits of some utterances before training and after each epoch.

    `labs.CTCLab` shows them.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        A few utterances outside the training set, shape (time, n_bins) each.

    Attributes
    ----------
    logits : list of list of numpy.ndarray
        Logits of each epoch (epoch 0 is before training) and each utterance, shape
        (output frames, symbols). A second call to ``fit`` appends to the list.

    Examples
    --------
    >>> import numpy as np, siamlab as sl
    >>> x = [np.zeros((9, 4)), np.ones((7, 4))]
    >>> net = sl.networks.ctc_blstm(sl.ctc.Vocabulary(("a",)), n_bins=4, units=(2,))
    >>> net.compile("adam")
    >>> recorder = LogitRecorder(x)
    >>> batches = sl.sampling.UtteranceBatches(x, [[0], [0]])
    >>> history = net.fit(batches, epochs=2, verbose=0, callbacks=[recorder])
    >>> [epoch[0].shape for epoch in recorder.logits]
    [(9, 2), (9, 2), (9, 2)]
    """

    def __init__(self, features):
        super().__init__()
        self.features = features
        self.logits = []

    def on_train_begin(self, logs=None):
        """Record the logits of the untrained network.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        if not self.logits:
            self.logits.append(self.model.logits(self.features))

    def on_epoch_end(self, epoch, logs=None):
        """Record the logits after an epoch.

        Parameters
        ----------
        epoch : int
            Not used.
        logs : dict, optional
            Not used.
        """
        self.logits.append(self.model.logits(self.features))
