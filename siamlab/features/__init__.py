"""From recordings to spectrograms.

- `Spectrogram`: one frozen description; called with samples, it gives frames.
- `extract`: a whole corpus, kept on disk.
- `Features`: what comes back: an array per utterance, and its table.

Notebook: 01_sound_to_spectrogram.
"""

from .extraction import extract
from .spectrogram import Spectrogram
from .utterances import Features

__all__ = ["Features", "Spectrogram", "extract"]
