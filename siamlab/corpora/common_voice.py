"""Mozilla Common Voice."""

import csv
import os

import pandas as pd

from ..errors import CorpusError
from ._files import corpus_of, existing_folder

_EXPECTED = (
    "the folder of one language of Common Voice, with SUBSET.tsv and clips/*.mp3"
)
# Of 128 hexadecimal digits. As many for each subset: a speaker has one name in all.
_NAME = 16
_SEX = {"f": "F", "m": "M"}  # female and male; female_feminine and so on since 2024


def common_voice(root, subset="validated"):
    """Read a language of Common Voice (Ardila et al., 2020; CC0 1.0).

    Volunteers read sentences into whatever microphone they have. Where to get it says
    ``siamlab.corpora.download("common_voice", ...)``.

    Parameters
    ----------
    root : str or os.PathLike
        The folder of a language, ``cv-corpus-.../de``, with ``clips/*.mp3``.
    subset : str
        "validated", "train", "dev", "test", "other": the name of a ``.tsv`` file.

    Returns
    -------
    Corpus
        Speakers bear the first 16 digits of their client_id, the same in all subsets.
        Each has one session: nothing is known of the occasions. Further columns: sex
        ("F", "M"), age ("twenties") and accent; "" where unknown. Durations come from
        ``clip_durations.tsv`` where it is there: no file need be opened. A file that
        is missing has a duration of NaN.

    Raises
    ------
    CorpusError
        If the folder, the subset, a column or all clips are missing.
    """
    root = existing_folder(root, _EXPECTED)
    listed = _table(_file(root, subset))
    names = listed["path"].where(
        listed["path"].str.contains(".", regex=False), listed["path"] + ".mp3"
    )
    there = _clips(root)
    found = names.isin(there)
    if len(names) and not found.any():
        raise CorpusError(
            f"none of the {len(names)} clips of {subset}.tsv is in {root / 'clips'}; "
            f"the first is {names.iloc[0]}. Unpack the clips"
        )
    paths = str(root / "clips") + os.sep + names
    unknown = pd.Series("", listed.index)
    accents = listed.get("accents", listed.get("accent", unknown))
    speakers = _short(listed["client_id"])
    table = pd.DataFrame(
        {
            "speaker": speakers,
            "session": speakers,
            "path": paths,
            "text": listed.get("sentence", unknown),
            "sex": listed.get("gender", unknown).str[:1].map(_SEX).fillna(""),
            "age": listed.get("age", unknown),
            "accent": accents,
        }
    )
    seconds = names.map(_durations(root / "clip_durations.tsv")).where(found)
    skipped = seconds.notna() | ~found  # not opened
    known = dict(zip(paths[skipped], seconds[skipped], strict=True))
    return corpus_of(table, f"common_voice {root.name} {subset}", known)


def _file(root, subset):
    """Find the table of a subset, or say which there are."""
    path = root / f"{subset}.tsv"
    if os.path.isfile(path):
        return path
    tables = sorted(p.stem for p in root.glob("*.tsv"))
    languages = sorted(p.parent.name for p in root.glob("*/validated.tsv"))
    if languages and not tables:
        raise CorpusError(
            f"{root} holds the languages {', '.join(languages)}; give the folder of one"
        )
    raise CorpusError(
        f"{root} has no {subset}.tsv; there is {', '.join(tables) or 'none'}. "
        f"Expected {_EXPECTED}"
    )


def _table(path, needed=("client_id", "path")):
    """All cells as text; sentences may hold quotation marks, and nothing is quoted."""
    try:
        table = pd.read_csv(
            path,
            sep="\t",
            dtype=str,
            quoting=csv.QUOTE_NONE,
            keep_default_na=False,
            encoding="utf-8",
        )
    except ValueError as error:  # pandas' and Unicode's are among them
        detail = " ".join(str(error).split())
        raise CorpusError(f"{path} cannot be read as a table: {detail}") from error
    missing = [name for name in needed if name not in table]
    if missing:
        raise CorpusError(
            f"{path} has no column {missing[0]!r}; it has {', '.join(table.columns)}"
        )
    return table.fillna("")


def _clips(root):
    """Names of all clips: one look at the folder, not one for each file."""
    folder = root / "clips"
    if not folder.is_dir():
        raise CorpusError(f"{root} has no folder clips; expected {_EXPECTED}")
    return {entry.name for entry in os.scandir(folder)}


def _short(ids):
    """Shorten names, unless two would become one."""
    short = ids.str[:_NAME]
    return short if short.nunique() == ids.nunique() else ids


def _durations(path):
    """Clip -> seconds."""
    if not path.exists():
        return {}
    table = _table(path, needed=("clip", "duration[ms]"))
    seconds = pd.to_numeric(table["duration[ms]"], errors="coerce") / 1000
    return dict(zip(table["clip"], seconds.where(seconds > 0), strict=True))
