"""A folder of your own recordings."""

from ..errors import CorpusError
from ._files import corpus_of, existing_folder, sound_files

_EXPECTED = "a folder for each speaker with sound files in it: ROOT/SPEAKER/*.wav"


def folder(root):
    """Read recordings that lie in one folder for each speaker.

    Parameters
    ----------
    root : str or os.PathLike
        ``ROOT/SPEAKER/*.wav``, or ``ROOT/SPEAKER/SESSION/*.wav`` where a speaker
        was recorded on several occasions. WAV, FLAC, OGG, MP3, at any rate.

    Returns
    -------
    Corpus
        Speakers and sessions bear the names of their folders. A file that cannot
        be read is in the table, with a duration of NaN: extraction names it.

    Raises
    ------
    CorpusError
        If the folder is missing, holds no sound file, or holds sound files that
        lie in no speaker's folder.
    """
    root = existing_folder(root, _EXPECTED)
    rows = []
    for path in sound_files(root, _EXPECTED):
        *folders, _ = path.relative_to(root).parts
        if not folders:
            raise CorpusError(
                f"{path} lies in no speaker's folder; expected {_EXPECTED}"
            )
        rows.append(
            {"speaker": folders[0], "session": "/".join(folders), "path": str(path)}
        )
    return corpus_of(rows, root.name)
