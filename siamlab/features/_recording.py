"""The samples of a recording of any length, in pieces that fit into memory.

- `Level`: the offset and the level of a recording, measured piece by piece.
- `resampled`: the pieces at another sampling rate.
"""

import numpy as np

from .. import audio


class Level:
    """Mean and root mean square of the samples of a recording.

    Parameters
    ----------
    level_db : float, optional
        The level to which `normalize` brings samples; by default, they stay as they
        are.
    """

    def __init__(self, level_db):
        self._level_db = level_db
        self.n, self._sum, self._power, self._extremes = 0, 0.0, 0.0, []

    def add(self, samples):
        """Measure another piece."""
        self.n += len(samples)
        extremes = [samples.min(), samples.max()]
        if not np.isfinite(extremes).all():
            extremes = samples[~np.isfinite(samples)].tolist()
        self._extremes += extremes
        if self._level_db is not None:
            self._sum += samples.sum(dtype=np.float64)
            self._power += np.square(samples, dtype=np.float64).sum()

    def check(self, path):
        """Raise an `AudioError` if there are NaN, or all pieces are silent."""
        audio.check(np.array(self._extremes), path)

    def normalize(self, samples):
        """Remove the mean, and bring the root mean square to the level."""
        if self._level_db is None:
            return samples
        mean = self._sum / self.n
        rms = np.sqrt(max(self._power / self.n - mean**2, 1e-20))
        return (samples - np.float32(mean)) * np.float32(
            10 ** (self._level_db / 20) / rms
        )


def resampled(recording, orig_sr, target_sr):
    """Yield the samples of the pieces at another sampling rate.

    They are the same as those of the whole recording, resampled at once.
    """
    if orig_sr == target_sr:
        yield from recording
        return
    import soxr

    stream = soxr.ResampleStream(orig_sr, target_sr, 1, dtype="float32")
    for samples in recording:
        yield stream.resample_chunk(samples)
    yield stream.resample_chunk(samples[:0], last=True)
