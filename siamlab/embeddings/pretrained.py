"""The pretrained encoder of siamlab, and encoders like it.

- `Encoder`: a trained x-vector network that runs with NumPy alone.
- `encoder`, `encoder_card`: the pretrained encoder, and its model card.
"""

import dataclasses
import functools
import io
import json
from pathlib import Path

import numpy as np

from .. import _files
from ..errors import ArgumentError, StorageError
from ..features import Spectrogram
from . import _numpy_xvector
from .onnx_encoder import OnnxEncoder
from .segment_encoder import SegmentEncoder

_FOLDER = Path(__file__).parent
# Names in the file of what is not a weight of the network.
_ABOUT, _WINDOW, _FILTERS = "about", "spectrogram/window", "spectrogram/mel_filters"
_MAX_FRAMES = 100_000  # longest segment, about a quarter of an hour


class Encoder(SegmentEncoder):
    """A trained network that turns recordings into embeddings, with NumPy alone.

    Parameters
    ----------
    weights : dict of str to numpy.ndarray
        Weights of a `networks.xvector_encoder` with a scaler; the keys are
        "layer/weight".
    spectrogram : Spectrogram
        The settings that were used for training.
    about : dict
        ``n_frames`` and ``hop_frames`` of the segments, and further facts about the
        training; see `describe_training`.

    Attributes
    ----------
    spectrogram : Spectrogram
        Computes the input of the network.
    n_frames, hop_frames : int
        Length of a segment, and distance between the starts of adjacent segments, in
        frames.
    dim : int
        Size of an embedding.
    weights, about : dict
        As given.

    Examples
    --------
    >>> import siamlab as sl
    >>> samples, sr = sl.corpora.voices(n_speakers=1, n_utterances=1)[0]
    >>> sl.encoder().embed(samples, sr).shape
    (128,)
    """

    def __init__(self, weights, spectrogram, about):
        self.weights = weights
        self._layers = _numpy_xvector.fold(weights)
        self.spectrogram = spectrogram
        self.about = about
        self.n_frames, self.hop_frames = about["n_frames"], about["hop_frames"]
        self.dim = weights["dense/bias"].size
        _check(self)

    def __repr__(self):
        size = sum(w.nbytes for w in self.weights.values()) / 1e6
        return (
            f"Encoder: embeddings of size {self.dim}, {size:.1f} MB, trained on "
            f"{self.about.get('speakers', '?')} speakers of "
            f"{self.about.get('corpus', '?')}"
        )

    def _forward(self, x):
        w = self.weights
        x = (np.maximum(x, w["scale/floor"]) - w["scale/shift"]) / w["scale/scale"]
        return _numpy_xvector.forward(self._layers, x)

    def network(self, augmentation=()):
        """Build the same network in Keras, for training or export.

        Parameters
        ----------
        augmentation : sequence of keras.layers.Layer
            Layers before the scaler, active only during training.

        Returns
        -------
        keras.Model
            (batch, time, mel) -> (batch, dim), a `networks.xvector_encoder`.
        """
        from .. import networks, scaling

        w = self.weights
        model = networks.xvector_encoder(
            n_mels=self.spectrogram.n_bins,
            units=w["conv_1/bias"].size,
            output_dim=self.dim,
            scaler=scaling.AffineScaler(),  # its values are among the weights
            augmentation=augmentation,
            name="encoder",
        )
        for name, variable in _variables(model).items():
            variable.assign(w[name])
        # Keras exports a model to ONNX only after it has been called.
        model(np.zeros((1, self.n_frames, self.spectrogram.n_bins), dtype=np.float32))
        return model

    def save(self, path):
        """Write the encoder to a file.

        Parameters
        ----------
        path : str or os.PathLike
            An .npz file.
        """
        about = {**self.about, "spectrogram": dataclasses.asdict(self.spectrogram)}
        arrays = {
            _ABOUT: np.array(json.dumps(about)),
            _WINDOW: self.spectrogram.window,
            _FILTERS: self.spectrogram.mel_filters,
            **self.weights,
        }
        _files.save_arrays(path, arrays)

    @classmethod
    def load(cls, path):
        """Read an encoder from a file.

        Parameters
        ----------
        path : str or os.PathLike
            A file that `save` wrote.

        Returns
        -------
        Encoder
            The same encoder.

        Raises
        ------
        StorageError
            If the file is missing, damaged, or does not contain an encoder.
        """
        try:
            # Read all bytes first: NumPy does not close a file that it cannot read.
            content = io.BytesIO(Path(path).read_bytes())
            arrays = dict(np.load(content, allow_pickle=False))
            about = json.loads(str(arrays.pop(_ABOUT)))
            spectrogram = Spectrogram(**about.pop("spectrogram"))
            # Use the filters of the training run, even if later versions of librosa
            # compute others; besides, importing librosa takes a second.
            filters = arrays.pop(_FILTERS)
            vars(spectrogram).update(
                window=arrays.pop(_WINDOW), mel_filters=filters, n_bins=filters.shape[1]
            )
            return cls(arrays, spectrogram, about)
        except Exception as error:  # a damaged archive raises many kinds
            raise StorageError(
                f"{path} is not a readable encoder file ({type(error).__name__}: "
                f"{error}); write it again with Encoder.save"
            ) from error

    @classmethod
    def from_network(cls, model, spectrogram, about):
        """Copy the weights of a trained network.

        Parameters
        ----------
        model : keras.Model
            A `networks.xvector_encoder` with a scaler, or a model with such an encoder
            as its attribute ``encoder``, such as a `SpeakerNet`.
        spectrogram : Spectrogram
            The settings that were used for training.
        about : dict
            As for the class.

        Returns
        -------
        Encoder
            An encoder with a copy of the weights.

        Raises
        ------
        ArgumentError
            If the network does not have the layers of an `xvector_encoder`, or the
            spectrogram has another number of bands.
        """
        model = getattr(model, "encoder", model)
        weights = {
            name: np.array(variable, dtype=np.float32)
            for name, variable in _variables(model).items()
        }
        try:
            return cls(weights, spectrogram, about)
        except (KeyError, ValueError) as error:
            raise ArgumentError(
                "an Encoder needs a networks.xvector_encoder with a scaler, and the "
                f"spectrogram of its training set; the network {model.name!r} cannot "
                f"be used ({type(error).__name__}: {error})"
            ) from error


def _variables(model):
    """Return the variables of a `networks.xvector_encoder` by "layer/weight"."""
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.weights
        if layer.name.split("_")[0] in ("scale", "conv", "norm", "dense")
    }


def _check(encoder):
    """Embed a segment of one frame, so that a bad file fails when it is loaded.

    Raises KeyError or ValueError.
    """
    spectrogram = encoder.spectrogram
    shape = spectrogram.n_fft // 2 + 1, spectrogram.n_mels
    if spectrogram.mel_filters.shape != shape:
        raise ValueError(f"the mel filters must have shape {shape}")
    for value in (encoder.n_frames, encoder.hop_frames):
        if type(value) is not int or not 1 <= value <= _MAX_FRAMES:
            raise ValueError(f"a segment has 1 to {_MAX_FRAMES} frames; got {value!r}")
    silence = spectrogram(np.zeros(spectrogram.win_length), spectrogram.sr)
    if not np.isfinite(encoder(silence[None])).all():
        raise ValueError("the weights are not finite")


def encoder(path=None, features="kaldi_fbank80", **settings):
    """Load the pretrained encoder of siamlab, or an encoder from a file.

    The pretrained encoder was trained to distinguish speakers of LibriSpeech,
    independently of room and microphone. `encoder_card` describes the training, the
    results and the limitations. Stronger ones are published as ONNX files
    (docs/recordings.md).

    Parameters
    ----------
    path : str or os.PathLike, optional
        A file that `Encoder.save` wrote (``.npz``), or an ONNX file (``.onnx``).
    features : str
        The input of an ONNX file, as for `OnnxEncoder`.
    **settings
        Further arguments of `OnnxEncoder`.

    Returns
    -------
    Encoder or OnnxEncoder
        Without a path, the same object each time.

    Raises
    ------
    ArgumentError
        If an ONNX file has other inputs or outputs.
    StorageError
        If the file is missing, damaged, or does not contain an encoder.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> sl.embed(sl.encoder(), corpus).shape
    (4, 128)
    """
    if path is None:
        return _pretrained()
    if Path(path).suffix == ".onnx":
        return OnnxEncoder(path, features, **settings)
    return Encoder.load(path)


@functools.cache
def _pretrained():
    return Encoder.load(_FOLDER / "encoder.npz")


def encoder_card():
    """Return the model card of the pretrained encoder.

    Returns
    -------
    str
        Markdown: data, license, results and limitations.
    """
    return (_FOLDER / "encoder.md").read_text(encoding="utf-8")
