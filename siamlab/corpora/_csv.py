"""A table of recordings that somebody keeps in a CSV file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import CorpusError

SUFFIXES = (".csv", ".tsv", ".txt")
_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_SHOWN = 5  # rows named in an error


def csv_rows(path, columns=None):
    """Read rows for `corpus_of` from a CSV file.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8, with or without a byte order mark.
    columns : dict of str to str, optional
        Their name of a column -> ours, as for `pandas.DataFrame.rename`.

    Returns
    -------
    pandas.DataFrame
        Columns speaker, session, path, start, duration (NaN where not given), text,
        and all others as they are.

    Raises
    ------
    CorpusError
        If it is no such table; the sentence names the columns or the rows.
    """
    table = _named(_cells(path), path, columns or {})
    table["path"] = _paths(table.path, path.parent)
    session = table.get("session", pd.Series("", table.index))
    # Two speakers may both have a session "1"; ours are unique over all.
    table["session"] = table.speaker.where(session == "", table.speaker + "/" + session)
    table["start"] = _seconds(table, "start", path, at_least=0.0).fillna(0.0)
    table["duration"] = _seconds(table, "duration", path, above=0.0)
    twice = table.duplicated(["path", "start"])
    if twice.any():
        raise CorpusError(
            f"{path}: {_rows(twice)} came before, with the same path and start; "
            "one utterance in two places gives splits that leak"
        )
    return table


def _cells(path):
    """All cells as text, "" where empty; the index is the row less two."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(_SEPARATORS, key=header.count)
        cells = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            encoding="utf-8-sig",
            keep_default_na=False,  # somebody may be called NA
            skip_blank_lines=False,  # so that rows keep their numbers
        )
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not in UTF-8 (byte {error.start}); save it as CSV UTF-8"
        ) from error
    except (OSError, ValueError) as error:  # pandas' ParserError is a ValueError
        detail = " ".join(str(error).split()).removeprefix("Error tokenizing data. ")
        raise CorpusError(f"{path} cannot be read as a table: {detail}") from error
    if not isinstance(cells.index, pd.RangeIndex):
        raise CorpusError(
            f"{path}: its rows have more cells than its first line has names "
            f"(taken apart at {_SEPARATORS[separator]}: {header.strip()!r})"
        )
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    cells.columns = cells.columns.str.strip()
    return cells[(cells != "").any(axis=1)]


def _named(cells, path, columns):
    """Give the columns our names, and check that what must be there is there."""
    there = ", ".join(repr(name) for name in cells.columns)
    unknown = [name for name in columns if name not in cells.columns]
    if unknown:
        raise CorpusError(f"{path} has no column {unknown[0]!r}; it has {there}")
    table = cells.rename(columns=columns)
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise CorpusError(
            f"{path}: two columns would be called {doubled[0]!r}; it has {there}"
        )
    for needed in ("path", "speaker"):
        if needed not in table:
            raise CorpusError(
                f"{path} has no column {needed!r}; it has {there}. Say which one it "
                f'is: columns={{"THEIR NAME": "{needed}"}}'
            )
        empty = table[needed] == ""
        if empty.any():
            raise CorpusError(f"{path}: no {needed} in {_rows(empty)}; fill it in")
    if "phones" in table:
        raise CorpusError(
            f"{path} has a column 'phones', which must hold times; call it otherwise "
            'with columns={"phones": "..."}, or use siamlab.corpora.textgrid'
        )
    return table


def _paths(listed, folder):
    """Where the files are: relative to the CSV file, with slashes of either kind."""
    # os.path.exists: that of pathlib raises where a name is too long.
    found = [Path(folder, name) for name in listed]
    paths = [
        path if os.path.exists(path) else Path(folder, name.replace("\\", "/"))
        for path, name in zip(found, listed, strict=True)
    ]
    if paths and not any(os.path.exists(path) for path in paths):
        raise CorpusError(
            f"none of the {len(paths)} files is there; the first would be {paths[0]}. "
            f"Paths are relative to {folder}, where the table lies"
        )
    return [str(path) for path in paths]


def _seconds(table, name, path, at_least=-np.inf, above=-np.inf):
    """Numbers of a column; NaN where there is none."""
    if name not in table:
        return pd.Series(np.nan, table.index)
    # Where semicolons part the cells, a comma is a decimal point.
    numbers = pd.to_numeric(table[name].str.replace(",", "."), errors="coerce")
    given = table[name] != ""
    bad = given & ~((numbers >= at_least) & (numbers > above) & np.isfinite(numbers))
    if bad.any():
        raise CorpusError(
            f"{path}: {name} must be a number of seconds; got "
            f"{table[name][bad].iloc[0]!r} in {_rows(bad)}"
        )
    return numbers


def _rows(mask):
    """Name rows as a spreadsheet counts them, the header being row 1."""
    numbers = [str(i + 2) for i in mask.index[mask]]
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return f"row{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:_SHOWN])}{more}"
