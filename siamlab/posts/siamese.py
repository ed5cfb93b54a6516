"""The siamese network of Stack Overflow question 53581298, as it was posted.

"Custom combined hinge/kb-divergence loss function in siamese-net fails to generate
meaningful speaker-embeddings" (Keras 2). Its author wrote: "I never get over 0.5
accuracy". Where the post names a function, the name is kept, and so are the sizes and
the order; the code is ours, for Keras 3.

What the post does not say, and what stands here instead:

- 128 units in each LSTM, dropout rates of 0.5 and 0.25, a learning rate of 0.001, and
  batches of 128 pairs: from the author's public code.
- 128 units in each of the dense layers: assumed. The post gives the size of the last.
- A sampling rate of 16 kHz, and Keras 2.2.4 on TensorFlow 1.11: from the author's
  public code. The post has recordings of VoxCeleb; the notebooks use `corpora.voices`,
  and `benchmarks/ladder.py` uses speechocean762.
- The name of the argument `mode`, and "train" as its default: assumed.
- Mel spectrograms in dB, and batches of which one half are same-speaker pairs: assumed.
- How the trained weights reach the extractor: the post does not show it. An extractor
  that is built again has new random weights (docs/doctor.md#s19). The post clusters the
  result of `speaker_embedding`; clustering is not part of this module.

What differs from the post:

- `LSTM` stands for both ``CuDNNLSTM`` and ``LSTM``: Keras 3 uses cuDNN by itself. Its
  gates are sigmoids, as in ``CuDNNLSTM``; the default of ``LSTM`` in Keras 2.2.4 was a
  hard sigmoid.
- The metric is a function, `accuracy`, because Keras 3 gives ``metrics=['accuracy']``
  another meaning for distances of shape (batch,): a categorical accuracy if the batch
  size is fixed, and a TypeError if it is not (Keras 3.15 on TensorFlow).

Read the functions from top to bottom and look for the line that keeps the network from
learning. `siamlab.posts.FIXES` lists what else is wrong,
apart from an extractor with new random weights.

Notebook: 06_never_above_half.
"""

import keras
import numpy as np
from keras import layers, ops

MARGIN = 1.0


def kullback_leibler_divergence(vects):
    """Compute the divergence between the outputs of the two branches.

    Parameters
    ----------
    vects : pair of tensor
        Shape (batch, units) each.

    Returns
    -------
    tensor
        Shape (batch,), although `kullback_leibler_shape` says (batch, 1).
    """
    p, q = vects
    p = ops.clip(p, keras.backend.epsilon(), 1.0)
    q = ops.clip(q, keras.backend.epsilon(), 1.0)
    return ops.sum(p * ops.log(p / q), axis=-1)


def kullback_leibler_shape(shapes):
    """Declare the shape of the divergences.

    Parameters
    ----------
    shapes : pair of tuple
        Shapes of the outputs of the two branches.

    Returns
    -------
    tuple
        (batch, 1).
    """
    shape1, _ = shapes
    return shape1[0], 1


def kb_hinge_loss(y_true, y_pred):
    """Add the divergences of same-speaker pairs and a hinge for the others.

    Parameters
    ----------
    y_true : tensor
        1 for the same speaker, 0 for different speakers, shape (batch, 1).
    y_pred : tensor
        Divergences, shape (batch,).

    Returns
    -------
    tensor
        Shape (batch, batch): every label is combined with every divergence.
    """
    hinge = ops.mean(ops.maximum(MARGIN - y_pred, 0.0), axis=-1)
    return y_true * y_pred + (1 - y_true) * hinge


def accuracy(y_true, y_pred):
    """Compute what Keras 2 reported for ``metrics=['accuracy']``.

    Parameters
    ----------
    y_true, y_pred : tensor
        As for `kb_hinge_loss`.

    Returns
    -------
    tensor
        Shape (batch,).
    """
    right = ops.equal(y_true, ops.cast(ops.round(y_pred), y_true.dtype))
    return ops.mean(right, axis=-1)


def create_lstm(units, return_sequences=False, name=None):
    """Create a bidirectional LSTM.

    Parameters
    ----------
    units : int
        Units in each direction.
    return_sequences : bool
        Whether the output has one vector per frame, instead of one per segment.
    name : str, optional
        Name of the layer.

    Returns
    -------
    keras.Layer
        (batch, time, features) -> (batch, time, 2 * units) or (batch, 2 * units).
    """
    lstm = layers.LSTM(units, return_sequences=return_sequences)
    return layers.Bidirectional(lstm, name=name)


def build_model(
    mode="train", n_frames=40, n_mels=128, units=128, scale=None, output=None
):
    """Build the network that both branches share.

    Parameters
    ----------
    mode : {"train", "extraction"}
        "extraction" ends after the second LSTM.
    n_frames, n_mels : int
        Shape of a segment.
    units : int
        Units of each LSTM, in each direction.
    scale : keras.Layer, optional
        A layer in front of the first LSTM; the post has none.
    output : keras.Layer, optional
        The last layer; the post has a PReLU.

    Returns
    -------
    keras.Sequential
        (batch, time, mel) -> (batch, 128), or (batch, 2 * units) for extraction.
    """
    model = keras.Sequential(name="base_network")
    model.add(keras.Input((n_frames, n_mels)))
    if scale is not None:
        model.add(scale)
    model.add(create_lstm(units, return_sequences=True, name="blstm_1"))
    model.add(layers.Dropout(0.5))
    model.add(create_lstm(units, name="blstm_2"))
    if mode == "extraction":
        return model

    model.add(layers.Dense(128, name="dense_1"))
    model.add(layers.PReLU())
    model.add(layers.Dropout(0.25))
    model.add(layers.Dense(128, name="dense_2"))
    model.add(layers.PReLU())
    model.add(layers.Dense(128, name="dense_3"))
    model.add(layers.PReLU())
    model.add(layers.Dense(128, name="dense_4"))
    model.add(layers.PReLU(name="output") if output is None else output)
    return model


class Keras2Model(keras.Model):
    """A model whose loss gets the labels and outputs in the shapes that they have.

    Keras 3 gives both the same rank before it calls a loss function. Keras 2 did not:
    it made labels of shape (batch, 1) because `kullback_leibler_shape` says so.
    """

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        """Return the mean of the loss function.

        Parameters
        ----------
        x, sample_weight, training
            Not used.
        y : tensor
            Labels, shape (batch, 1).
        y_pred : tensor
            Divergences, shape (batch,).

        Returns
        -------
        tensor
            A scalar.
        """
        return ops.mean(self.loss(ops.cast(y, y_pred.dtype), y_pred))


def build_siamese(base_network, keras2=True):
    """Build and compile the siamese network.

    Parameters
    ----------
    base_network : keras.Model
        The result of `build_model`.
    keras2 : bool
        Whether the loss gets labels of shape (batch, 1) and divergences of shape
        (batch,), as in Keras 2. If False, it is compiled as Keras 3 does it: for the
        loss both have shape (batch, 1), so that only the hinge still mixes the pairs of
        a batch; the metric still gets (batch, 1) and (batch,).

    Returns
    -------
    keras.Model
        Two segments, (batch, time, mel) each -> divergences.
    """
    input_a = keras.Input(base_network.input_shape[1:])
    input_b = keras.Input(base_network.input_shape[1:])
    processed_a = base_network(input_a)
    processed_b = base_network(input_b)
    distance = layers.Lambda(
        kullback_leibler_divergence,
        output_shape=kullback_leibler_shape,
        name="distance",
    )([processed_a, processed_b])
    model_type = Keras2Model if keras2 else keras.Model
    model = model_type([input_a, input_b], distance)
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=kb_hinge_loss,
        metrics=[accuracy],
    )
    return model


def speaker_embedding(extractor, segments):
    """Average the outputs of the extractor over the segments of a speaker.

    Parameters
    ----------
    extractor : keras.Model
        The result of ``build_model(mode="extraction")``.
    segments : numpy.ndarray
        Shape (segments, time, mel).

    Returns
    -------
    numpy.ndarray
        Shape (2 * units,).
    """
    return np.mean(extractor.predict_on_batch(segments), axis=0)
