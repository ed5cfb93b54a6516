"""The rows of a CSV file of recordings, for `siamlab.corpora.folder`."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import CorpusError

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_MAX_SHOWN = 5  # rows named in an error


def csv_rows(path, columns=None):
    """Read rows for `corpus_of` from a CSV file.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8, with or without a byte order mark.
    columns : dict of str to str, optional
        Column name in the file -> our name, as for `pandas.DataFrame.rename`.

    Returns
    -------
    pandas.DataFrame
        Columns speaker, session, path, start, duration (NaN if not given), text if
        given, and all others unchanged.

    Raises
    ------
    CorpusError
        If it is not such a table; the message names the columns or the rows.
    """
    table = _rename(_read_cells(path), path, columns or {})
    table["path"] = _paths(table.path, path.parent)
    session = table.get("session", pd.Series("", table.index))
    # Two speakers may both have a session "1"; ours are unique over all speakers.
    table["session"] = table.speaker.where(session == "", table.speaker + "/" + session)
    table["start"] = _seconds(table, "start", path, at_least=0.0).fillna(0.0)
    table["duration"] = _seconds(table, "duration", path, above=0.0)
    duplicates = table.duplicated(["path", "start"])
    if duplicates.any():
        raise CorpusError(
            f"{path}: {_row_numbers(duplicates)}: an earlier row has the same path and "
            "start. Delete it, or it could end up in two parts of a split"
        )
    return table


def _read_cells(path):
    """Read all cells as text, "" if empty; the index is the row number less two."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(_SEPARATORS, key=header.count)
        cells = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            encoding="utf-8-sig",
            keep_default_na=False,  # a speaker may be called NA
            skip_blank_lines=False,  # so that rows keep their numbers
        )
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not encoded in UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except (OSError, ValueError) as error:  # pandas' ParserError is a ValueError
        detail = " ".join(str(error).split()).removeprefix("Error tokenizing data. ")
        raise CorpusError(f"{path} cannot be read as a table: {detail}") from error
    if not isinstance(cells.index, pd.RangeIndex):
        raise CorpusError(
            f"{path}: its rows have more cells than its header has names "
            f"(separated by {_SEPARATORS[separator]}: {header.strip()!r})"
        )
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    cells.columns = cells.columns.str.strip()
    return cells[(cells != "").any(axis=1)]


def _rename(cells, path, columns):
    """Give the columns our names; check that path and speaker are there and filled."""
    present = ", ".join(repr(name) for name in cells.columns)
    unknown = [name for name in columns if name not in cells.columns]
    if unknown:
        raise CorpusError(f"{path} has no column {unknown[0]!r}; it has {present}")
    table = cells.rename(columns=columns)
    duplicates = table.columns[table.columns.duplicated()]
    if len(duplicates):
        raise CorpusError(
            f"{path}: two columns would be named {duplicates[0]!r}; it has {present}"
        )
    for required in ("path", "speaker"):
        if required not in table:
            raise CorpusError(
                f"{path} has no column {required!r}; it has {present}. Name the column "
                f'to use: columns={{"NAME IN THE FILE": "{required}"}}'
            )
        empty = table[required] == ""
        if empty.any():
            raise CorpusError(f"{path}: no {required} in {_row_numbers(empty)}")
    if "phones" in table:
        raise CorpusError(
            f"{path} has a column 'phones', but phones need times. Rename it with "
            'columns={"phones": "..."}, or use siamlab.corpora.textgrid'
        )
    return table


def _paths(listed, folder):
    """Resolve paths relative to the folder of the CSV file, with either slash."""
    # Not Path.exists, which raises if a name is too long.
    paths = [Path(folder, name) for name in listed]
    for i, name in enumerate(listed):
        if not os.path.exists(paths[i]):
            paths[i] = Path(folder, name.replace("\\", "/"))
    if paths and not any(os.path.exists(path) for path in paths):
        raise CorpusError(
            f"none of the {len(paths)} files exists; the first is {paths[0]}. "
            f"Paths are relative to {folder}, the folder of the CSV file"
        )
    return [str(path) for path in paths]


def _seconds(table, name, path, at_least=-np.inf, above=-np.inf):
    """Read the numbers of a column; NaN for empty cells."""
    if name not in table:
        return pd.Series(np.nan, table.index)
    # In tables with semicolons, a comma is a decimal point.
    numbers = pd.to_numeric(table[name].str.replace(",", "."), errors="coerce")
    given = table[name] != ""
    bad = given & ~((numbers >= at_least) & (numbers > above) & np.isfinite(numbers))
    if bad.any():
        raise CorpusError(
            f"{path}: {name} must be a number of seconds; got "
            f"{table[name][bad].iloc[0]!r} in {_row_numbers(bad)}"
        )
    return numbers


def _row_numbers(mask):
    """Name rows as a spreadsheet numbers them: the header is row 1."""
    numbers = [str(i + 2) for i in mask.index[mask]]
    more = len(numbers) - _MAX_SHOWN
    end = f" and {more} more" if more > 0 else ""
    shown = ", ".join(numbers[:_MAX_SHOWN])
    return f"row{'s' if len(numbers) > 1 else ''} {shown}{end}"
