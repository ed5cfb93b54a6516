"""Embeddings together with the table of their utterances."""

import numpy as np

from ..errors import ArgumentError


class Embeddings(np.ndarray):
    """An array of embeddings, with the table of the utterances as an attribute.

    Slices and results of computations are ordinary arrays, because they may no longer
    have one row per utterance.

    Parameters
    ----------
    rows : array_like
        Shape (utterances, dim).
    table : pandas.DataFrame, optional
        One row per utterance, as in `Corpus.table`.
    rejected : pandas.DataFrame, optional
        Columns path and reason: recordings without an embedding.

    Attributes
    ----------
    table, rejected
        As given.

    Raises
    ------
    ArgumentError
        If rows and table differ in length.

    Examples
    --------
    >>> import siamlab as sl
    >>> embeddings = sl.embed(sl.corpora.voices(n_speakers=2, n_utterances=2))
    >>> embeddings.shape, len(set(embeddings.speakers))
    ((4, 128), 2)
    """

    table = None
    rejected = None

    def __new__(cls, rows, table=None, rejected=None):
        """Create a view of the rows; see the class."""
        rows = np.asarray(rows)
        if table is not None and len(table) != len(rows):
            raise ArgumentError(
                "table must have one row per embedding; got "
                f"{len(rows)} embeddings and {len(table)} rows"
            )
        made = rows.view(cls)
        made.table, made.rejected = table, rejected
        return made

    def __reduce__(self):
        return type(self), (np.asarray(self), self.table, self.rejected)

    def __getitem__(self, index):
        """Return rows or single numbers as an ordinary array."""
        return np.asarray(self)[index]

    def __array_wrap__(self, array, context=None, return_scalar=False):
        """Return the result of a computation as an ordinary array."""
        array = np.asarray(array)
        return array[()] if return_scalar else array

    @property
    def speakers(self):
        """Speaker of each utterance, str, shape (utterances,).

        Raises
        ------
        ArgumentError
            If there is no table.
        """
        if self.table is None:
            raise ArgumentError(
                "these embeddings have no table of their utterances; embed the "
                "features of a corpus, or pass the speakers separately"
            )
        return self.table["speaker"].to_numpy(dtype=str)
