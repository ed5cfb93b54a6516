"""LibriSpeech, and other corpora in its layout."""

import collections
from pathlib import Path

from ._scan import corpus_of, existing_folder, find_above, read_layout, read_text

_EXPECTED = "LibriSpeech's layout: ROOT/SUBSET/READER/CHAPTER/READER-CHAPTER-NNNN.flac"
_LAYOUT = (
    "(?P<subset>[^/]+)/(?P<speaker>[^/]+)/(?P<chapter>[^/]+)/"
    "(?P<name>(?P=speaker)-(?P=chapter)-[^/]+)"
)


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
        ``*.trans.txt`` and the column sex from ``SPEAKERS.TXT``, if these exist. Files
        in other places are listed in `Corpus.rejected`.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, no file name matches, or a text is not
        encoded in UTF-8.
    """
    folder = existing_folder(root, _EXPECTED, subset)
    table, left_out = read_layout(folder, _LAYOUT, _EXPECTED)
    subsets = " + ".join(table.pop("subset").unique())
    table["session"] = table["speaker"] + "-" + table.pop("chapter")
    table["text"] = table.pop("name").map(_transcripts(table))
    table["sex"] = table["speaker"].map(_sexes(find_above(folder, "SPEAKERS.TXT")))
    return corpus_of(table, f"librispeech {subset or subsets}".strip(), **left_out)


def _transcripts(table):
    """Read utterance -> text from lines of `READER-CHAPTER-NNNN THE TEXT`."""
    texts: dict[str, str] = collections.defaultdict(str)
    for row in table.drop_duplicates("session").itertuples():
        file = Path(row.path).with_name(f"{row.session}.trans.txt")
        lines = read_text(file, missing="").splitlines()
        texts |= dict(line.split(" ", 1) for line in lines if " " in line)
    return texts


def _sexes(path):
    """Read reader -> sex from lines of `ID | SEX | SUBSET | MINUTES | NAME`."""
    # The readers' names, which are not used, may be in any encoding.
    lines = read_text(path, errors="replace", missing="").splitlines()
    fields = [line.split("|") for line in lines if not line.startswith(";")]
    sexes = {f[0].strip(): f[1].strip() for f in fields if len(f) > 1}
    return collections.defaultdict(str, sexes)
