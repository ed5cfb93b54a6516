"""Corpora: one file per source, each giving the same table of utterances.

- `voices`: embedded, spoken by eSpeak NG; needs no network and no file.
- `librispeech`: read English speech (Panayotov et al., 2015).
- `fsdd`: spoken digits (Jackson et al., 2018).
- `timit`: sentences read into one microphone (Garofolo et al., 1993).
- `folder`: your own recordings, one folder for each speaker.
- `textgrid`: recordings whose phones are marked in Praat TextGrids.
- `Corpus`: what all of them return.
"""

from ._table import Corpus
from .folder import folder
from .fsdd import fsdd
from .librispeech import librispeech
from .textgrid import textgrid
from .timit import timit
from .voices import voices

__all__ = ["Corpus", "folder", "fsdd", "librispeech", "textgrid", "timit", "voices"]
