"""What a network can say, and where its blank is."""

import dataclasses

import numpy as np

from ..errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The symbols that a network's outputs stand for.

    Parameters
    ----------
    symbols : tuple of str
        Phones, or letters, each once.
    blank : int or None
        Which output is the blank; -1 for the last, None for a network that has
        none. The old `ctc_batch_cost` of
        Keras has it last, `keras.losses.CTC` first, and either takes the other's
        silently (FAULTS C13): here it is said.

    Raises
    ------
    ArgumentError
        If a name occurs twice, there is none, or the blank is no output.

    Examples
    --------
    >>> vocabulary = Vocabulary(("a", "b"), blank=0)
    >>> vocabulary.encode(["b", "a", "a"]).tolist()
    [2, 1, 1]
    >>> vocabulary.decode([2, 1, 1])
    ['b', 'a', 'a']
    """

    symbols: tuple[str, ...]
    blank: int | None = -1

    def __post_init__(self):
        symbols = tuple(self.symbols)
        if not symbols or len(set(symbols)) < len(symbols):
            repeated = sorted({s for s in symbols if symbols.count(s) > 1})
            what = f"repeated: {', '.join(repeated)}" if repeated else "none"
            raise ArgumentError(f"symbols must be distinct, at least one; got {what}")
        if self.blank is not None and not -1 <= self.blank <= len(symbols):
            raise ArgumentError(
                f"blank must be an output, 0 to {len(symbols)}, or -1 for the last; "
                f"got {self.blank}"
            )
        # A frozen object sets its own attributes this way.
        object.__setattr__(self, "symbols", symbols)
        if self.blank == -1:
            object.__setattr__(self, "blank", len(symbols))

    @classmethod
    def from_sequences(cls, sequences, blank=-1):
        """Collect the symbols of a corpus.

        Parameters
        ----------
        sequences : iterable of sequence of str
            For instance `Features.phones`.
        blank : int or None
            Which output is the blank; -1 for the last, None for none.

        Returns
        -------
        Vocabulary
            Sorted.
        """
        return cls(tuple(sorted({s for seq in sequences for s in seq})), blank)

    def __len__(self):
        """Return the number of outputs, the blank among them."""
        return len(self.symbols) + (self.blank is not None)

    def encode(self, sequence):
        """Turn symbols into labels.

        Parameters
        ----------
        sequence : sequence of str
            Symbols.

        Returns
        -------
        numpy.ndarray
            int32, shape (symbols,); never the blank.

        Raises
        ------
        ArgumentError
            If a symbol is unknown.
        """
        where = {name: i for i, name in enumerate(self.symbols)}
        if self.blank is not None:
            where = {name: i + (i >= self.blank) for name, i in where.items()}
        unknown = sorted({name for name in sequence if name not in where})
        if unknown:
            raise ArgumentError(
                f"unknown symbols: {' '.join(unknown)}; known are "
                f"{' '.join(self.symbols)}"
            )
        return np.array([where[name] for name in sequence], dtype=np.int32)

    def decode(self, labels):
        """Turn labels into symbols.

        Parameters
        ----------
        labels : sequence of int
            None of them the blank; negative ones, as batches are padded with, are
            passed over.

        Returns
        -------
        list of str
            Symbols.

        Raises
        ------
        ArgumentError
            If a label is the blank or no output.
        """
        labels = np.asarray(labels, dtype=int)
        labels = labels[labels >= 0]
        wrong = labels[(labels == self.blank) | (labels >= len(self))]
        if len(wrong):
            raise ArgumentError(
                f"labels must be 0 to {len(self) - 1} and not the blank, "
                f"{self.blank}; got {wrong[0]}"
            )
        if self.blank is not None:
            labels = labels - (labels > self.blank)
        return [self.symbols[label] for label in labels]
