"""What all encoders share that turn recordings into embeddings by themselves.

- `SegmentEncoder`: computes the spectrogram of a recording, cuts it into segments and
  averages their embeddings.
"""

import abc

import numpy as np

from ..errors import ArgumentError
from ..features import Spectrogram
from ..sampling import segments


class SegmentEncoder(abc.ABC):
    """A network with the spectrogram that it needs.

    Subclasses set these attributes and define ``_forward``.

    Attributes
    ----------
    spectrogram : Spectrogram
        Computes the input of the network.
    n_frames, hop_frames : int
        Length of a segment, and distance between the starts of adjacent segments, in
        frames.
    dim : int
        Size of an embedding.
    """

    spectrogram: Spectrogram
    n_frames: int
    hop_frames: int
    dim: int

    @abc.abstractmethod
    def _forward(self, x):
        """Map segments (batch, time, mel) in dB to unit vectors (batch, dim)."""

    def __call__(self, x):
        """Embed segments.

        Parameters
        ----------
        x : array_like
            Segments of spectrograms in dB, shape (batch, time, mel).

        Returns
        -------
        numpy.ndarray
            float32, shape (batch, dim), rows of unit length.

        Raises
        ------
        ArgumentError
            If the shape is wrong.
        """
        x = np.asarray(x, dtype=np.float32)
        bands = self.spectrogram.n_bins
        if x.ndim != 3 or x.shape[-1] != bands or not x.shape[1]:
            raise ArgumentError(
                f"the encoder needs segments of shape (batch, time, {bands}), in dB; "
                f"got {x.shape}. Compute them with encoder.spectrogram(samples, sr)"
            )
        return self._forward(x)

    def embed(self, samples, sr):
        """Embed one recording.

        Parameters
        ----------
        samples : array_like
            One channel, shape (samples,).
        sr : int
            Sampling rate in hertz.

        Returns
        -------
        numpy.ndarray
            float32, shape (dim,), of unit length: the mean over all segments.

        Raises
        ------
        ArgumentError
            If there is more than one channel, or the recording is shorter than one
            window of the spectrogram.
        """
        x = self.spectrogram(samples, sr)
        mean = self(segments(x, self.n_frames, self.hop_frames)).mean(axis=0)
        return mean / np.linalg.norm(mean)
