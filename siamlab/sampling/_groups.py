"""Which utterances belong together."""

import numpy as np
import pandas as pd


def groups(column):
    """Name the entries of a column, sorted, and number each row by them.

    As ``np.unique(column, return_inverse=True)`` of strings, which sorts millions of
    them where a hash table does.
    """
    codes, entries = pd.factorize(column, use_na_sentinel=False)
    names, numbers = np.unique(
        np.asarray(entries, dtype=object).astype(str), return_inverse=True
    )
    return names, numbers[codes]


def members(numbers, count):
    """Rows of each group, in their order."""
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=count))
    return np.split(order, ends[:-1])


def epoch_of(lengths, frames):
    """How many segments there are without overlap; each utterance has one at least."""
    return int(np.maximum(np.asarray(lengths) // frames, 1).sum())


class OfOthers:
    """Of an utterance, those of other speakers that are in the same group.

    Called with an utterance, it gives the sequence of them, in their order. All of
    them together would be as many as there are pairs, so that they are counted
    rather than listed.

    Parameters
    ----------
    numbers : numpy.ndarray
        Group of each utterance, shape (utterances,).
    speakers : numpy.ndarray
        Speaker of each utterance, as a number, shape (utterances,).
    """

    def __init__(self, numbers, speakers):
        self._numbers = numbers
        self._groups = members(numbers, numbers.max() + 1)
        # An utterance's own speaker in its own group.
        both = numbers * (speakers.max() + 1) + speakers
        _, self._own_number = np.unique(both, return_inverse=True)
        self._own = members(self._own_number, self._own_number.max() + 1)

    def __call__(self, utterance):
        """Return the sequence of them."""
        return _Without(
            self._groups[self._numbers[utterance]],
            self._own[self._own_number[utterance]],
        )


class _Without:
    """A sorted array without some of its entries, which are sorted, too."""

    def __init__(self, array, out):
        self._array = array
        # How many stay in front of each that is left out.
        self._before = np.searchsorted(array, out) - np.arange(len(out))

    def __len__(self):
        return len(self._array) - len(self._before)

    def __getitem__(self, index):
        return self._array[index + np.searchsorted(self._before, index, side="right")]
