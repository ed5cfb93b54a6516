"""A corpus as spectrograms."""

import numpy as np

from ..errors import ArgumentError

__all__ = ["Features"]


class Features:
    """Spectrograms of a corpus: an array for each utterance, and its table.

    Behaves as a list of arrays of shape (frames, bands), float32. Those that
    `extract` kept on disk are mapped when they are used and not read before, so
    that a corpus may be larger than the memory.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Shape (frames, bands) each.
    table : pandas.DataFrame
        One row per array, as `Corpus.table`.
    spectrogram : Spectrogram, optional
        How they were made.
    rejected : pandas.DataFrame, optional
        Columns path and reason: recordings of which there are none.

    Attributes
    ----------
    table, rejected, spectrogram
        As given.
    speakers : numpy.ndarray
        Of each utterance, str, shape (utterances,).

    Raises
    ------
    ArgumentError
        If arrays and table differ in length.
    """

    def __init__(self, arrays, table, spectrogram=None, rejected=None):
        import pandas as pd

        if len(arrays) != len(table):
            raise ArgumentError(
                "there must be a row of the table for each array; got "
                f"{len(arrays)} arrays and {len(table)} rows"
            )
        self._arrays = arrays
        self.table = table.reset_index(drop=True)
        self.spectrogram = spectrogram
        if rejected is None:
            rejected = pd.DataFrame({"path": [], "reason": []}, dtype=str)
        self.rejected = rejected

    def __len__(self):
        return len(self._arrays)

    def __getitem__(self, index):
        """Return one array, or the `Features` of a slice."""
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        return self._arrays[index]

    def __iter__(self):
        return (self._arrays[i] for i in range(len(self)))

    def __repr__(self):
        rejected = f", {len(self.rejected)} rejected" if len(self.rejected) else ""
        return (
            f"{len(self)} spectrograms, {len(np.unique(self.speakers))} speakers"
            f"{rejected}"
        )

    @property
    def speakers(self):
        """Speaker of each utterance."""
        return self.table["speaker"].to_numpy(dtype=str)

    def transcripts(self, without=("sil",)):
        """Return what is said in each utterance, as phones without their times.

        Parameters
        ----------
        without : sequence of str
            Symbols that are left out: a pause is heard, not said.

        Returns
        -------
        list of list of str
            Empty where the phones are unknown.
        """
        return [
            [symbol for symbol, _, _ in phones or () if symbol not in without]
            for phones in self.table["phones"]
        ]

    def select(self, rows):
        """Keep some of the utterances.

        Parameters
        ----------
        rows : array of bool or of int
            A mask over the utterances, or positions.

        Returns
        -------
        Features
            The same arrays, fewer of them.
        """
        rows = np.asarray(rows)
        if not rows.size:
            rows = rows.astype(int)  # NumPy takes an empty list for floats
        rows = np.arange(len(self))[rows]
        return Features(
            _Chosen(self._arrays, rows), self.table.iloc[rows], self.spectrogram
        )

    def map(self, function):
        """Apply a function to each array, now.

        Parameters
        ----------
        function : callable
            (frames, bands) -> (frames, bands).

        Returns
        -------
        Features
            In memory, with the same table.
        """
        arrays = [function(array) for array in self]
        return Features(arrays, self.table, self.spectrogram, self.rejected)


class _Chosen:
    """Some of a sequence of arrays."""

    def __init__(self, arrays, rows):
        self._arrays = arrays
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return self._arrays[int(self._rows[index])]
