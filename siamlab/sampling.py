"""What a network is shown: segments and batches.

- `SpeakerBatches`: batches of P speakers with K segments each.
- `segment`, `segments`: stretches of a fixed length.
- `UtteranceBatches`: whole utterances with their labels, padded.
- `pad`: arrays of unequal length, filled up.
- `phone_labels`: of each utterance, its phones.
- `frame_labels`: the phone of each frame, from the times of the phones.

Notebooks: 03_ctc_that_does_not_learn, 04_pairs_and_twins.
"""

import keras
import numpy as np

from .errors import ArgumentError
from .progress import say

__all__ = [
    "SpeakerBatches",
    "UtteranceBatches",
    "frame_labels",
    "pad",
    "phone_labels",
    "segment",
    "segments",
]


def _long_enough(array, frames):
    """Repeat a recording that is shorter than a segment until it is one."""
    if len(array) >= frames:
        return array
    if not len(array):
        raise ArgumentError(
            f"there is nothing to cut segments from; got shape {array.shape}"
        )
    return np.tile(array, (-(-frames // len(array)), 1))[:frames]


def segment(array, frames, rng):
    """Cut a stretch of a spectrogram at a random place.

    Parameters
    ----------
    array : numpy.ndarray
        Shape (frames, bands). A shorter one than asked for is repeated.
    frames : int
        Length of the stretch.
    rng : numpy.random.Generator
        Draws the place: always the first 0.4 s would teach how people begin
        (FAULTS S27).

    Returns
    -------
    numpy.ndarray
        Shape (frames, bands).

    Raises
    ------
    ArgumentError
        If the array is empty.

    Examples
    --------
    >>> segment(np.zeros((100, 128)), 40, np.random.default_rng(0)).shape
    (40, 128)
    """
    array = _long_enough(array, frames)
    first = rng.integers(len(array) - frames + 1)
    return array[first : first + frames]


def segments(array, frames, hop=None):
    """Cut a spectrogram into stretches of the same length.

    Parameters
    ----------
    array : numpy.ndarray
        Shape (frames, bands). A shorter one than a segment is repeated.
    frames : int
        Length of a stretch.
    hop : int, optional
        From one to the next; `frames` by default, so that they do not overlap.

    Returns
    -------
    numpy.ndarray
        A view of shape (segments, frames, bands). What is left at the end is not
        in it.

    Raises
    ------
    ArgumentError
        If the array is empty, or a number is below 1.

    Examples
    --------
    >>> segments(np.zeros((100, 128)), 40).shape, segments(np.zeros((7, 128)), 40).shape
    ((2, 40, 128), (1, 40, 128))
    """
    hop = frames if hop is None else hop
    for name, value in (("frames", frames), ("hop", hop)):
        if value < 1:
            raise ArgumentError(f"{name} must be at least 1; got {value}")
    array = _long_enough(array, frames)
    windows = np.lib.stride_tricks.sliding_window_view(array, frames, axis=0)
    return windows[::hop].transpose(0, 2, 1)


class SpeakerBatches(keras.utils.PyDataset):
    """Batches of P speakers with K segments each, for `keras.Model.fit`.

    A segment is a random stretch of a random utterance of its speaker; the
    utterances of a batch differ where the speaker has as many.

    Parameters
    ----------
    features : Features
        Spectrograms and their speakers.
    speakers : int
        P, at most: all of them where the corpus has fewer.
    segments : int
        K, at least 2: with one segment each there is no pair of the same speaker.
    frames : int
        Length of a segment.
    steps : int, optional
        Batches per epoch. By default an epoch shows as many segments as there are
        in the corpus without overlap.
    seed : int
        Batch i of epoch e is drawn from ``(seed, e, i)``, whoever draws it.
    **kwargs
        As for `keras.utils.PyDataset`.

    Attributes
    ----------
    names : numpy.ndarray
        Speaker of each id, sorted.

    Raises
    ------
    ArgumentError
        If there are fewer than two speakers, or a number is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> from siamlab import Features
    >>> table = pd.DataFrame({"speaker": ["anna", "anna", "ben"]})
    >>> features = Features([np.zeros((100, 128), np.float32)] * 3, table)
    >>> x, speaker_ids = SpeakerBatches(features, speakers=2, segments=3)[0]
    >>> x.shape, sorted(speaker_ids.tolist())
    ((6, 40, 128), [0, 0, 0, 1, 1, 1])
    """

    def __init__(
        self,
        features,
        speakers=32,
        segments=4,
        frames=40,
        steps=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, least in (
            ("speakers", speakers, 2),
            ("segments", segments, 2),
            ("frames", frames, 1),
            ("steps", 1 if steps is None else steps, 1),
        ):
            if value < least:
                raise ArgumentError(f"{name} must be at least {least}; got {value}")
        self.names, ids = np.unique(features.speakers, return_inverse=True)
        if len(self.names) < 2:
            raise ArgumentError(
                "batches of speakers need at least 2 speakers; got "
                f"{len(self.names)} ({', '.join(self.names)})"
            )
        self._features = features
        self._of_speaker = [np.flatnonzero(ids == i) for i in range(len(self.names))]
        self.speakers = min(speakers, len(self.names))
        self.segments = segments
        self.frames = frames
        self.seed = seed
        self._epoch = 0
        if steps is None:
            there = sum(max(len(array) // frames, 1) for array in features)
            steps = max(1, round(there / (self.speakers * segments)))
        self.steps = steps

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        """Segments (P * K, frames, bands), float32, and speaker ids (P * K,)."""
        index = range(len(self))[index]  # so that a for-loop ends
        rng = np.random.default_rng((self.seed, self._epoch, index))
        ids = rng.permutation(len(self.names))[: self.speakers]
        x = [
            segment(self._features[utterance], self.frames, rng)
            for speaker in ids
            for utterance in self._draw(self._of_speaker[speaker], rng)
        ]
        return np.stack(x), np.repeat(ids, self.segments).astype(np.int32)

    def _draw(self, utterances, rng):
        again = len(utterances) < self.segments
        return rng.choice(utterances, size=self.segments, replace=again)

    def on_epoch_end(self):
        """Go on to the next epoch's batches; Keras calls it."""
        self._epoch += 1


class UtteranceBatches(keras.utils.PyDataset):
    """Whole utterances with their labels, padded with silence (see `pad`).

    For networks of phones: labels of CTC, one for each symbol, or of single
    frames, one for each.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        Shape (frames, bands) each.
    labels : sequence of numpy.ndarray
        Of int, shape (labels,) each.
    batch_size : int
        Utterances at a time; the last batch of an epoch may be smaller.
    shuffle : bool
        Another order in each epoch, drawn from ``(seed, epoch)`` (FAULTS C24).
    seed : int
        Of the order.
    **kwargs
        As for `keras.utils.PyDataset`.

    Raises
    ------
    ArgumentError
        If there are not as many labels as utterances, or `batch_size` is below 1.

    Examples
    --------
    >>> x = [np.ones((50, 8)), np.ones((30, 8))]
    >>> inputs, labels = UtteranceBatches(x, [[1, 2], [3]], shuffle=False)[0]
    >>> inputs["spectrogram"].shape, inputs["frames"].tolist(), labels.tolist()
    ((2, 50, 8), [50, 30], [[1, 2], [3, -1]])
    """

    def __init__(self, features, labels, batch_size=16, shuffle=True, seed=0, **kwargs):
        super().__init__(**kwargs)
        if len(features) != len(labels) or not len(labels):
            raise ArgumentError(
                "there must be labels for each utterance; got "
                f"{len(features)} utterances and {len(labels)} labels"
            )
        if batch_size < 1:
            raise ArgumentError(f"batch_size must be at least 1; got {batch_size}")
        self._features = features
        self._labels = labels
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self._epoch = 0

    def __len__(self):
        return -(-len(self._labels) // self.batch_size)

    def __getitem__(self, index):
        """Return a dictionary of "spectrogram" and "frames", and labels."""
        index = range(len(self))[index]
        order = np.arange(len(self._labels))
        if self.shuffle:
            order = np.random.default_rng((self.seed, self._epoch)).permutation(order)
        rows = order[index * self.batch_size : (index + 1) * self.batch_size]
        arrays = [self._features[int(row)] for row in rows]
        labels = [np.asarray(self._labels[row]) for row in rows]
        # Keras looks at two batches to learn which axes vary, and takes one that is
        # alike in both for fixed: even lengths and odd ones take turns.
        odd = index % 2
        padded, frames = pad(arrays, length=_parity(arrays, odd))
        labels, _ = pad(labels, value=-1, length=_parity(labels, odd), dtype=np.int32)
        return {"spectrogram": padded, "frames": frames}, labels

    def on_epoch_end(self):
        """Go on to the next epoch's order; Keras calls it."""
        self._epoch += 1


def _parity(arrays, odd):
    """Length of the longest, or one more."""
    longest = max(len(array) for array in arrays)
    return longest + (longest % 2 != odd)


def pad(arrays, value=None, length=None, dtype=np.float32):
    """Fill arrays up to one length, at their ends.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Shape (frames, ...) each.
    value : float, optional
        What they are filled with; by default the lowest value of all, which in a
        spectrogram is silence, scaled or not. 0 is the loudest sound there is in
        decibels that are all negative, and speech of medium level after min-max
        (FAULTS C2, C3).
    length : int, optional
        To which they are filled up; that of the longest by default.
    dtype : numpy.dtype
        Of the result.

    Returns
    -------
    padded : numpy.ndarray
        Shape (arrays, length, ...).
    frames : numpy.ndarray
        int32, shape (arrays,): how long each of them was. A network that is not
        told takes padding for sound.

    Raises
    ------
    ArgumentError
        If there is no array, or one is longer than `length`.

    Examples
    --------
    >>> padded, frames = pad([np.array([[-60.0], [-80.0]]), np.array([[-70.0]])])
    >>> padded[:, :, 0].tolist(), frames.tolist()
    ([[-60.0, -80.0], [-70.0, -80.0]], [2, 1])
    """
    if not len(arrays):
        raise ArgumentError("pad needs at least one array; got none")
    frames = np.array([len(array) for array in arrays], dtype=np.int32)
    length = frames.max() if length is None else length
    if length < frames.max():
        raise ArgumentError(
            f"length must be that of the longest, {frames.max()}, at least; got "
            f"{length}"
        )
    if value is None:
        value = min(np.min(array) for array in arrays if np.size(array))
    padded = np.full((len(arrays), length, *np.shape(arrays[0])[1:]), value, dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded, frames


def phone_labels(features, symbols, without=("sil",), strict=False):
    """Label each utterance with its phones, in their order: for CTC.

    Parameters
    ----------
    features : Features
        With phones in its table.
    symbols : ctc.Symbols
        With a blank.
    without : sequence of str
        Phones that are left out, as in `Features.transcripts`.
    strict : bool
        Raise at the first utterance that cannot be labelled, rather than report it.

    Returns
    -------
    features : Features
        The utterances that have a transcript, of known symbols. The others are in
        `Features.rejected`, and one line on standard error says how many.
    labels : list of numpy.ndarray
        int32, shape (phones,) each.

    Raises
    ------
    ArgumentError
        If none can be labelled; with `strict`, for the first that cannot.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(speakers=1, utterances=2))
    >>> symbols = sl.ctc.Symbols.of(features.transcripts())
    >>> features, labels = phone_labels(features, symbols)
    >>> [symbols.decode(each) for each in labels] == features.transcripts()
    True
    """

    def label(array, phones):
        spoken = [symbol for symbol, _, _ in phones or () if symbol not in without]
        if not spoken:
            raise ArgumentError("its transcript is empty")
        return symbols.encode(spoken)

    return _labelled(features, label, strict)


def frame_labels(features, symbols, strict=False):
    """Label each frame with the phone at its centre.

    Parameters
    ----------
    features : Features
        With times of phones in its table, and a `Spectrogram`.
    symbols : ctc.Symbols
        Without a blank.
    strict : bool
        Raise at the first utterance that cannot be labelled, rather than report it.

    Returns
    -------
    features : Features
        As from `phone_labels`.
    labels : list of numpy.ndarray
        int32, shape (frames,) each; -1 where no phone is.

    Raises
    ------
    ArgumentError
        If none can be labelled; with `strict`, for the first that cannot.
    """
    spectrogram = features.spectrogram

    def label(array, phones):
        if not phones:
            raise ArgumentError("it has no phones with times")
        centre = spectrogram.hop * np.arange(len(array)) + spectrogram.window / 2
        names, starts, ends = zip(*phones, strict=True)
        place = np.searchsorted(starts, centre, side="right") - 1
        inside = (place >= 0) & (centre < np.asarray(ends)[place])
        return np.where(inside, symbols.encode(names)[place], -1).astype(np.int32)

    return _labelled(features, label, strict)


def _labelled(features, label, strict):
    """Utterances that can be labelled, and their labels; the others are reported."""
    import pandas as pd

    table = features.table
    paths = table["path"] if "path" in table else [f"row {i}" for i in table.index]
    labels, good, bad = [], [], []
    for i, (path, phones) in enumerate(zip(paths, table["phones"], strict=True)):
        try:
            labels.append(label(features[i], phones))
            good.append(i)
        except ArgumentError as error:
            if strict:
                raise ArgumentError(f"{path}: {error}") from error
            bad.append({"path": path, "reason": str(error)})
    if not bad:
        return features, labels
    first = f"{bad[0]['path']}: {bad[0]['reason']}"
    if not good:
        raise ArgumentError(
            f"none of {len(features)} utterances can be labelled; the first, {first}"
        )
    say(
        f"{len(bad)} of {len(features)} utterances cannot be labelled ({first}); "
        "see features.rejected"
    )
    kept = features.select(good)
    kept.rejected = pd.concat([features.rejected, pd.DataFrame(bad)], ignore_index=True)
    return kept, labels
