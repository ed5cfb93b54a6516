"""The encoder that comes with siamlab."""

import dataclasses
import functools
import io
import json
from pathlib import Path

import numpy as np

from .. import _files
from ..errors import ArgumentError, StorageError
from ..features import Spectrogram
from . import _forward

_HERE = Path(__file__).parent
# What is not an array of the network's.
_ABOUT, _WINDOW, _FILTERS = "about", "spectrogram/window", "spectrogram/mel_filters"
_LONGEST = 100_000  # frames in a segment, a quarter of an hour


class Encoder:
    """A trained network that turns recordings into embeddings, with NumPy alone.

    Parameters
    ----------
    weights : dict of str to numpy.ndarray
        Of a `networks.xvector_encoder` with a scaler, by "layer/weight".
    spectrogram : Spectrogram
        That it was trained on.
    about : dict
        ``n_frames`` and ``hop_frames``, of a segment; and what else should be known of its
        training.

    Attributes
    ----------
    spectrogram : Spectrogram
        What it hears.
    n_frames, hop_frames : int
        Length of a segment, and from one to the next, in frames.
    dim : int
        Numbers in an embedding.
    weights, about : dict
        As given.

    Examples
    --------
    >>> import siamlab as sl
    >>> samples, rate = sl.corpora.voices(n_speakers=1, n_utterances=1)[0]
    >>> sl.encoder().embed(samples, rate).shape
    (128,)
    """

    def __init__(self, weights, spectrogram, about):
        self.weights = weights
        self._layers = _forward.fold(weights)
        self.spectrogram = spectrogram
        self.about = about
        self.n_frames, self.hop_frames = about["n_frames"], about["hop_frames"]
        self.dim = weights["dense/bias"].size

    def __repr__(self):
        size = sum(w.nbytes for w in self.weights.values()) / 1e6
        return (
            f"encoder: {self.dim} numbers for a recording, {size:.1f} MB, trained on "
            f"{self.about.get('speakers', '?')} speakers of "
            f"{self.about.get('corpus', '?')}"
        )

    def __call__(self, segments):
        """Embed segments.

        Parameters
        ----------
        segments : array_like
            In dB, shape (segments, frames, bands), as `spectrogram` makes them.

        Returns
        -------
        numpy.ndarray
            float32, shape (segments, dim), rows of unit length.

        Raises
        ------
        ArgumentError
            If the shape is another.
        """
        x = np.asarray(segments, dtype=np.float32)
        bands = self.spectrogram.n_bins
        if x.ndim != 3 or x.shape[-1] != bands or not x.shape[1]:
            raise ArgumentError(
                f"the encoder takes (segments, frames, {bands}), in dB; got shape "
                f"{x.shape}. Its `spectrogram` makes them of samples"
            )
        w = self.weights
        x = np.maximum(x, w["scale/floor"])
        return _forward.forward(self._layers, (x - w["scale/shift"]) / w["scale/scale"])

    def embed(self, samples, rate):
        """Embed one recording.

        Parameters
        ----------
        samples : array_like
            One channel, shape (samples,).
        rate : int
            Samples per second.

        Returns
        -------
        numpy.ndarray
            float32, shape (dim,), of length 1: the mean over all segments.

        Raises
        ------
        ArgumentError
            If it is not one channel, or shorter than a window of the spectrogram.
        """
        from ..sampling import segments

        x = self.spectrogram(samples, rate)
        mean = self(segments(x, self.n_frames, self.hop_frames)).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def network(self, augmentation=()):
        """Build the same network in Keras: to be trained on, looked into, exported.

        Parameters
        ----------
        augmentation : sequence of keras.layers.Layer
            In front of it, in training only; as for `networks.xvector_encoder`.

        Returns
        -------
        keras.Model
            (batch, frames, bands) -> (batch, dim), as `networks.xvector_encoder` gives it.
        """
        from .. import networks, scaling

        w = self.weights
        scaler = scaling.StandardScaler()
        scaler.shift, scaler.scale = w["scale/shift"], w["scale/scale"]
        if np.isfinite(w["scale/floor"]).all():
            scaler.floor = w["scale/floor"]
        net = networks.xvector_encoder(
            n_mels=self.spectrogram.n_bins,
            units=w["conv_1/bias"].size,
            output_dim=self.dim,
            scaler=scaler,
            augmentation=augmentation,
            name="encoder",
        )
        for layer in net.layers:
            for weight in layer.weights:
                key = f"{layer.name}/{weight.name}"
                if key in w:
                    weight.assign(w[key])
        # Keras exports to ONNX nothing that was never called.
        net(np.zeros((1, self.n_frames, self.spectrogram.n_bins), dtype=np.float32))
        return net

    def save(self, path):
        """Write the encoder to a file.

        Parameters
        ----------
        path : str or os.PathLike
            An .npz file.
        """
        about = {**self.about, "spectrogram": dataclasses.asdict(self.spectrogram)}
        with _files.atomic_write(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                **{
                    _ABOUT: np.array(json.dumps(about)),
                    _WINDOW: self.spectrogram.window,
                    _FILTERS: self.spectrogram.mel_filters,
                    **self.weights,
                },
            )

    @classmethod
    def load(cls, path):
        """Read an encoder from a file.

        Parameters
        ----------
        path : str or os.PathLike
            As `save` wrote it.

        Returns
        -------
        Encoder
            The same.

        Raises
        ------
        StorageError
            If the file is missing, or none that `save` wrote.
        """
        try:
            _files.check_zip(path)
            # Read at once: NumPy leaves a file open that it cannot read.
            content = io.BytesIO(Path(path).read_bytes())
            arrays = dict(np.load(content, allow_pickle=False))
            about = json.loads(str(arrays.pop(_ABOUT)))
            spectrogram = Spectrogram(**about.pop("spectrogram"))
            # Through the filters that it was trained with, whatever later versions of
            # a library make; and librosa, which makes them, takes a second to import.
            filters = arrays.pop(_FILTERS)
            vars(spectrogram).update(
                window=arrays.pop(_WINDOW), mel_filters=filters, n_bins=filters.shape[1]
            )
            loaded = cls(arrays, spectrogram, about)
            _try(loaded)
            return loaded
        except Exception as error:  # a damaged archive raises one of many
            raise StorageError(
                f"{path} is no encoder that siamlab wrote "
                f"({type(error).__name__}: {error}); save it again with Encoder.save"
            ) from error

    @classmethod
    def from_network(cls, net, spectrogram, about):
        """Take the weights of a network that was trained.

        Parameters
        ----------
        net : keras.Model
            A `networks.xvector_encoder` with a scaler, or a `SpeakerNet` over one.
        spectrogram : Spectrogram
            That it was trained on.
        about : dict
            ``n_frames`` and ``hop_frames`` of a segment, and what else should be known.

        Returns
        -------
        Encoder
            With a copy of the weights.

        Raises
        ------
        ArgumentError
            If the network is another.
        """
        base = getattr(net, "encoder", net)
        weights = {
            f"{layer.name}/{weight.name}": np.array(weight, dtype=np.float32)
            for layer in base.layers
            for weight in layer.weights
            if layer.name.split("_")[0] in ("scale", "conv", "norm", "dense")
        }
        needed = ("scale/shift", "conv_5/kernel", "norm_dense/gamma", "dense/bias")
        missing = [name for name in needed if name not in weights]
        if missing:
            raise ArgumentError(
                "an encoder is made of a networks.xvector_encoder with a scaler; the network "
                f"{base.name!r} has no {', '.join(missing)}"
            )
        return cls(weights, spectrogram, about)


def _try(encoder):
    """Hand an encoder its shortest segment: what a file lacks would show later."""
    spectrogram = encoder.spectrogram
    expected = {
        "mel_filters": (spectrogram.n_fft // 2 + 1, spectrogram.n_mels),
        "window": (spectrogram.win_length,),
    }
    for name, shape in expected.items():
        if getattr(spectrogram, name).shape != shape:
            raise ValueError(f"the spectrogram's {name} must have the shape {shape}")
    for name in ("n_frames", "hop_frames"):
        value = encoder.about[name]
        if type(value) is not int or not 1 <= value <= _LONGEST:
            raise ValueError(f"{name} must be 1 to {_LONGEST}; got {value!r}")
    made = encoder(np.zeros((1, 1, spectrogram.n_mels)))
    if made.shape != (1, encoder.dim) or not np.isfinite(made).all():
        raise ValueError("its weights do not fit each other")


@functools.cache
def encoder():
    """Load the encoder that comes with siamlab.

    It was trained to tell apart readers of LibriSpeech whatever room and microphone
    they were recorded with. `encoder_card` says how, how well it does, and what it is not for.

    Returns
    -------
    Encoder
        The same one each time.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> sl.embed(corpus).shape
    (4, 128)
    """
    return Encoder.load(_HERE / "encoder.npz")


def encoder_card():
    """Return the model card of the encoder that comes with siamlab.

    Returns
    -------
    str
        Markdown: data and license, figures, limits.
    """
    return (_HERE / "encoder.md").read_text(encoding="utf-8")
