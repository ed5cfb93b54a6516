"""Calling a program's decoder on outputs that are made up."""

import numpy as np

from . import rows
from .rule import NotExamined


def made_up(best, classes):
    """Posteriors of shape (frames, classes) with these best classes, nearly sure."""
    p = np.full((len(best), classes), 0.01 / (classes - 1))
    p[np.arange(len(best)), best] = 0.99
    return p.astype(np.float32)


def call_decoder(decode, posteriors):
    """Labels that a decoder makes of one utterance, whatever shape it asks for.

    Raises
    ------
    NotExamined
        If it can be called in no known way.
    """
    frames = len(posteriors)
    ways = [
        lambda: decode(posteriors[None]),
        lambda: decode(posteriors),
        lambda: decode(posteriors[None], np.asarray([frames])),
        lambda: decode(posteriors, frames),
        lambda: decode(posteriors[None], np.asarray([[frames]])),
    ]
    reason = None
    for i, way in enumerate(ways):
        try:
            found = way()
            labels = _labels(found, one=i in (1, 3))
        except Exception as error:
            reason = reason or error
            continue
        if labels is not None:
            return labels
    raise NotExamined(f"decode= cannot be called: {reason}")


def _labels(found, one):
    """Labels of the single utterance, without padding; None if it is none."""
    found = rows.to_arrays(found) if not isinstance(found, str) else found
    # ctc_decode gives (list of the decoded, scores).
    if isinstance(found, tuple) and len(found) == 2:
        found = found[0]
        if (
            isinstance(found, list | tuple)
            and len(found) == 1
            and np.ndim(found[0]) == 2
        ):
            found = found[0]
    if isinstance(found, str):
        return found.split() if " " in found.strip() else list(found.strip())
    if isinstance(found, np.ndarray):
        found = found.tolist()
    found = list(found)
    nested = bool(found) and (isinstance(found[0], list | tuple | np.ndarray))
    if not one:
        # A batch of one gives a list of one.
        if len(found) != 1:
            return None
        if isinstance(found[0], str):
            return _labels(found[0], True)
        if not nested:
            return None
        found = list(np.asarray(found[0]).tolist())
    elif nested:
        if len(found) != 1:
            return None
        found = list(np.asarray(found[0]).tolist())
    return [
        label for label in found if not (isinstance(label, int | float) and label < 0)
    ]
