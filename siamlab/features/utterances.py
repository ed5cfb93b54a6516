"""A corpus as spectrograms."""

import numpy as np

from ..errors import ArgumentError
from .arrays import Arrays

__all__ = ["Features"]


class Features:
    """Spectrograms of a corpus: an array for each utterance, and its table.

    Behaves as a list of arrays of shape (frames, bands), float32. Those that
    `extract` kept on disk are mapped when they are used and not read before, so
    that a corpus may be larger than the memory; `cut` reads a stretch of one.

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
    lengths : numpy.ndarray
        Frames of each utterance, int, shape (utterances,).

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
        self._arrays = arrays if isinstance(arrays, Arrays) else Arrays(arrays)
        self.table = table.reset_index(drop=True)
        self.spectrogram = spectrogram
        if rejected is None:
            rejected = pd.DataFrame({"path": [], "reason": []}, dtype=str)
        self.rejected = rejected

    @classmethod
    def open(cls, folder):
        """Open a folder of shards that `extract` has made.

        No shard is read before an array of it is used, and of that no more than is
        used. The folder may have moved to another place or machine since.

        Parameters
        ----------
        folder : str or os.PathLike
            As given to `extract`.

        Returns
        -------
        Features
            In the order of the corpus.

        Raises
        ------
        StorageError
            If the folder is not finished, or its table is damaged; of the shards,
            `damaged` tells.
        """
        from .manifest import read

        return cls(*read(folder))

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
            f"{len(self)} spectrograms, "
            f"{self.table['speaker'].nunique(dropna=False)} speakers{rejected}"
        )

    @property
    def speakers(self):
        """Speaker of each utterance."""
        return self.table["speaker"].to_numpy(dtype=str)

    @property
    def lengths(self):
        """Frames of each utterance; arrays on disk are not touched for it."""
        return self._arrays.lengths

    def cut(self, index, first, frames):
        """Cut a stretch out of one array.

        Parameters
        ----------
        index : int
            Of the utterance.
        first : int
            Where the stretch begins, in frames.
        frames : int
            Its length; what lies behind the end is not in it.

        Returns
        -------
        numpy.ndarray
            Shape (frames, bands). Of an array on disk no more is read.
        """
        return self._arrays.cut(index, first, frames)

    @property
    def arrays(self):
        """Where the arrays lie, and how they travel to workers."""
        return self._arrays

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
            self._arrays.take(rows), self.table.iloc[rows], self.spectrogram
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
