"""From recordings to spectrograms.

- `Spectrogram`: the settings; called with samples, it computes a spectrogram.
- `extract`: the spectrograms of a corpus, cached on disk, on one machine or on a Dask
  cluster.
- `Features`: the result, one array per utterance and a table.

Notebooks: 01_sound_to_spectrogram, 15_beyond_one_machine.
"""

from .extraction import extract
from .features import Features
from .spectrogram import Spectrogram

__all__ = ["Features", "Spectrogram", "extract"]
