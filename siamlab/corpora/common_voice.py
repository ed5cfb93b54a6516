"""Mozilla Common Voice."""

import csv
import os

import pandas as pd

from ..errors import CorpusError
from ._csv import read_table
from ._scan import corpus_of, existing_folder

_EXPECTED = "a language folder of Common Voice, with SUBSET.tsv and clips/*.mp3"
# Of 128 hexadecimal digits; the same in all subsets, where a speaker keeps their name.
_ID_DIGITS = 16
_SEX = {"f": "F", "m": "M"}  # female and male; female_feminine and so on since 2024


def common_voice(root, subset="validated"):
    """Read a language of Common Voice (Ardila et al., 2020; CC0 1.0).

    Volunteers read sentences, each with their own microphone. Calling
    ``siamlab.corpora.download("common_voice", ...)`` shows where to get the corpus.

    Parameters
    ----------
    root : str or os.PathLike
        The folder of one language, ``cv-corpus-.../de``, with ``clips/*.mp3``.
    subset : str
        Name of a ``.tsv`` file: "validated", "train", "dev", "test" or "other".

    Returns
    -------
    Corpus
        Speakers are named by the first 16 digits of their client_id, the same in all
        subsets. Each has one session, because the recording sessions are not
        documented. Additional columns: sex ("F", "M"), age ("twenties") and accent; ""
        if unknown. Durations come from ``clip_durations.tsv`` if it exists, so that no
        clip has to be opened. A missing clip has a duration of NaN. Lines that are
        incomplete are listed in `Corpus.rejected`.

    Raises
    ------
    CorpusError
        If the folder, the subset, a column or all clips are missing.
    """
    root = existing_folder(root, _EXPECTED)
    if not os.path.isfile(root / f"{subset}.tsv"):
        subsets = sorted(path.stem for path in root.glob("*.tsv"))
        languages = sorted(path.parent.name for path in root.glob("*/validated.tsv"))
        raise CorpusError(
            f"{root} has no {subset}.tsv; its subsets: {', '.join(subsets) or 'none'}; "
            f"its languages: {', '.join(languages) or 'none'}. Expected {_EXPECTED}"
        )
    listed, broken = _read_tsv(root / f"{subset}.tsv")
    names = listed["path"].where(
        listed["path"].str.contains(".", regex=False), listed["path"] + ".mp3"
    )
    clips = existing_folder(root / "clips", _EXPECTED)
    # Listing the folder is faster than looking for each file.
    present = names.isin(os.listdir(clips))
    if len(names) and not present.any():
        raise CorpusError(
            f"none of the {len(names)} clips in {subset}.tsv is in {clips}; "
            f"the first is {names.iloc[0]}. Unpack the clips"
        )
    paths = str(clips) + os.sep + names
    unknown = pd.Series("", listed.index)
    table = pd.DataFrame(
        {
            "speaker": _shorten(listed["client_id"]),
            "path": paths,
            "text": listed.get("sentence", unknown),
            "sex": listed.get("gender", unknown).str[:1].map(_SEX).fillna(""),
            "age": listed.get("age", unknown),
            "accent": listed.get("accents", listed.get("accent", unknown)),
        }
    )
    durations = names.map(_durations(root / "clip_durations.tsv")).where(present)
    unopened = durations.notna() | ~present
    known = dict(zip(paths[unopened], durations[unopened], strict=True))
    name = f"common_voice {root.name} {subset}"
    return corpus_of(table, name, known=known, rejected=broken)


def _read_tsv(path, required=("client_id", "path")):
    """Read all cells as text; quotation marks belong to the sentences."""
    table, broken = read_table(path, "\t", csv.QUOTE_NONE, joined="sentence")
    for name in required:
        if name not in table:
            raise CorpusError(
                f"{path} has no column {name!r}; it has {', '.join(table)}"
            )
    empty = (table[list(required)] == "").any(axis=1)
    broken += [(f"{path}, row {i}", f"no {required}") for i in table.index[empty]]
    return table[~empty], broken


def _shorten(ids):
    """Shorten the names of speakers, unless two would become the same."""
    short = ids.str[:_ID_DIGITS]
    return short if short.nunique() == ids.nunique() else ids


def _durations(path):
    """Read clip -> seconds."""
    if not path.exists():
        return {}
    table, _ = _read_tsv(path, required=("clip", "duration[ms]"))
    seconds = pd.to_numeric(table["duration[ms]"], errors="coerce") / 1000
    return dict(zip(table["clip"], seconds.where(seconds > 0), strict=True))
