"""The CTC network of Stack Overflow question 53643790, as it was posted.

"CTC model does not learn" (December 2018, Keras 2). Sentences of German are to be
transcribed as phones. The loss falls, then rises again, and every sentence is decoded
to the same few symbols. Where the post names a function, the name is kept, and so are
the sizes and the order; the code is ours, for Keras 3.

What was seen: the loss falls from 2,000 to 180 within a dozen epochs of 80 sentences,
and then rises to 430; every sentence is decoded to about ``[nh``. A framewise network
was right at 80 % of the frames of the training set and half of the others. The
transcriptions are in IPA, with ``[`` and ``]`` for the pauses at both ends.

Trained with batches of one sentence, this program does the same: the loss stalls, then
rises to twice its level for some epochs. With batches of eight it only stalls.

What the post does not say, and what stands here instead:

- Sampling rate, window and hop: from the author's public code, which has 513 or 1,025
  frequency bins; here there are 513.
- The natural logarithm of the magnitude plus 1e-8: from the same code. A Hann window,
  magnitudes divided by its sum, and frames that begin at the first sample: assumed.
- Categorical cross-entropy for the framewise network: assumed.
- The batch size: assumed. Only batches of one sentence, ``Batches(..., batch_size=1)``,
  give the curve of the post.
- Lengths: the true ones. `UtteranceBatches` pads to an even or an odd number of frames,
  so one frame of zeros is possible even in a batch of one sentence.

What differs from the post:

- `ctc_batch_cost` is written with `keras.ops`, because `keras.backend` of Keras 3 has
  no such function.
- ``decay=1e-6`` is a schedule now: the same formula, evaluated at each step.
- ``clipnorm=5`` is ``global_clipnorm=5.0`` now. Keras 2 clipped the norm of all
  gradients together; today's ``clipnorm`` clips each weight by itself.
- The gates are sigmoids. The default of Keras 2.2.4 was a hard sigmoid, which is
  exactly 0 or 1 beyond 2.5.

The accepted answer scales each spectrogram to the range from -1 to 1, as
``siamlab.scaling.MinMaxScaler(per="utterance")`` does.

Notebook: 04_ctc_that_does_not_learn.
"""

import keras
import numpy as np
from keras import layers, ops

from ..features import Spectrogram
from ..sampling import UtteranceBatches
from ..scaling import AffineScaler

UNITS = 100, 100, 150


def log_magnitudes(sr=44100, window=0.005, hop=0.003):
    """Return the settings of the posted spectrogram, and its scale.

    The values are ``log(max(abs(stft), 1e-8))``, with the sum of the window divided
    out: from about -18 to 0. The author's code adds 1e-8 instead, which differs only
    near the lowest value.

    Parameters
    ----------
    sr : int
        Sampling rate in hertz.
    window, hop : float
        Length of the window and distance between frames, in seconds.

    Returns
    -------
    spectrogram : Spectrogram
        513 bins, in dB, for `siamlab.extract`.
    scaler : scaling.AffineScaler
        Converts decibels to natural logarithms of the magnitude.
    """
    win_length, hop_length = round(window * sr), round(hop * sr)
    # A full-scale sine wave has a magnitude of half the sum of the window.
    gain_db = 20 * np.log10(np.hanning(win_length + 1).sum())
    spectrogram = Spectrogram(
        sr=sr,
        n_fft=1024,
        win_length=win_length,
        hop_length=hop_length,
        n_mels=None,
        floor_db=gain_db - 160,
    )
    return spectrogram, AffineScaler(gain_db, 20 / np.log(10))


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """Compute the CTC loss of each sentence, with the arguments that Keras 2 had.

    Parameters
    ----------
    y_true : tensor of int
        Labels, shape (batch, labels).
    y_pred : tensor
        Probabilities of the symbols and, last, of the blank, shape (batch, time,
        symbols + 1).
    input_length, label_length : tensor of int
        Number of frames and of labels of each sentence, shape (batch, 1).

    Returns
    -------
    tensor
        In nats, shape (batch, 1).
    """
    # The logarithm of a softmax is as good as its logits.
    logits = ops.log(y_pred + keras.backend.epsilon())
    costs = ops.ctc_loss(
        target=ops.cast(y_true, "int32"),
        output=logits,
        target_length=ops.cast(label_length[:, 0], "int32"),
        output_length=ops.cast(input_length[:, 0], "int32"),
        mask_index=y_pred.shape[-1] - 1,
    )
    return costs[:, None]


def ctc_lambda_func(args):
    """Unpack the inputs of the `Lambda` layer "ctc".

    Parameters
    ----------
    args : sequence of tensor
        Outputs, labels, number of frames, number of labels; see `ctc_batch_cost`.

    Returns
    -------
    tensor
        Shape (batch, 1).
    """
    y_pred, labels, input_length, label_length = args
    return ctc_batch_cost(labels, y_pred, input_length, label_length)


def build_network(n_bins, n_outputs, units=UNITS):
    """Build the recurrent network: one distribution over the symbols per frame.

    Parameters
    ----------
    n_bins : int
        Frequency bins of the spectrogram.
    n_outputs : int
        Number of phones; with CTC, plus 1 for the blank.
    units : sequence of int
        Units of each LSTM, in each direction.

    Returns
    -------
    keras.Model
        (batch, time, n_bins) -> (batch, time, n_outputs). Trained frame by frame, with
        "sparse_categorical_crossentropy", it is the posted network that learns.
    """
    x = spectrogram = keras.Input((None, n_bins), name="spectrogram")
    for number, n_units in enumerate(units, start=1):
        lstm = layers.LSTM(n_units, return_sequences=True, dropout=0.1)
        both = layers.Bidirectional(lstm, merge_mode=None, name=f"blstm_{number}")(x)
        x = layers.Concatenate()(both)
    y_pred = layers.Dense(n_outputs, activation="softmax", name="softmax")(x)
    return keras.Model(spectrogram, y_pred, name="network")


def sgd():
    """Return the posted optimizer.

    Returns
    -------
    keras.optimizers.Optimizer
        ``SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True, clipnorm=5)``.
    """
    learning_rate = keras.optimizers.schedules.InverseTimeDecay(0.02, 1, 1e-6)
    return keras.optimizers.SGD(
        learning_rate, momentum=0.9, nesterov=True, global_clipnorm=5.0
    )


def build_model(network):
    """Add the CTC loss to the network, and compile it.

    Parameters
    ----------
    network : keras.Model
        The result of `build_network`.

    Returns
    -------
    keras.Model
        Four inputs -> the loss of each sentence, shape (batch, 1).
    """
    labels = keras.Input((None,), name="labels")
    input_length = keras.Input((1,), name="input_length")
    label_length = keras.Input((1,), name="label_length")
    loss_out = layers.Lambda(ctc_lambda_func, output_shape=(1,), name="ctc")(
        [network.output, labels, input_length, label_length]
    )
    inputs = [network.input, labels, input_length, label_length]
    model = keras.Model(inputs, loss_out)
    model.compile(loss={"ctc": lambda y_true, y_pred: y_pred}, optimizer=sgd())
    return model


class Batches(UtteranceBatches):
    """Batches of the four inputs of `build_model`.

    Spectrograms are padded with zeros, as in the accepted answer. In logarithmic
    magnitudes, zero is louder than all speech.

    Parameters
    ----------
    features, labels, batch_size, shuffle, seed
        As for `sampling.UtteranceBatches`.
    """

    _padding = 0.0

    def __getitem__(self, index):
        """Return a dictionary with the four inputs, and targets that are not used."""
        x, labels = super().__getitem__(index)
        inputs = {
            "spectrogram": x["spectrogram"],
            "labels": np.maximum(labels, 0),
            "input_length": x["frames"][:, None],
            "label_length": np.sum(labels >= 0, axis=1, keepdims=True),
        }
        return inputs, np.zeros((len(labels), 1))
