"""Enrollment of speakers, and verification trials against their models.

- `enroll`: average the embeddings of each speaker.
- `trials`: score utterances against the enrolled speakers.

Notebook: 10_embeddings.
"""

import numpy as np

from ..distances import normalize
from ..errors import ArgumentError
from ..metrics._validation import check_embeddings, check_labels


def enroll(embeddings, speakers):
    """Compute a model of each speaker from one or more utterances.

    The model is the mean of the speaker's embeddings. Each embedding is first scaled to
    unit length, so that no utterance dominates (docs/doctor.md#s21); so is the mean.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).

    Returns
    -------
    names : numpy.ndarray
        Names of the speakers, sorted, shape (speakers,).
    models : numpy.ndarray
        float32, shape (speakers, dim), rows of unit length.

    Raises
    ------
    ArgumentError
        If the shapes do not match, there are no embeddings, or one is all zeros.

    Examples
    --------
    >>> names, models = enroll([[2.0, 0.0], [0.0, 9.0], [0.0, 3.0]], ["a", "b", "b"])
    >>> names.tolist(), models.tolist()
    (['a', 'b'], [[1.0, 0.0], [0.0, 1.0]])
    """
    embeddings = normalize(check_embeddings(embeddings))
    speakers = check_labels(speakers, len(embeddings), name="speakers")
    names, ids = np.unique(speakers, return_inverse=True)
    sums = np.zeros((len(names), embeddings.shape[1]))
    np.add.at(sums, ids, embeddings)
    return names, normalize(sums).astype(np.float32)


def trials(names, models, embeddings, speakers):
    """Score each utterance against each enrolled speaker.

    Use utterances that were not used for enrollment, preferably from another session.

    Parameters
    ----------
    names, models : array_like
        As returned by `enroll`.
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        True speakers, shape (utterances,); they need not be enrolled.

    Returns
    -------
    y_true : numpy.ndarray of bool
        Whether the utterance is from the enrolled speaker, shape (utterances * enrolled
        speakers,).
    y_score : numpy.ndarray
        Cosine similarities, same shape, for `metrics.eer`.

    Raises
    ------
    ArgumentError
        If the shapes do not match.

    Examples
    --------
    >>> names, models = enroll(np.eye(2), ["a", "b"])
    >>> y_true, y_score = trials(names, models, [[3.0, 0.0]], ["a"])
    >>> y_true.tolist(), y_score.tolist()
    ([True, False], [1.0, 0.0])
    """
    embeddings = normalize(check_embeddings(embeddings))
    speakers = check_labels(speakers, len(embeddings), name="speakers")
    models, names = np.asarray(models, dtype=np.float64), np.asarray(names)
    if models.shape != (len(names), embeddings.shape[1]):
        raise ArgumentError(
            f"models must have shape ({len(names)}, {embeddings.shape[1]}), one row "
            f"for each name; got {models.shape}"
        )
    y_true = speakers[:, None] == names[None, :]
    return y_true.ravel(), (embeddings @ models.T).ravel()
