"""Audit of the pairs before training."""

import copy
import dataclasses

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ._arguments import check_minimum

# Limits beyond which the audit reports a problem.
_SAME_SPEAKER = (0.4, 0.6)  # outside, predicting one class for all pairs pays off
_MAX_REPEATS = 0.3  # chance repeats some of the pairs of a small corpus
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

    @property
    def unknown(self):
        """What the pairs do not say, by the code of the rule that needs it."""
        values = {
            "S24": ("the recordings", (self.same_recording, self.same_session)),
            "S25": ("the recordings", (self.repeats,)),
            "S26": ("the sex of the speakers", (self.same_sex,)),
            "S27": ("where segments start", (self.at_start,)),
        }
        return {k: what for k, (what, v) in values.items() if np.isnan(v).all()}

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
    pairs : PairBatches or pandas.DataFrame
        The pairs to check; not modified. A table has a row for each pair and columns in
        twos, such as speaker_a and speaker_b: for speaker, recording, session, sex, and
        start, the position of the segment; as many of them as are known. Labels may be
        in a column "same".
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
        If `epochs` is below 1, or a table does not say which pairs are from the same
        speaker.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=6, n_utterances=4))
    >>> pairs = sl.sampling.PairBatches(features, batch_size=8, steps_per_epoch=10)
    >>> audit(pairs).problems
    ()
    """
    check_minimum(epochs=(epochs, 1))
    features = None if isinstance(pairs, pd.DataFrame) else pairs.features
    table = pairs if features is None else _draw_table(copy.copy(pairs), epochs)
    labels = table["same"].to_numpy(bool) if "same" in table else None
    # From the speakers if they are known, because the labels may be wrong.
    same = _alike(table, "speaker") if "speaker_a" in table else labels
    if same is None:
        raise ArgumentError(
            "the table of pairs must have the columns speaker_a and speaker_b, or a "
            f"column same; it has {', '.join(map(str, table.columns))}"
        )
    starts = _both(table, "start")
    shared_speakers, shared_recordings = _shared(features, against)
    result = PairAudit(
        n_pairs=len(table),
        same_speaker=_mean(same),
        repeats=_repeats(table),
        same_recording=_mean(_alike(table, "recording")[same]),
        same_session=_mean(_alike(table, "session")[same]),
        same_sex=_mean(_alike(table, "sex")[~same]),
        at_start=_mean(starts[~np.isnan(starts)] == 0),
        shared_speakers=shared_speakers,
        shared_recordings=shared_recordings,
        problems=(),
    )
    n_wrong = 0 if labels is None else np.count_nonzero(same != labels)
    return dataclasses.replace(result, problems=tuple(_problems(result, n_wrong)))


def _draw_table(pairs, epochs):
    """Draw the pairs, and add what the features say about both sides."""
    features, tables = pairs.features, []
    for _ in range(epochs):
        tables += [pairs.draw(i) for i in range(len(pairs))]
        pairs.on_epoch_end()
    drawn = pd.concat(tables, ignore_index=True)
    table = {"same": drawn["same"]}
    for side, end in (("first", "_a"), ("second", "_b")):
        row, start = drawn[side].to_numpy(), drawn[f"{side}_frame"].to_numpy(float)
        table["speaker" + end] = features.speakers[row]
        table["recording" + end] = row
        # A recording as short as a segment can only start at its first frame.
        is_long = features.lengths[row] > pairs.n_frames
        table["start" + end] = np.where(is_long, start, np.nan)
        for name in ("session", "sex"):
            if name in features.table:
                table[name + end] = features.table[name].to_numpy(str)[row]
    return pd.DataFrame(table)


def _both(table, name):
    """Return the columns of both sides as floats, shape (pairs, 2); NaN if unknown."""
    columns = [f"{name}_a", f"{name}_b"]
    if not set(columns) <= set(table):
        return np.full((len(table), 2), np.nan)
    return table[columns].to_numpy(float)


def _alike(table, name):
    """Return 1 where both sides agree, 0 where they differ, NaN where it is unknown.

    Booleans, if it is known for all pairs.
    """
    columns = [f"{name}_a", f"{name}_b"]
    if not set(columns) <= set(table):
        return np.full(len(table), np.nan)
    a, b = (table[column].to_numpy(str) for column in columns)
    unknown = np.isin(a, ("", "nan", "None")) | np.isin(b, ("", "nan", "None"))
    return np.where(unknown, np.nan, a == b) if unknown.any() else a == b


def _repeats(table):
    """Return the fraction of pairs that were drawn before, in either order."""
    names = ["recording_a", "recording_b"]
    if not set(names) <= set(table):
        return np.nan
    sides = pd.factorize(table[names].to_numpy().reshape(-1))[0].reshape(-1, 2)
    segments = np.stack([sides, np.nan_to_num(_both(table, "start"))], axis=2)
    # A number for each segment, so that pairs can be compared in either order.
    numbers = np.unique(segments.reshape(-1, 2), axis=0, return_inverse=True)[1]
    return _mean(pd.DataFrame(np.sort(numbers.reshape(-1, 2), axis=1)).duplicated())


def _mean(values):
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return float(np.mean(values)) if len(values) else np.nan


def _shared(features, against):
    """Count speakers and recordings that two splits have in common."""
    if against is None or features is None:
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
