"""A table of utterances as a file that holds no program: CSV, with its types beside it.

- `write`: a table; gives what has to be known to read it.
- `read`: the same table.
"""

import json

import numpy as np

from .. import _files

_NUMBER, _TEXT, _JSON = "number", "text", "json"


def write(path, table):
    """Write a table; returns name, kind and type of each column."""
    columns = [[str(name), *_kind(table[name])] for name in table]
    coded = table.copy(deep=False)
    for name, (_, kind, _) in zip(table, columns, strict=True):
        if kind == _JSON:
            missing = table[name].isna()
            coded[name] = list(map(_coded, table[name], missing))
    with _files.atomic_write(path) as temporary:
        coded.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    return columns


def read(path, columns):
    """Read a table whose columns are those that `write` returned."""
    import pandas as pd

    table = pd.read_csv(
        path,
        dtype=str,
        keep_default_na=False,
        encoding="utf-8",
        lineterminator="\n",
        low_memory=False,  # equal strings of a column are one object then
    )
    for name, kind, dtype in columns:
        if kind == _NUMBER:
            table[name] = _numbers(table[name].to_numpy(object), np.dtype(dtype))
        elif kind == _JSON:
            entries = [json.loads(entry) for entry in table[name]]
            if name == "phones":
                entries = [e if e is None else [tuple(p) for p in e] for e in entries]
            table[name] = pd.Series(entries, dtype=dtype, index=table.index)
    return table


def _numbers(entries, dtype):
    """Parse a column of numbers to the last digit, as not every pandas does."""
    if dtype.kind == "b":
        return entries == "True"
    return np.where(entries == "", "nan", entries).astype(dtype)


def _kind(column):
    """How a column is written, and its type afterwards."""
    import pandas as pd

    if column.dtype.kind in "biuf" and isinstance(column.dtype, np.dtype):
        return _NUMBER, str(column.dtype)
    if column.map(lambda entry: isinstance(entry, str)).all():
        return _TEXT, "str"
    return _JSON, "str" if isinstance(column.dtype, pd.StringDtype) else "object"


def _coded(entry, missing):
    return "null" if missing else json.dumps(entry, ensure_ascii=False, default=str)
