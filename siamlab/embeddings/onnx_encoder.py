"""Speaker encoders that others publish, as ONNX files.

- `OnnxEncoder`: runs such a file.
"""

import functools
import re

import numpy as np

from ..distances import normalize
from ..errors import ArgumentError, StorageError
from ..features import Spectrogram
from .segment_encoder import SegmentEncoder

_NEPERS_PER_DB = np.float32(np.log(10) / 10)
_FULL_SCALE = np.float32(np.log(32768.0**2))  # Kaldi's samples are 16-bit integers
_N_FRAMES = 300  # of a segment, if the network accepts any length: 3 s


class OnnxEncoder(SegmentEncoder):
    """A speaker encoder in an ONNX file.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Its network has one input, shape (batch, time, mel), float32, and an
        output of shape (batch, dim).
    features : str
        The input of the network: "kaldi_fbank80", or another number of bands; see
        `Spectrogram.kaldi_fbank`.
    window : {"povey", "hamming"}
        Window of the spectrogram.
    subtract_mean : bool
        Whether the mean over time is subtracted from each band of a segment.
    n_frames, hop_frames : int, optional
        Length of a segment, and distance between the starts of adjacent segments, in
        frames. By default, the length that the network has, or 300, and half of it.

    Attributes
    ----------
    spectrogram : Spectrogram
        Computes the input of the network, in dB.
    n_frames, hop_frames : int
        As given.
    dim : int
        Size of an embedding.

    Raises
    ------
    ArgumentError
        If the network has other inputs or outputs, or needs other segments.
    StorageError
        If the file is missing or damaged.
    """

    def __init__(
        self,
        path,
        features="kaldi_fbank80",
        *,
        window="povey",
        subtract_mean=True,
        n_frames=None,
        hop_frames=None,
    ):
        try:
            import onnxruntime
        except ImportError as error:
            raise ArgumentError(
                'an ONNX file needs onnxruntime: pip install "siamlab[onnx]"'
            ) from error
        self._path = str(path)
        self._settings = {
            "features": features,
            "window": window,
            "subtract_mean": subtract_mean,
            "n_frames": n_frames,
            "hop_frames": hop_frames,
        }
        kind = re.fullmatch(r"kaldi_fbank(\d+)", features)
        if not kind:
            raise ArgumentError(
                'features must be "kaldi_fbank80", or another number of bands; got '
                f"{features!r}"
            )
        self.spectrogram = Spectrogram.kaldi_fbank(int(kind[1]), window=window)
        try:
            self._session = onnxruntime.InferenceSession(
                self._path, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no common class of its errors
            raise StorageError(
                f"{path} is not a readable ONNX file ({error}); download it again"
            ) from error
        self._batch, length = self._input_shape()
        self.n_frames = n_frames or length or _N_FRAMES
        if length and self.n_frames != length:
            raise ArgumentError(
                f"{path} needs segments of {length} frames; got n_frames={n_frames}"
            )
        self.hop_frames = hop_frames or max(1, self.n_frames // 2)
        silence = np.zeros((1, self.n_frames, self.spectrogram.n_bins), np.float32)
        self._output, self.dim = self._find_output(silence)

    def _input_shape(self):
        """Return the fixed sizes of batch and time of the input; None for any."""
        bands = self.spectrogram.n_bins
        inputs = self._session.get_inputs()
        if len(inputs) == 1 and len(inputs[0].shape) == 3:
            sizes = [n if isinstance(n, int) else None for n in inputs[0].shape]
            fits = sizes[0] in (None, 1) and sizes[2] in (None, bands)
            if fits and inputs[0].type == "tensor(float)":
                return sizes[:2]
        found = [f"{each.name} {each.type} {each.shape}" for each in inputs]
        raise ArgumentError(
            f"the network must have one input tensor(float) of shape (batch, time, "
            f"{bands}); {self._path} has {', '.join(found)}"
        )

    def _find_output(self, x):
        """Return the number and the size of the output with one vector per segment."""
        outputs = self._run(x)
        for number, output in enumerate(outputs):
            if np.ndim(output) == 2 and len(output) == len(x):
                return number, output.shape[1]
        raise ArgumentError(
            f"the network must have an output of shape (batch, dim); "
            f"{self._path} has {[np.shape(output) for output in outputs]}"
        )

    def _run(self, x):
        name = self._session.get_inputs()[0].name
        return self._session.run(None, {name: x})

    def __reduce__(self):
        """Load the file again in another process."""
        return functools.partial(OnnxEncoder, self._path, **self._settings), ()

    def __repr__(self):
        features = self._settings["features"]
        return f"OnnxEncoder: embeddings of size {self.dim}, {self._path}, {features}"

    def _forward(self, x):
        x = x * _NEPERS_PER_DB + _FULL_SCALE
        if self._settings["subtract_mean"]:
            x = x - x.mean(axis=1, keepdims=True)
        size = self._batch or len(x)
        parts = np.split(x, range(size, len(x), size))
        return normalize(np.concatenate([self._run(p)[self._output] for p in parts]))
