"""LibriSpeech, and whatever lies in its layout."""

from ..errors import CorpusError
from ._files import corpus_of, existing_folder, sound_files

_EXPECTED = "LibriSpeech's layout: ROOT/SUBSET/READER/CHAPTER/READER-CHAPTER-NNNN.flac"


def librispeech(root, subset="train-clean-100"):
    """Read a subset of LibriSpeech (Panayotov et al., 2015; CC BY 4.0).

    Parameters
    ----------
    root : str or os.PathLike
        The folder that holds the subsets.
    subset : str
        "train-clean-100", "test-other" and so on.

    Returns
    -------
    Corpus
        Sessions are chapters; text comes from ``*.trans.txt`` where there is one,
        sex from ``SPEAKERS.TXT``.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, or a file is not so named.
    """
    root = existing_folder(root, _EXPECTED)
    subsets = sorted(
        p.name for p in root.iterdir() if p.is_dir() and any(p.glob("*/*/*.flac"))
    )
    if subset not in subsets:
        there = ", ".join(subsets) or "no subset at all"
        raise CorpusError(f"{root} has no subset {subset!r}; there is {there}")
    sexes = _sexes(root / "SPEAKERS.TXT")
    rows = []
    texts = {}
    for path in sound_files(root / subset, _EXPECTED):
        reader, chapter = path.parent.parent.name, path.parent.name
        if not path.stem.startswith(f"{reader}-{chapter}-"):
            raise CorpusError(f"{path} does not lie there; expected {_EXPECTED}")
        session = f"{reader}-{chapter}"
        if session not in texts:
            texts[session] = _transcripts(path.parent / f"{session}.trans.txt")
        rows.append(
            {
                "speaker": reader,
                "session": session,
                "path": str(path),
                "text": texts[session].get(path.stem, ""),
                "sex": sexes.get(reader, ""),
            }
        )
    return corpus_of(rows, f"librispeech {subset}")


def _transcripts(path):
    """Utterance -> text, from lines of `READER-CHAPTER-NNNN THE TEXT`."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def _sexes(path):
    """Reader -> sex, from lines of `ID | SEX | SUBSET | MINUTES | NAME`."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = [line.split("|") for line in lines if not line.startswith(";")]
    return {f[0].strip(): f[1].strip() for f in fields if len(f) > 1}
