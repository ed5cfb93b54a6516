"""From recordings to spectrograms.

- `Spectrogram`: one frozen description; called with samples, it gives frames.
- `extract`: a whole corpus, kept on disk; on a cluster, too.
- `Features`: what comes back: an array per utterance, and its table.
- `damaged`: which files of a folder of shards are not as they were written.

Notebooks: 01_sound_to_spectrogram, 12_beyond_one_machine.
"""

from .extraction import extract
from .manifest import damaged
from .spectrogram import Spectrogram
from .utterances import Features

__all__ = ["Features", "Spectrogram", "damaged", "extract"]
