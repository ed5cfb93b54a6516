"""The symbols of a network's outputs, and the index of the blank."""

import dataclasses

import numpy as np

from ..errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The symbols that the outputs of a network represent.

    Parameters
    ----------
    symbols : tuple of str
        Phones or letters, without duplicates.
    blank : int or None
        Index of the blank among the outputs; -1 for the last output, None for a
        network without a blank. It is explicit because conventions differ: Keras' old
        `ctc_batch_cost` expects the blank last and `keras.losses.CTC` first, and
        neither reports a wrong index (fault C13, `docs/doctor.md#c13`).

    Raises
    ------
    ArgumentError
        If there are no symbols, a symbol is repeated, or the blank is not an output.

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
            raise ArgumentError(
                f"symbols must be unique, and there must be at least one; got {what}"
            )
        if self.blank is not None and not -1 <= self.blank <= len(symbols):
            raise ArgumentError(
                f"blank must be from 0 to {len(symbols)}, or -1 for the last output; "
                f"got {self.blank}"
            )
        # The attributes of a frozen dataclass can only be set this way.
        object.__setattr__(self, "symbols", symbols)
        if self.blank == -1:
            object.__setattr__(self, "blank", len(symbols))

    @classmethod
    def from_sequences(cls, sequences, blank=-1):
        """Collect the symbols of a corpus.

        Parameters
        ----------
        sequences : iterable of sequence of str
            For example `Features.transcripts()`.
        blank : int or None
            Index of the blank; -1 for the last output, None for no blank.

        Returns
        -------
        Vocabulary
            A vocabulary with sorted symbols.
        """
        return cls(tuple(sorted({s for seq in sequences for s in seq})), blank)

    def __len__(self):
        """Return the number of outputs, including the blank."""
        return len(self.symbols) + (self.blank is not None)

    def encode(self, sequence):
        """Convert symbols to labels.

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
        outputs = [i for i in range(len(self)) if i != self.blank]
        output_of = dict(zip(self.symbols, outputs, strict=True))
        unknown = sorted({symbol for symbol in sequence if symbol not in output_of})
        if unknown:
            raise ArgumentError(
                f"unknown symbols: {' '.join(unknown)}; known are "
                f"{' '.join(self.symbols)}"
            )
        return np.array([output_of[symbol] for symbol in sequence], dtype=np.int32)

    def decode(self, labels):
        """Convert labels to symbols.

        Parameters
        ----------
        labels : sequence of int
            Without blanks. Negative labels, which are padding, are skipped.

        Returns
        -------
        list of str
            Symbols.

        Raises
        ------
        ArgumentError
            If a label is the blank or not an output.
        """
        labels = np.asarray(labels, dtype=int)
        labels = labels[labels >= 0]
        wrong = labels[(labels == self.blank) | (labels >= len(self))]
        if len(wrong):
            raise ArgumentError(
                f"labels must be from 0 to {len(self) - 1}, except the blank "
                f"{self.blank}; got {wrong[0]}"
            )
        if self.blank is not None:
            labels = labels - (labels > self.blank)
        return [self.symbols[label] for label in labels]
