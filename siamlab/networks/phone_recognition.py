"""Networks of phones: one label for each frame, or CTC."""

import keras
import numpy as np
from keras import ops

from .. import layers as our_layers
from .. import sampling
from ..ctc import Vocabulary, beam_decode, greedy_decode
from ..errors import ArgumentError
from ._encoder_model import EncoderModel

__all__ = ["CTCNet", "FramewiseNet", "ctc_blstm", "framewise_blstm"]


def _encoder(outputs, bands, units, scaler, stride, dropout, name):
    """BLSTMs from a padded spectrogram and its length to logits for each frame."""
    if not units:
        raise ArgumentError("units must name at least one BLSTM; got none")
    if stride < 1:
        raise ArgumentError(f"stride must be at least 1; got {stride}")
    layers = keras.layers
    spectrogram = keras.Input((None, bands), name="spectrogram")
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
    logits = layers.Dense(outputs, dtype="float32", name="logits")(x)
    inputs = {"spectrogram": spectrogram, "frames": frames}
    return keras.Model(inputs, logits, name=name)


class _PhoneNet(EncoderModel):
    """An encoder, the symbols that its outputs stand for, and how it is saved."""

    def __init__(self, encoder, vocabulary, stride=1, **kwargs):
        super().__init__(encoder, **kwargs)
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(**vocabulary)  # from a saved configuration
        self.vocabulary = vocabulary
        self.stride = stride

    def output_frames(self, frames):
        """Say how many outputs so many frames give.

        Parameters
        ----------
        frames : int or array of int
            Frames of the spectrogram.

        Returns
        -------
        int or array of int
            Frames divided by the stride, rounded up.
        """
        return -(-frames // self.stride)

    def logits(self, features, batch_size=16):
        """Compute the outputs for whole utterances.

        Parameters
        ----------
        features : Features or sequence of numpy.ndarray
            Shape (frames, bands) each.
        batch_size : int
            Utterances at a time; they are padded to the longest of all.

        Returns
        -------
        list of numpy.ndarray
            Shape (outputs frames, outputs) each, without padding.
        """
        found: list = [None] * len(features)
        longest = -(-max(len(array) for array in features) // 50) * 50
        for first in range(0, len(found), batch_size):
            rows = range(first, min(first + batch_size, len(found)))
            arrays = [features[row] for row in rows]
            # One shape, so one compilation: full batches, as long as the longest.
            arrays += [arrays[-1]] * (batch_size - len(rows))
            padded, frames = sampling.pad(arrays, length=longest)
            y = self.predict_on_batch({"spectrogram": padded, "frames": frames})
            for row, length, out in zip(rows, frames, np.asarray(y), strict=False):
                found[row] = out[: self.output_frames(length)]
        return found

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {
            **super().get_config(),
            "vocabulary": {
                "symbols": list(self.vocabulary.symbols),
                "blank": self.vocabulary.blank,
            },
            "stride": self.stride,
        }


@keras.saving.register_keras_serializable(package="siamlab")
class CTCNet(_PhoneNet):
    """A network of phones that is trained with CTC; made by `ctc`.

    Its loss takes each utterance's true lengths, computed from "frames" and from
    the labels that are not padding, so that there are none to get wrong (FAULTS
    C9, C10, C14).

    Parameters
    ----------
    encoder : keras.Model
        "spectrogram" and "frames" -> logits.
    symbols : ctc.Vocabulary
        With a blank.
    stride : int
        Frames per output.
    **kwargs
        As for `keras.Model`.
    """

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
            Logits, shape (batch, frames / stride, outputs).
        sample_weight : tensor, optional
            Shape (batch,).
        training : bool
            Not used.

        Returns
        -------
        tensor
            One number, in nats per utterance.
        """
        y = ops.cast(y, "int32")
        spoken = ops.sum(ops.cast(y >= 0, "int32"), axis=-1)
        each = ops.ctc_loss(
            # What pads them is not read; it has to be a label all the same.
            target=ops.where(y >= 0, y, 0),
            output=ops.cast(y_pred, "float32"),
            target_length=spoken,
            output_length=self.output_frames(ops.cast(x["frames"], "int32")),
            mask_index=self.vocabulary.blank,
        )
        if sample_weight is not None:
            each = each * ops.cast(sample_weight, each.dtype)
        return ops.mean(each)

    def transcribe(self, features, width=None):
        """Write down what is said.

        Parameters
        ----------
        features : Features or sequence of numpy.ndarray
            Shape (frames, bands) each.
        width : int, optional
            Of a beam search; by default the best path is taken.

        Returns
        -------
        list of list of str
            Symbols of each utterance.
        """
        blank = self.vocabulary.blank
        return [
            self.vocabulary.decode(
                greedy_decode(y, blank)
                if width is None
                else beam_decode(y, blank, width)
            )
            for y in self.logits(features)
        ]


@keras.saving.register_keras_serializable(package="siamlab")
class FramewiseNet(_PhoneNet):
    """A network that names the phone of each frame; made by `framewise`.

    Frames labeled -1, padding and what nobody labeled, do not count (FAULTS C22).

    Parameters
    ----------
    encoder : keras.Model
        "spectrogram" and "frames" -> logits.
    symbols : ctc.Vocabulary
        Without a blank.
    stride : int
        Frames per output.
    **kwargs
        As for `keras.Model`.
    """

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Compute the cross-entropy, averaged over the labeled frames.

        Parameters
        ----------
        x : dict of tensor
            "spectrogram" and "frames".
        y : tensor
            Labels, shape (batch, frames / stride), -1 where there is none.
        y_pred : tensor
            Logits, shape (batch, frames / stride, outputs).
        sample_weight : tensor, optional
            Shape (batch,).
        training : bool
            Not used.

        Returns
        -------
        tensor
            One number, in nats per frame.
        """
        y = ops.cast(y, "int32")
        counts = ops.cast(y >= 0, "float32")
        if sample_weight is not None:
            counts = counts * ops.cast(sample_weight, "float32")[:, None]
        each = ops.sparse_categorical_crossentropy(
            ops.where(y >= 0, y, 0), ops.cast(y_pred, "float32"), from_logits=True
        )
        return ops.sum(each * counts) / ops.maximum(ops.sum(counts), 1.0)

    def accuracy(self, features, labels):
        """Say how many of the labeled frames are named rightly.

        Parameters
        ----------
        features : Features or sequence of numpy.ndarray
            Shape (frames, bands) each.
        labels : sequence of numpy.ndarray
            Shape (frames,) each, -1 where there is none.

        Returns
        -------
        float
            From 0 to 1.
        """
        right = total = 0
        for logits, truth in zip(self.logits(features), labels, strict=True):
            truth = np.asarray(truth)[:: self.stride]
            known = truth >= 0
            right += int(np.sum(np.argmax(logits, axis=-1)[known] == truth[known]))
            total += int(np.sum(known))
        if not total:
            raise ArgumentError("no frame is labeled: all labels are -1")
        return right / total


def ctc_blstm(
    vocabulary,
    n_bins=128,
    units=(100, 100, 150),
    scaler=None,
    stride=1,
    dropout=0.0,
    name="ctc",
):
    """Build the second source program's network: BLSTMs with CTC.

    Parameters
    ----------
    vocabulary : ctc.Vocabulary
        With a blank.
    n_bins : int
        Bands of the spectrogram.
    units : sequence of int
        Of each BLSTM, in each direction.
    scaler : scaling.StandardScaler or scaling.MinMaxScaler, optional
        Fitted; becomes the first layer. Without one the network sees what it is
        given.
    stride : int
        Only every n-th output of the first BLSTM goes on.
    dropout : float
        Share of the outputs of each BLSTM that are dropped in training.
    name : str
        Of the encoder.

    Returns
    -------
    CTCNet
        Not compiled: ``net.compile("adam")``. The loss is part of the model.

    Raises
    ------
    ArgumentError
        If the symbols have no blank, or a number is out of range.

    Examples
    --------
    >>> net = ctc_blstm(Vocabulary(("a", "b")), n_bins=8, units=(4,))
    >>> x = {"spectrogram": np.zeros((2, 9, 8)), "frames": np.array([9, 5])}
    >>> net(x).shape
    TensorShape([2, 9, 3])
    """
    if vocabulary.blank is None:
        raise ArgumentError("CTC needs symbols with a blank; got blank=None")
    encoder = _encoder(len(vocabulary), n_bins, units, scaler, stride, dropout, name)
    return CTCNet(encoder, vocabulary, stride)


def framewise_blstm(
    vocabulary,
    n_bins=128,
    units=(100, 100, 150),
    scaler=None,
    stride=1,
    dropout=0.0,
    name="framewise",
):
    """Build a network that names the phone of each frame.

    Parameters
    ----------
    vocabulary : ctc.Vocabulary
        Without a blank (``blank=None``).
    bands, units, scaler, stride, dropout, name
        As for `ctc`.

    Returns
    -------
    FramewiseNet
        Not compiled: ``net.compile("adam")``. The loss is part of the model.

    Raises
    ------
    ArgumentError
        If the symbols have a blank, or a number is out of range.

    Examples
    --------
    >>> vocabulary = Vocabulary(("a", "b"), blank=None)
    >>> net = framewise_blstm(vocabulary, n_bins=8, units=(4,))
    >>> x = {"spectrogram": np.zeros((2, 9, 8)), "frames": np.array([9, 5])}
    >>> net(x).shape
    TensorShape([2, 9, 2])
    """
    if vocabulary.blank is not None:
        raise ArgumentError(
            "a framewise network has no blank; make its symbols with blank=None"
        )
    encoder = _encoder(len(vocabulary), n_bins, units, scaler, stride, dropout, name)
    return FramewiseNet(encoder, vocabulary, stride)
