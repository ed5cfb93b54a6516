"""Tables of recordings in text files, for `folder` and `common_voice`."""

import ast
import csv
import os
import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import CorpusError

_CSV_SUFFIXES = (".csv", ".tsv", ".txt")
_SEPARATORS = ("\t", ";", ",")
_MAX_SHOWN = 5  # rows named in an error
# Columns that may be times under other names, in other units.
_TIME = re.compile(
    "(start|begin|onset|end|stop|offset|duration|[tx]min|[tx]max)"
    r"[_ ([]*(s|ms|sec|seconds|time|samples)?[])]*",
    re.IGNORECASE,
)


def is_csv_file(path):
    """Whether a path is the file of a table, by its suffix."""
    return os.path.isfile(path) and path.suffix.lower() in _CSV_SUFFIXES


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
    table : pandas.DataFrame
        Columns speaker, session, path, start, duration (NaN if not given), text and
        phones if given, and all others unchanged.
    broken : list of (str, str)
        Row and reason of the rows that cannot be read.

    Raises
    ------
    CorpusError
        If it is not such a table; the message names the columns or the rows.
    """
    cells, broken = to_table(path, *read_rows(path))
    table = _rename(cells, path, columns or {})
    table["path"] = _paths(table.path, path)
    session = table.get("session", table.speaker).where(
        lambda x: x != "", table.speaker
    )
    # Two speakers may both have a session "1"; ours are unique over all speakers.
    table["session"] = [
        name
        if f"{name}/".startswith((f"{speaker}/", f"{speaker}-"))
        else f"{speaker}/{name}"
        for name, speaker in zip(session, table.speaker, strict=True)
    ]
    table["start"] = _seconds(table, "start", path, at_least=0.0).fillna(0.0)
    duration = _seconds(table, "duration", path, above=0.0)
    length = _seconds(table, "end", path, above=table["start"]) - table["start"]
    if (different := (duration - length).abs() > 0.01).any():
        raise CorpusError(
            f"{path}: duration and end contradict each other in "
            f"{_row_numbers(different)}; correct or delete one of the columns"
        )
    table["duration"] = duration.fillna(length)
    if "phones" in table:
        table["phones"] = [_phones(cell, path) for cell in table["phones"]]
    return table.drop(columns="end", errors="ignore"), broken


def read_rows(path, separator=None, quoting=csv.QUOTE_MINIMAL):
    """Read a table of text.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8, with or without a byte order mark.
    separator : str, optional
        Between the cells; by default, the most frequent one in the first line.
    quoting : int
        As for `csv.reader`.

    Returns
    -------
    header : list of str
        The cells of the first row.
    rows : list of (int, list of str)
        Number, as in a spreadsheet, and cells of all other rows that are not empty.

    Raises
    ------
    CorpusError
        If the file cannot be read, or a quotation mark is missing.
    """
    reader = None
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            separator = separator or max(_SEPARATORS, key=file.readline().count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, quoting=quoting, strict=True)
            rows = [
                (number, [cell.strip() for cell in row])
                for number, row in enumerate(reader, 1)
            ]
    except (OSError, ValueError, csv.Error) as error:
        line = f", line {reader.line_num}" if reader else ""
        raise CorpusError(
            f"{path}{line} cannot be read as a table in UTF-8: {error}"
        ) from error
    (_, header), *rows = rows or [(1, [])]
    return header, [(number, row) for number, row in rows if any(row)]


def to_table(path, header, rows):
    """Make a table of complete rows, indexed by their number.

    Returns
    -------
    table : pandas.DataFrame
        Columns without a name, such as the index that pandas writes, are left out.
    broken : list of (str, str)
        Row and reason of the other rows.
    """
    broken, good = [], {}
    for number, row in rows:
        if len(row) != len(header):
            problem = f"has {len(row)} cells, but the header has {len(header)}"
        elif any(_is_row(cell, len(header)) for cell in row):
            problem = (
                "contains a whole row in one cell; a quotation mark may be missing"
            )
        else:
            good[number] = row
            continue
        broken.append((f"{path}, row {number}", f"{problem}; correct the row"))
    if rows and not good:
        raise CorpusError(": ".join(broken[0]))
    table = pd.DataFrame.from_dict(good, orient="index", columns=header, dtype=str)
    return table.loc[:, table.columns != ""], broken


def _is_row(cell, n):
    """Whether a cell with a line break contains as many separators as a row."""
    return len(cell.splitlines()) > 1 and len(re.findall("[\t;,]", cell)) >= n - 1


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
    for name in set(table.columns) - {"start", "duration", "end"}:
        if _TIME.fullmatch(name):
            raise CorpusError(
                f"{path} has a column {name!r}. If it is the start, end or duration in "
                f'seconds, rename it: columns={{"{name}": "start"}}; if not, give it '
                "another name"
            )
    return table


def _paths(listed, table):
    """Resolve paths relative to the folder of the CSV file, with either slash."""
    paths = []
    for name in listed:
        # A Mac may have written one letter as two.
        forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
        names = [name, *(form.replace("\\", "/") for form in forms)]
        candidates = [str(Path(table.parent, each)) for each in names]
        # Not Path.exists, which raises if a name is too long.
        paths.append(next(filter(os.path.exists, candidates), candidates[1]))
    if paths and not any(map(os.path.exists, paths)):
        raise CorpusError(
            f"{table}: none of the {len(paths)} files exists; the first is "
            f"{paths[0]}. Paths are relative to the folder of the CSV file"
        )
    return paths


def _phones(cell, path):
    """Read phones as `Corpus.table.to_csv` writes them; None if there are none."""
    if not cell:
        return None
    try:
        return [(str(p), float(s), float(e)) for p, s, e in ast.literal_eval(cell)]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise CorpusError(
            f"{path} has a column 'phones', but phones need times, as in "
            f"[('a', 0.0, 0.1)]; got {cell[:40]!r}. Rename it with "
            'columns={"phones": "..."}, or use siamlab.corpora.textgrid'
        ) from error


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
            f"{path}: {name} must be a number of seconds, after the start; got "
            f"{table[name][bad].iloc[0]!r} in {_row_numbers(bad)}"
        )
    return numbers


def _row_numbers(mask):
    """Name rows as a spreadsheet numbers them: the header is row 1."""
    numbers = [str(i) for i in mask.index[mask]]
    more = len(numbers) - _MAX_SHOWN
    end = f" and {more} more" if more > 0 else ""
    shown = ", ".join(numbers[:_MAX_SHOWN])
    return f"row{'s' if len(numbers) > 1 else ''} {shown}{end}"
