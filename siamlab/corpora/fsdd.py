"""The Free Spoken Digit Dataset."""

from ._scan import DIGITS, corpus_of, existing_folder, read_layout

_EXPECTED = "recordings named DIGIT_SPEAKER_INDEX.wav (the folder `recordings`)"
_LAYOUT = "(?P<text>[0-9])_(?P<speaker>[^/]+)_([0-9]+)"


def fsdd(root):
    """Read the Free Spoken Digit Dataset (Jackson et al., 2018; CC BY-SA 4.0).

    Parameters
    ----------
    root : str or os.PathLike
        The repository, or its folder ``recordings``: ``DIGIT_SPEAKER_INDEX.wav``, at
        8 kHz.

    Returns
    -------
    Corpus
        The text is the name of the digit. Each speaker has one session, because the
        recording sessions are not documented. Files with other names are listed in
        `Corpus.rejected`.

    Raises
    ------
    CorpusError
        If the folder is missing, or no file has such a name.
    """
    root = existing_folder(root, _EXPECTED)
    table, left_out = read_layout(root, _LAYOUT, _EXPECTED)
    table["text"] = table["text"].map(DIGITS)
    return corpus_of(table, "fsdd", **left_out)
