"""Networks that recognize phones with CTC."""

import dataclasses

import keras
import numpy as np
from keras import ops

from .. import layers as our_layers
from .. import sampling
from ..ctc import Vocabulary, beam_decode, greedy_decode
from ..errors import ArgumentError
from ._encoder_model import EncoderModel


@keras.saving.register_keras_serializable(package="siamlab")
class CTCNet(EncoderModel):
    """A phone recognizer with the CTC loss; see `ctc_blstm`.

    The loss is part of the model: pass only an optimizer to ``compile``. The lengths
    that CTC needs are computed from "frames" and from the labels, so they cannot be
    wrong (docs/doctor.md#c9, docs/doctor.md#c14).

    Parameters
    ----------
    encoder : keras.Model
        {"spectrogram": (batch, time, n_bins), "frames": (batch,)} -> logits (batch,
        time / stride, symbols).
    vocabulary : ctc.Vocabulary
        Vocabulary with a blank.
    stride : int
        Number of input frames per output frame.
    **kwargs
        As for `keras.Model`.
    """

    def __init__(self, encoder, vocabulary, stride=1, **kwargs):
        super().__init__(encoder, **kwargs)
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(**vocabulary)  # from a saved configuration
        self.vocabulary = vocabulary
        self.stride = stride

    def output_frames(self, frames):
        """Return the number of output frames.

        Parameters
        ----------
        frames : int or array of int
            Number of frames of the spectrogram.

        Returns
        -------
        int or array of int
            ``frames / stride``, rounded up.
        """
        return -(-frames // self.stride)

    def logits(self, features, batch_size=16):
        """Compute the outputs for whole utterances.

        Parameters
        ----------
        features : Features or sequence of numpy.ndarray
            Shape (time, n_bins) each.
        batch_size : int
            Utterances per batch. All are padded to the length of the longest.

        Returns
        -------
        list of numpy.ndarray
            Shape (output frames, symbols) each, without padding.
        """
        found = []
        longest = -(-max(len(array) for array in features) // 50) * 50
        for first in range(0, len(features), batch_size):
            rows = range(first, min(first + batch_size, len(features)))
            arrays = [features[row] for row in rows]
            # All batches have one shape, so that Keras compiles once.
            filled = arrays + [arrays[-1]] * (batch_size - len(arrays))
            padded, frames = sampling.pad(filled, length=longest)
            y = self.predict_on_batch({"spectrogram": padded, "frames": frames})
            for output, array in zip(np.asarray(y), arrays, strict=False):
                found.append(output[: self.output_frames(len(array))])
        return found

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        vocabulary = dataclasses.asdict(self.vocabulary)
        config = super().get_config()
        return {**config, "vocabulary": vocabulary, "stride": self.stride}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Compute the CTC loss, averaged over the batch (Graves et al., 2006).

        Parameters
        ----------
        x : dict of tensor
            "spectrogram" and "frames".
        y : tensor
            Labels, shape (batch, labels), padded with -1.
        y_pred : tensor
            Logits, shape (batch, time / stride, symbols).
        sample_weight : tensor, optional
            Shape (batch,).
        training : bool
            Not used.

        Returns
        -------
        tensor
            A scalar, in nats per utterance.
        """
        y = ops.cast(y, "int32")
        costs = ops.ctc_loss(
            # Padding is not read, but must be a valid label.
            target=ops.where(y >= 0, y, 0),
            output=ops.cast(y_pred, "float32"),
            target_length=ops.sum(ops.cast(y >= 0, "int32"), axis=-1),
            output_length=self.output_frames(ops.cast(x["frames"], "int32")),
            mask_index=self.vocabulary.blank,
        )
        if sample_weight is not None:
            costs = costs * ops.cast(sample_weight, costs.dtype)
        return ops.mean(costs)

    def transcribe(self, features, width=None):
        """Recognize the phones of utterances.

        Parameters
        ----------
        features : Features or sequence of numpy.ndarray
            Shape (time, n_bins) each.
        width : int, optional
            Beam width for `ctc.beam_decode`; by default, `ctc.greedy_decode` is used.

        Returns
        -------
        list of list of str
            Symbols of each utterance.
        """
        blank = self.vocabulary.blank
        outputs = self.logits(features)
        if width is None:
            labels = [greedy_decode(y, blank) for y in outputs]
        else:
            labels = [beam_decode(y, blank, width) for y in outputs]
        return [self.vocabulary.decode(each) for each in labels]


def ctc_blstm(
    vocabulary,
    n_bins=128,
    units=(100, 100, 150),
    scaler=None,
    stride=1,
    dropout=0.0,
    name="ctc",
):
    """Build a CTC phone recognizer with bidirectional LSTMs.

    Parameters
    ----------
    vocabulary : ctc.Vocabulary
        Vocabulary with a blank.
    n_bins : int
        Number of bins or mel bands of the spectrogram.
    units : sequence of int
        Units of each bidirectional LSTM, in each direction.
    scaler : StandardScaler, MinMaxScaler or AffineScaler, optional
        Fitted scaler, which becomes the first layer. Without it, the spectrogram is
        not scaled.
    stride : int
        Subsampling factor after the first LSTM: every `stride`-th frame is kept.
    dropout : float
        Dropout rate after each LSTM.
    name : str
        Name of the encoder.

    Returns
    -------
    CTCNet
        Not compiled; call ``net.compile("adam")``. The loss is part of the model.

    Raises
    ------
    ArgumentError
        If the vocabulary has no blank, or a number is out of range.

    Examples
    --------
    >>> net = ctc_blstm(Vocabulary(("a", "b")), n_bins=8, units=(4,))
    >>> x = {"spectrogram": np.zeros((2, 9, 8)), "frames": np.array([9, 5])}
    >>> net(x).shape
    TensorShape([2, 9, 3])
    """
    if vocabulary.blank is None:
        raise ArgumentError("CTC needs a vocabulary with a blank; got blank=None")
    encoder = _encoder(len(vocabulary), n_bins, units, scaler, stride, dropout, name)
    return CTCNet(encoder, vocabulary, stride)


def _encoder(n_outputs, n_bins, units, scaler, stride, dropout, name):
    """Build LSTMs that map padded spectrograms and their lengths to logits."""
    if not units:
        raise ArgumentError("units must contain a number for each LSTM; got none")
    if stride < 1:
        raise ArgumentError(f"stride must be at least 1; got {stride}")
    layers = keras.layers
    spectrogram = keras.Input((None, n_bins), name="spectrogram")
    frames = keras.Input((), dtype="int32", name="frames")
    mask = our_layers.SequenceMask(name="sequence_mask")(spectrogram, frames)
    x = spectrogram
    if scaler is not None:
        x = our_layers.Scale.from_scaler(scaler, name="scale")(x)
    for i, n in enumerate(units, start=1):
        lstm = layers.LSTM(n, return_sequences=True)
        x = layers.Bidirectional(lstm, name=f"blstm_{i}")(x, mask=mask)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{i}")(x)
        if i == 1 and stride > 1:
            x = our_layers.TemporalSubsampling(stride, name="subsampling")(x)
            mask = our_layers.TemporalSubsampling(stride, name="subsampling_mask")(mask)
    # Losses need float32, also under mixed precision.
    logits = layers.Dense(n_outputs, dtype="float32", name="logits")(x)
    inputs = {"spectrogram": spectrogram, "frames": frames}
    return keras.Model(inputs, logits, name=name)
