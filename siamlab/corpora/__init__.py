"""Corpora: one file per source, each with the same table of utterances.

- Synthetic speech: `voices`, which needs no download and no files.
- Your own recordings: `folder` (one folder per speaker, or a CSV file), `recordings`
  (with or without known speakers), `textgrid` (phones marked in Praat TextGrids).
- Read speech: `librispeech` (Panayotov et al., 2015), `common_voice` (Ardila et al.,
  2020), `timit` (Garofolo et al., 1993).
- Interviews: `voxceleb` (Nagrani et al., 2017), and `voxceleb_trials`, its lists of
  trials.
- Spoken digits: `fsdd` (Jackson et al., 2018), `audiomnist` (Becker et al., 2018).
- For all of them: `Corpus`, the table; `describe`, statistics and suspicious files,
  as a `Description`; `download`, for corpora that are free to download.

Notebooks: ``00_start_here`` uses `voices`, ``12_your_recordings`` uses `folder`.
"""

from ._corpus import Corpus
from .audiomnist import audiomnist
from .common_voice import common_voice
from .describe import Description, describe
from .download import download
from .folder import folder, recordings
from .fsdd import fsdd
from .librispeech import librispeech
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
