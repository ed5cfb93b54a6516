"""Recordings, whoever speaks."""

import os
from pathlib import Path

from ._files import by_folder, corpus_of, existing_folder, sound_files

_EXPECTED = "a sound file, or a folder with sound files anywhere in it"


def recordings(path):
    """Read one recording, or all below a folder, named or not.

    To find out who speaks, not to train on: there `folder` is stricter.

    Parameters
    ----------
    path : str or os.PathLike
        A sound file or a folder. WAV, FLAC, OGG, MP3, at any rate.

    Returns
    -------
    Corpus
        As `folder` gives it, where each speaker has a folder. What lies in no folder
        has the speaker "", and is a session by itself.

    Raises
    ------
    CorpusError
        If there is nothing, or no sound file.
    """
    path = Path(path)
    if os.path.isfile(path):
        root, files = path.parent, [path]
    else:
        root = existing_folder(path, _EXPECTED)
        files = sound_files(root, _EXPECTED)
    return corpus_of(list(by_folder(root, files)), path.name)
