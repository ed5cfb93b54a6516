"""LibriSpeech, and other corpora in its layout."""

from ..errors import CorpusError
from ._scan import (
    corpus_of,
    existing_folder,
    is_sound_file,
    misplaced,
    read_text,
    sound_files,
)

_EXPECTED = "LibriSpeech's layout: ROOT/SUBSET/READER/CHAPTER/READER-CHAPTER-NNNN.flac"


def librispeech(root, subset="train-clean-100"):
    """Read a subset of LibriSpeech (Panayotov et al., 2015; CC BY 4.0).

    Parameters
    ----------
    root : str or os.PathLike
        The folder that contains the subsets.
    subset : str or None
        "train-clean-100", "test-other" and so on. None reads all subsets in the
        folder; the folder may then also be a single subset.

    Returns
    -------
    Corpus
        FLAC or other sound files. Sessions are chapters. The text comes from
        ``*.trans.txt`` and the column sex from ``SPEAKERS.TXT``, if these exist.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, a file name does not match, or a
        text is not encoded in UTF-8.
    """
    root = existing_folder(root, _EXPECTED)
    present = sorted(p.name for p in root.iterdir() if p.is_dir() and _is_subset(p))
    if subset is None and not present and _is_subset(root):
        root, present = root.parent, [root.name]
    chosen = present if subset is None else [subset]
    if not chosen or not set(chosen) <= set(present):
        missing = "subsets" if subset is None else f"subset {subset!r}"
        raise CorpusError(
            f"{root} has no {missing}; its subsets: "
            f"{', '.join(present) or 'none'}. Expected {_EXPECTED}"
        )
    sexes = _sexes(root / "SPEAKERS.TXT")
    rows, skipped = [], []
    for name in chosen:
        files, others = sound_files(root / name, _EXPECTED)
        rows += _rows(files, sexes)
        skipped += others
    return corpus_of(rows, f"librispeech {' + '.join(chosen)}", skipped=skipped)


def _is_subset(folder):
    return any(is_sound_file(path) for path in folder.glob("*/*/*"))


def _rows(files, sexes):
    """Yield one row for each file of a subset."""
    texts = {}
    for path in files:
        reader, chapter = path.parent.parent.name, path.parent.name
        if not path.stem.startswith(f"{reader}-{chapter}-"):
            raise misplaced(path, _EXPECTED)
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
    """Read utterance -> text from lines of `READER-CHAPTER-NNNN THE TEXT`."""
    lines = read_text(path, missing="").splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def _sexes(path):
    """Read reader -> sex from lines of `ID | SEX | SUBSET | MINUTES | NAME`."""
    # The readers' names, which are not used, may be in any encoding.
    lines = read_text(path, errors="replace", missing="").splitlines()
    fields = [line.split("|") for line in lines if not line.startswith(";")]
    return {f[0].strip(): f[1].strip() for f in fields if len(f) > 1}
