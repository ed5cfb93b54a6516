"""The spectrograms of a corpus."""

import numpy as np

from ..errors import ArgumentError
from .shards import open_shards


class Features:
    """Spectrograms of a corpus: one array per utterance, and a table.

    Behaves like a list of float32 arrays of shape (time, mel). Arrays that `extract`
    has stored on disk are read on access, so the corpus may be larger than memory.
    `cut` reads only part of an array.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray or StoredArray
        Shape (time, mel) each.
    table : pandas.DataFrame
        One row per array, as in `Corpus.table`.
    spectrogram : Spectrogram, optional
        The settings with which the arrays were computed.
    rejected : pandas.DataFrame or sequence of (str, str)
        Path and reason of each recording that could not be used.
    folder : pathlib.Path, optional
        The folder of shards that contains the arrays.

    Attributes
    ----------
    arrays : list of numpy.ndarray or StoredArray
        The arrays, in memory or in files: ``arrays[0][:40]`` reads 40 frames.
    table, spectrogram, folder
        As given.
    rejected : pandas.DataFrame
        Columns path and reason: the recordings that could not be used.
    speakers : numpy.ndarray
        Speaker of each utterance, str, shape (utterances,).
    lengths : numpy.ndarray
        Number of frames of each utterance, int, shape (utterances,).

    Raises
    ------
    ArgumentError
        If the numbers of arrays and of rows differ.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"speaker": ["anna", "ben"]})
    >>> features = Features([np.zeros((98, 64)), np.zeros((120, 64))], table)
    >>> features.lengths, features.cut(1, first=10, n_frames=40).shape
    (array([ 98, 120]), (40, 64))
    """

    def __init__(self, arrays, table, spectrogram=None, rejected=(), folder=None):
        import pandas as pd

        if len(arrays) != len(table):
            raise ArgumentError(
                "the table must have one row per array; got "
                f"{len(arrays)} arrays and {len(table)} rows"
            )
        self.arrays = list(arrays)
        self.lengths = np.array([len(array) for array in self.arrays], dtype=int)
        self.table = table.reset_index(drop=True)
        self.spectrogram = spectrogram
        self.rejected = pd.DataFrame(rejected, columns=["path", "reason"], dtype=str)
        self.folder = folder

    @classmethod
    def open(cls, folder):
        """Open a folder of shards that `extract` has created.

        The frames are read on access. The folder may have been moved, or copied to
        another machine.

        Parameters
        ----------
        folder : str or os.PathLike
            The `folder` that was given to `extract`.

        Returns
        -------
        Features
            The spectrograms, in the order of the corpus.

        Raises
        ------
        StorageError
            If the extraction is not finished, or a file is missing or damaged.
        """
        return gather(*open_shards(folder))

    def __len__(self):
        return len(self.arrays)

    def __getitem__(self, index):
        """Return one array, or the `Features` of a slice, a list or a mask."""
        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        return self.select(index) if np.ndim(index) else self.arrays[index][:]

    def __iter__(self):
        return (array[:] for array in self.arrays)

    def __repr__(self):
        n_speakers = self.table["speaker"].nunique(dropna=False)
        rejected = f", {len(self.rejected)} rejected" if len(self.rejected) else ""
        return f"{len(self)} spectrograms, {n_speakers} speakers{rejected}"

    @property
    def speakers(self):
        """Speaker of each utterance."""
        return self.table["speaker"].to_numpy(dtype=str)

    def cut(self, index, first, n_frames):
        """Return part of one array; only this part is read from disk.

        Parameters
        ----------
        index : int
            The utterance.
        first : int
            The first frame.
        n_frames : int
            Number of frames; fewer are returned at the end of the utterance.

        Returns
        -------
        numpy.ndarray
            Shape (time, mel).
        """
        return self.arrays[index][first : first + n_frames]

    def transcripts(self, without=("sil",)):
        """Return the phones of each utterance, without their times.

        Parameters
        ----------
        without : sequence of str
            Symbols to leave out; by default, pauses.

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
        """Select some of the utterances.

        Parameters
        ----------
        rows : array of bool or of int
            A mask over the utterances, or their indices.

        Returns
        -------
        Features
            The selected utterances. The arrays are not copied.
        """
        rows = np.asarray(rows)
        if not rows.size:
            rows = rows.astype(int)  # an empty list becomes an array of floats
        rows = np.arange(len(self))[rows]
        return Features(
            [self.arrays[row] for row in rows],
            self.table.iloc[rows],
            self.spectrogram,
            folder=self.folder,
        )

    def map(self, function):
        """Apply a function to each array.

        Parameters
        ----------
        function : callable
            Maps an array (time, mel) to an array (time, mel).

        Returns
        -------
        Features
            In memory, with the same table.
        """
        arrays = [function(array) for array in self]
        return Features(arrays, self.table, self.spectrogram, self.rejected)


def gather(results, table, spectrogram, folder=None):
    """Make features of the utterances that have an array.

    Parameters
    ----------
    results : list of (numpy.ndarray, StoredArray or str)
        The array of each utterance, or the reason why it cannot be used.
    table : pandas.DataFrame
        One row per utterance.
    spectrogram, folder
        As for `Features`.

    Returns
    -------
    Features
        The other utterances are listed in its attribute ``rejected``.
    """
    usable = np.array([not isinstance(each, str) for each in results], dtype=bool)
    arrays = [results[i] for i in np.flatnonzero(usable)]
    reasons = [results[i] for i in np.flatnonzero(~usable)]
    rejected = list(zip(table["path"][~usable], reasons, strict=True))
    return Features(arrays, table[usable], spectrogram, rejected, folder)


def check_features(features):
    """Refuse arrays without a table of their speakers."""
    if not isinstance(features, Features):
        raise ArgumentError(
            f"features must be Features; got a {type(features).__name__}. Call "
            "siamlab.extract, or Features(arrays, table) with a column speaker"
        )
