"""Tables of pairs, whatever their columns are called."""

import numpy as np
import pandas as pd

from .rule import NotExamined

_ENDS = (
    ("_a", "_b"),
    ("_1", "_2"),
    ("_x", "_y"),
    ("_left", "_right"),
    ("_i", "_j"),
    ("_first", "_second"),
    ("1", "2"),
    ("_0", "_1"),
    ("_l", "_r"),
    ("A", "B"),
    ("_enrol", "_test"),
    ("_anchor", "_other"),
)
_NAMES = {
    "speaker": ("speaker", "spk", "spkr", "speaker_id", "identity", "person"),
    "recording": (
        "recording",
        "rec",
        "utterance",
        "utt",
        "utterance_id",
        "file",
        "filename",
        "path",
        "wav",
        "clip",
    ),
    "session": ("session", "video", "chapter", "sess"),
    "sex": ("sex", "gender"),
    "start": ("start", "offset", "first_frame", "onset", "begin"),
    "index": ("index", "idx", "id", "item"),
}


def table(value):
    """Turn pairs into a table.

    Parameters
    ----------
    value : pandas.DataFrame, dict, structured array, list of tuples or Pairs
        Lists and arrays of two columns are indices of both sides.

    Returns
    -------
    pandas.DataFrame
    """
    if isinstance(value, pd.DataFrame):
        return value.reset_index(drop=True)
    if hasattr(value, "draw") and hasattr(value, "features"):
        return _of_sampler(value)
    if isinstance(value, dict):
        return pd.DataFrame({k: np.asarray(v).tolist() for k, v in value.items()})
    array = np.asarray(value)
    if array.dtype.names:
        return pd.DataFrame({name: array[name] for name in array.dtype.names})
    if array.ndim == 2 and array.shape[1] in (2, 3):
        names = ["index_a", "index_b", "same"][: array.shape[1]]
        return pd.DataFrame(array, columns=names)
    raise NotExamined("the pairs are no table")


def _of_sampler(pairs):
    """Pairs of one epoch of a `siamlab.sampling.Pairs`."""
    drawn = pd.concat([pairs.draw(i) for i in range(len(pairs))], ignore_index=True)
    about = pairs.features.table
    out = {"same": drawn["same"]}
    for side, end in (("first", "_a"), ("second", "_b")):
        index = drawn[side].to_numpy()
        out["recording" + end] = index
        out["start" + end] = drawn[f"{side}_frame"]
        for name in ("speaker", "session", "sex"):
            if name in about:
                out[name + end] = about[name].to_numpy()[index]
    return pd.DataFrame(out)


def both(frame, what):
    """Columns of both sides of the pairs, or None.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row for each pair.
    what : str
        "speaker", "recording", "session", "sex", "start", "index".

    Returns
    -------
    tuple of numpy.ndarray or None
    """
    lower = {str(c).lower(): c for c in frame.columns}
    for name in _NAMES[what]:
        for one, two in _ENDS:
            for first, second in (
                (name + one, name + two),
                (one.strip("_") + "_" + name, two.strip("_") + "_" + name),
            ):
                first, second = first.lower(), second.lower()
                if first in lower and second in lower and first != second:
                    return tuple(frame[lower[k]].to_numpy() for k in (first, second))
    pairs = {"index": (("i", "j"), ("first", "second"), ("left", "right"), ("a", "b"))}
    for first, second in pairs.get(what, ()):
        if first in lower and second in lower:
            return tuple(frame[lower[k]].to_numpy() for k in (first, second))
    return None


def single(frame, what):
    """Column of a table of recordings, or None."""
    lower = {str(c).lower(): c for c in frame.columns}
    for name in _NAMES[what]:
        if name in lower:
            return frame[lower[name]].to_numpy()
    return None


def same(frame):
    """Whether each pair is of one speaker; from the speakers, or from a column."""
    speakers = both(frame, "speaker")
    if speakers is not None:
        return speakers[0] == speakers[1]
    for name in ("same", "label", "y", "target", "is_same", "positive"):
        for column in frame.columns:
            if str(column).lower() == name:
                return frame[column].to_numpy().astype(float) > 0.5
    raise NotExamined("the table does not say which pairs are of one speaker")
