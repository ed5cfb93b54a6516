"""LibriSpeech, and whatever lies in its layout."""

from ..errors import CorpusError
from ._files import corpus_of, existing_folder, is_sound, sound_files, text_of

_EXPECTED = "LibriSpeech's layout: ROOT/SUBSET/READER/CHAPTER/READER-CHAPTER-NNNN.flac"


def librispeech(root, subset="train-clean-100"):
    """Read a subset of LibriSpeech (Panayotov et al., 2015; CC BY 4.0).

    Parameters
    ----------
    root : str or os.PathLike
        The folder that holds the subsets.
    subset : str or None
        "train-clean-100", "test-other" and so on. None takes all that are there; the
        root may then also be a subset itself.

    Returns
    -------
    Corpus
        Of FLAC files, or others that can be read. Sessions are chapters; text comes
        from ``*.trans.txt`` where there is one, sex from ``SPEAKERS.TXT``.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, a file is not so named, or a text is not
        in UTF-8.
    """
    root = existing_folder(root, _EXPECTED)
    there = sorted(p.name for p in root.iterdir() if p.is_dir() and _is_subset(p))
    if subset is None and not there and _is_subset(root):
        root, there = root.parent, [root.name]
    chosen = there if subset is None else [subset]
    if not chosen or not set(chosen) <= set(there):
        raise CorpusError(
            f"{root} has no subset {subset or ''!r}; there is "
            f"{', '.join(there) or 'no subset at all'}; expected {_EXPECTED}"
        )
    sexes = _sexes(root / "SPEAKERS.TXT")
    rows = [row for name in chosen for row in _rows(root / name, sexes)]
    return corpus_of(rows, f"librispeech {' + '.join(chosen)}")


def _is_subset(folder):
    return any(is_sound(path) for path in folder.glob("*/*/*"))


def _rows(folder, sexes):
    """One dictionary for each file of a subset."""
    texts = {}
    for path in sound_files(folder, _EXPECTED):
        reader, chapter = path.parent.parent.name, path.parent.name
        if not path.stem.startswith(f"{reader}-{chapter}-"):
            raise CorpusError(f"{path} does not lie there; expected {_EXPECTED}")
        session = f"{reader}-{chapter}"
        if session not in texts:
            texts[session] = _transcripts(path.parent / f"{session}.trans.txt")
        yield {
            "speaker": reader,
            "session": session,
            "path": str(path),
            "text": texts[session].get(path.stem, ""),
            "sex": sexes.get(reader, ""),
        }


def _transcripts(path):
    """Utterance -> text, from lines of `READER-CHAPTER-NNNN THE TEXT`."""
    if not path.exists():
        return {}
    lines = text_of(path).splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def _sexes(path):
    """Reader -> sex, from lines of `ID | SEX | SUBSET | MINUTES | NAME`."""
    if not path.exists():
        return {}
    # Names of readers may be in any encoding; they are not used.
    lines = text_of(path, errors="replace").splitlines()
    fields = [line.split("|") for line in lines if not line.startswith(";")]
    return {f[0].strip(): f[1].strip() for f in fields if len(f) > 1}
