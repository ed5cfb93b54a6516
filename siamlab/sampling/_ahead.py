"""Batches that are drawn while the network computes."""

import keras


class DrawnAhead(keras.utils.PyDataset):
    """A data set that draws a few batches ahead, in threads of its own.

    With one worker Keras draws a batch under JAX and PyTorch when it is needed, and
    leaves it to tf.data under TensorFlow. There a thread that tunes the data set often
    sleeps on when an epoch is over, and the training waits for it: as long again as
    the epoch took, at worst (benchmarks/README.md).
    """

    def __init__(self, workers=2, max_queue_size=4, **kwargs):
        super().__init__(workers=workers, max_queue_size=max_queue_size, **kwargs)
