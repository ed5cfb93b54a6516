"""Audit of the pairs before training."""

import copy
import dataclasses

import numpy as np
import pandas as pd

from ._arguments import check_minimum

# Limits beyond which the audit reports a problem.
_SAME_SPEAKER = (0.4, 0.6)  # outside, predicting one class for all pairs pays off
_MAX_REPEATS = 0.1
_MAX_AT_START = 0.5


@dataclasses.dataclass(frozen=True)
class PairAudit:
    """Result of `audit`; fractions are from 0 to 1, or NaN if unknown.

    Parameters
    ----------
    n_pairs : int
        Number of pairs drawn.
    same_speaker : float
        Fraction of pairs from the same speaker.
    repeats : float
        Fraction of pairs that repeat an earlier pair, in either order.
    same_recording, same_session : float
        Fraction of the same-speaker pairs whose segments are from the same recording,
        or from the same session.
    same_sex : float
        Fraction of the different-speaker pairs whose speakers have the same sex.
    at_start : float
        Fraction of segments that start at the first frame, among the segments of
        utterances that are longer than a segment.
    shared_speakers, shared_recordings : int
        Numbers of speakers and of recordings that are also in the other split.
    problems : tuple of str
        Descriptions of the problems, with the codes of the doctor's rules
        (`docs/doctor.md`).
    """

    n_pairs: int
    same_speaker: float
    repeats: float
    same_recording: float
    same_session: float
    same_sex: float
    at_start: float
    shared_speakers: int
    shared_recordings: int
    problems: tuple[str, ...]

    def __repr__(self):
        """One line for each value, then the problems."""
        lines = [
            f"{name:<17}  " + (f"{x:.2f}" if isinstance(x, float) else f"{x:,}")
            for name, x in vars(self).items()
            if name != "problems"
        ]
        return "\n".join([*lines, *(self.problems or ["no problems"])])


def audit(pairs, against=None, epochs=1):
    """Draw the pairs of a training run, without training, and look for problems.

    Parameters
    ----------
    pairs : PairBatches
        The pairs to check; not modified.
    against : Features or PairBatches, optional
        Another split, such as the test set. It should share no speakers and no
        recordings with `pairs`.
    epochs : int
        Number of epochs to draw.

    Returns
    -------
    PairAudit
        Fractions, and a tuple of `problems`.

    Raises
    ------
    ArgumentError
        If `epochs` is below 1.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=6, n_utterances=4))
    >>> pairs = sl.sampling.PairBatches(features, batch_size=8, steps_per_epoch=10)
    >>> audit(pairs).problems
    ()
    """
    check_minimum(epochs=(epochs, 1))
    features = pairs.features
    drawn = _draw_epochs(copy.copy(pairs), epochs)
    first, second = drawn["first"].to_numpy(), drawn["second"].to_numpy()
    # Computed from the speakers, because the labels themselves may be wrong.
    same = features.speakers[first] == features.speakers[second]

    def fraction_alike(column, mask):
        """Fraction of the pairs in `mask` with the same entry in a column."""
        if column not in features.table:
            return np.nan
        entries = features.table[column].to_numpy(str)
        a, b = entries[first[mask]], entries[second[mask]]
        return _mean((a == b)[(a != "") & (b != "")])

    rows = drawn[["first", "second"]].to_numpy()
    starts = drawn[["first_frame", "second_frame"]].to_numpy()
    # A number for each segment, so that pairs can be compared in either order.
    segments = rows * (features.lengths.max() + 1) + starts
    repeats = pd.DataFrame(np.sort(segments, axis=1)).duplicated()
    could_start_elsewhere = features.lengths[rows] > pairs.n_frames
    shared_speakers, shared_recordings = _shared(features, against)
    result = PairAudit(
        n_pairs=len(drawn),
        same_speaker=_mean(same),
        repeats=_mean(repeats),
        same_recording=_mean((first == second)[same]),
        same_session=fraction_alike("session", same),
        same_sex=fraction_alike("sex", ~same),
        at_start=_mean(starts[could_start_elsewhere] == 0),
        shared_speakers=shared_speakers,
        shared_recordings=shared_recordings,
        problems=(),
    )
    n_wrong = np.count_nonzero(same != drawn["same"].to_numpy(bool))
    return dataclasses.replace(result, problems=tuple(_problems(result, n_wrong)))


def _mean(values):
    return float(np.mean(values)) if len(values) else np.nan


def _draw_epochs(pairs, epochs):
    tables = []
    for _ in range(epochs):
        tables += [pairs.draw(i) for i in range(len(pairs))]
        pairs.on_epoch_end()
    return pd.concat(tables, ignore_index=True)


def _shared(features, against):
    """Count speakers and recordings that two splits have in common."""
    if against is None:
        return 0, 0
    splits = features, getattr(against, "features", against)
    a, b = (set(each.speakers) for each in splits)
    columns = ["path", "start"]
    if not all(set(columns) <= set(each.table) for each in splits):
        return len(a & b), 0
    recordings = (each.table[columns].drop_duplicates() for each in splits)
    return len(a & b), len(pd.merge(*recordings))


def _problems(result, n_wrong):
    low, high = _SAME_SPEAKER
    if n_wrong:
        yield f"{n_wrong} labels contradict the speakers of their pairs"
    if not low <= result.same_speaker <= high:
        yield f"S11: {result.same_speaker:.0%} of the pairs are from the same speaker"
    if result.same_recording > 0:
        yield (
            f"S24: {result.same_recording:.0%} of the same-speaker pairs are from one "
            "recording, and share the microphone and the room"
        )
    elif result.same_session == 1:
        yield "S24: all same-speaker pairs are from one session"
    if result.shared_speakers or result.shared_recordings:
        yield (
            f"S24: {result.shared_speakers} speakers and {result.shared_recordings} "
            "recordings are also in the other split"
        )
    if result.repeats > _MAX_REPEATS:
        yield f"S25: {result.repeats:.0%} of the pairs were drawn before"
    if result.same_sex == 0:
        yield "S26: all different-speaker pairs are of a man and a woman"
    if result.at_start > _MAX_AT_START:
        yield f"S27: {result.at_start:.0%} of the segments start at the first frame"
