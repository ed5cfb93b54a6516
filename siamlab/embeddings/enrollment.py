"""One model for each speaker, and trials against it."""

import numpy as np

from ..errors import ArgumentError
from .averaging import unit


def enroll(embeddings, speakers):
    """Make a model of each speaker from several of his utterances.

    Normalize, average, normalize: no utterance rules the model (FAULTS S21).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).

    Returns
    -------
    names : numpy.ndarray
        Shape (speakers,), sorted.
    models : numpy.ndarray
        float32, shape (speakers, dim), rows of unit length.

    Raises
    ------
    ArgumentError
        If shapes do not fit, or there is nobody.

    Examples
    --------
    >>> names, models = enroll([[2.0, 0.0], [0.0, 9.0], [0.0, 3.0]], ["a", "b", "b"])
    >>> names.tolist(), models.tolist()
    (['a', 'b'], [[1.0, 0.0], [0.0, 1.0]])
    """
    vectors, speakers = _checked(embeddings, speakers)
    names, ids = np.unique(speakers, return_inverse=True)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, ids, vectors)
    return names, unit(sums).astype(np.float32)


def trials(names, models, embeddings, speakers):
    """Score each utterance against each enrolled speaker.

    Utterances should be others than those that were enrolled, best from another
    session.

    Parameters
    ----------
    names, models : array_like
        Of `enroll`.
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Who it is, shape (utterances,); may be somebody who is not enrolled.

    Returns
    -------
    y_true : numpy.ndarray of bool
        Whether it is the enrolled speaker, shape (utterances * enrolled speakers,).
    y_score : numpy.ndarray
        Cosines, same shape: for `metrics.eer`.

    Raises
    ------
    ArgumentError
        If shapes do not fit.

    Examples
    --------
    >>> names, models = enroll(np.eye(2), ["a", "b"])
    >>> y_true, y_score = trials(names, models, [[3.0, 0.0]], ["a"])
    >>> y_true.tolist(), y_score.tolist()
    ([True, False], [1.0, 0.0])
    """
    vectors, speakers = _checked(embeddings, speakers)
    models, names = np.asarray(models, dtype=np.float64), np.asarray(names)
    if models.ndim != 2 or models.shape != (len(names), vectors.shape[1]):
        raise ArgumentError(
            f"models must have shape ({len(names)}, {vectors.shape[1]}), a row for "
            f"each name; got {models.shape}"
        )
    y_true = speakers[:, None] == names[None, :]
    return y_true.ravel(), (vectors @ models.T).ravel()


def _checked(embeddings, speakers):
    vectors = np.asarray(embeddings, dtype=np.float64)
    speakers = np.asarray(speakers)
    if vectors.ndim != 2 or speakers.shape != vectors.shape[:1] or not len(vectors):
        raise ArgumentError(
            "embeddings must have shape (utterances, dim) and speakers (utterances,); "
            f"got {vectors.shape} and {speakers.shape}"
        )
    return unit(vectors), speakers
