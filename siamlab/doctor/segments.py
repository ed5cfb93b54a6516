"""Tables of segments, whatever their columns are called."""

import numpy as np

from .rule import NotExamined

_LABELS = ("label", "phone", "symbol", "segment", "sound", "ipa", "text", "unit")
_UTTERANCES = ("utterance", "utt", "sentence", "file", "recording", "path", "id")


def collapsed(labels):
    """Take equal neighbors as one.

    Examples
    --------
    >>> collapsed([1, 1, 2, 1])
    [1, 2, 1]
    """
    labels = list(labels)
    return [a for i, a in enumerate(labels) if not i or a != labels[i - 1]]


def by_utterance(table):
    """Labels of each utterance, in the order of the table.

    Parameters
    ----------
    table : pandas.DataFrame, or list of lists of labels
        A table has a row for each segment.

    Returns
    -------
    list of list
    """
    if not hasattr(table, "columns"):
        return [list(row) for row in table]
    utterance = _column(table, _UTTERANCES)
    label = _column(table, _LABELS, not_=utterance)
    if utterance is None or label is None:
        label = label or _text_column(table, utterance)
        if utterance is None or label is None:
            raise NotExamined("segments_table= needs columns utterance and label")
    groups = table.groupby(utterance, sort=False)[label]
    return [list(labels) for _, labels in groups]


def _column(table, names, not_=None):
    columns = [c for c in table.columns if c != not_]
    for name in names:
        for column in columns:
            if str(column).lower() == name:
                return column
    for name in names:
        for column in columns:
            words = str(column).lower().replace("_", " ").split()
            if any(word.startswith(name) for word in words):
                return column
    return None


def _text_column(table, utterance):
    for column in table.columns:
        if column != utterance and not np.issubdtype(
            np.asarray(table[column]).dtype, np.number
        ):
            return column
    return None
