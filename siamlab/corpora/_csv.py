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
_SEPARATORS = "\t;,"
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
    cells, broken = read_table(path)
    table = _rename(cells, path, columns or {})
    table["path"] = _paths(table["path"], path)
    session = table.get("session", table["speaker"])
    session = session.where(session != "", table["speaker"])
    # Two speakers may both have a session "1"; ours are unique over all speakers.
    shared = table["speaker"].groupby(session).transform("nunique") > 1
    table["session"] = session.where(~shared, table["speaker"] + "/" + session)
    table["start"] = _seconds(table, "start", path).fillna(0.0)
    duration = _seconds(table, "duration", path)
    length = _seconds(table, "end", path) - table["start"]
    wrong = (duration <= 0) | (length <= 0) | ((duration - length).abs() > 0.01)
    if wrong.any():
        raise CorpusError(
            f"{path}: start, end and duration contradict each other in "
            f"{_row_numbers(wrong)}; correct the rows, or delete one of the columns"
        )
    table["duration"] = duration.fillna(length)
    if "phones" in table:
        table["phones"] = [_phones(cell, path) for cell in table["phones"]]
    return table.drop(columns="end", errors="ignore"), broken


def read_table(path, separator=None, quoting=csv.QUOTE_MINIMAL, joined=None):
    """Read a table of text.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8, with or without a byte order mark.
    separator : str, optional
        Between the cells; by default, the most frequent one in the first line.
    quoting : int
        As for `csv.reader`.
    joined : str, optional
        Column whose cells may contain a line break without quotation marks, so that
        one row is on two lines.

    Returns
    -------
    table : pandas.DataFrame
        The complete rows, indexed by their number, as in a spreadsheet. Empty rows, and
        columns without a name, such as the index that pandas writes, are left out.
    broken : list of (str, str)
        Row and reason of the other rows.

    Raises
    ------
    CorpusError
        If the file cannot be read, a quotation mark is missing, or all rows are broken.
    """
    reader = None
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            separator = separator or max(_SEPARATORS, key=file.readline().count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, quoting=quoting, strict=True)
            lines = [[cell.strip() for cell in row] for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        line = f", line {reader.line_num}" if reader else ""
        raise CorpusError(
            f"{path}{line} cannot be read as a table in UTF-8: {error}"
        ) from error
    header, *lines = lines or [[]]
    rows = dict(enumerate(lines, 2))
    if joined in header:
        _join(rows, len(header), header.index(joined) + 1)
    good, broken = {}, []
    for number, row in rows.items():
        problem = _problem(row, len(header))
        if problem and any(row):
            broken.append((f"{path}, row {number}", f"{problem}; correct the row"))
        elif any(row):
            good[number] = row
    if broken and not good:
        raise CorpusError(": ".join(broken[0]))
    table = pd.DataFrame.from_dict(good, orient="index", columns=header, dtype=str)
    return table.loc[:, table.columns != ""], broken


def _join(rows, n, end):
    """Join rows of `n` cells that break off in cell number `end` with the next row."""
    for number in list(rows)[:-1]:
        row, rest = rows[number], rows[number + 1]
        if len(row) == end < n and len(rest) == n - end + 1:
            rows[number + 1] = [*row[:-1], f"{row[-1]} {rest[0]}", *rest[1:]]
            rows[number] = []


def _problem(row, n):
    """Say why a row is broken; "" if it is not."""
    if len(row) != n:
        return f"has {len(row)} cells, but the header has {n}"
    for cell in row:
        if cell.splitlines()[1:] and sum(map(cell.count, _SEPARATORS)) >= n - 1:
            return "contains a whole row in one cell; a quotation mark may be missing"
    return ""


def _rename(cells, path, columns):
    """Give the columns our names; check that path and speaker are there and filled."""
    present = ", ".join(map(repr, cells))
    for name in columns:
        if name not in cells:
            raise CorpusError(f"{path} has no column {name!r}; it has {present}")
    table = cells.rename(columns=columns)
    for name in table.columns[table.columns.duplicated()]:
        raise CorpusError(
            f"{path}: two columns would be named {name!r}; it has {present}"
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
    """Resolve paths relative to the folder of the CSV file."""
    paths = [_find(name, table.parent) for name in listed]
    if paths and not any(map(os.path.exists, paths)):
        raise CorpusError(
            f"{table}: none of the {len(paths)} files exists; the first is "
            f"{paths[0]}. Paths are relative to the folder of the CSV file"
        )
    return paths


def _find(name, folder):
    """Find a file whose name has either slash and either form of Unicode."""
    slashed = name.replace("\\", "/")
    # A Mac may have written one letter as two.
    forms = [unicodedata.normalize(form, slashed) for form in ("NFC", "NFD")]
    paths = [str(Path(folder, each)) for each in (slashed, *forms, name)]
    # Not Path.exists, which raises if a name is too long.
    return next(filter(os.path.exists, paths), paths[0])


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


def _seconds(table, name, path):
    """Read the numbers of a column; NaN for empty cells."""
    if name not in table:
        return pd.Series(np.nan, table.index)
    # In tables with semicolons, a comma is a decimal point.
    numbers = pd.to_numeric(table[name].str.replace(",", "."), errors="coerce")
    bad = (table[name] != "") & ~numbers.between(0, np.inf, inclusive="left")
    if bad.any():
        raise CorpusError(
            f"{path}: {name} must be a number of seconds, 0 or more; got "
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
