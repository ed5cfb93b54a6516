"""Corpora: one file per source, each giving the same table of utterances.

- `voices`: embedded, spoken by eSpeak NG; needs no network and no file.
- `librispeech`: read English speech (Panayotov et al., 2015).
- `common_voice`: sentences read by volunteers (Ardila et al., 2020).
- `fsdd`: spoken digits (Jackson et al., 2018).
- `audiomnist`: spoken digits of 60 people (Becker et al., 2018).
- `timit`: sentences read into one microphone (Garofolo et al., 1993).
- `voxceleb`: celebrities in interviews (Nagrani et al., 2017), and `voxceleb_trials`,
  its lists of trials.
- `folder`: your own recordings, in a folder for each speaker or in a CSV file.
- `recordings`: recordings of anybody, with a folder for each speaker or without.
- `textgrid`: recordings whose phones are marked in Praat TextGrids.
- `download`: fetches those that anybody may fetch.
- `describe`: what is in one, and what is suspicious; gives a `Description`.
- `Corpus`: what all of them return.
"""

from ._table import Corpus
from .audiomnist import audiomnist
from .common_voice import common_voice
from .describe import Description, describe
from .download import download
from .folder import folder
from .fsdd import fsdd
from .librispeech import librispeech
from .recordings import recordings
from .textgrid import textgrid
from .timit import timit
from .voices import voices
from .voxceleb import voxceleb, voxceleb_trials

__all__ = [
    "Corpus",
    "Description",
    "audiomnist",
    "common_voice",
    "describe",
    "download",
    "folder",
    "fsdd",
    "librispeech",
    "recordings",
    "textgrid",
    "timit",
    "voices",
    "voxceleb",
    "voxceleb_trials",
]
