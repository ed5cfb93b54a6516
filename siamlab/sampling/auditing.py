"""What is in the pairs of a training, before it begins."""

import dataclasses

import numpy as np
import pandas as pd

from ..errors import ArgumentError

# From these shares on, the audit speaks of a problem.
_BALANCE = (0.4, 0.6)  # of same pairs: beyond, "always the same answer" pays
_REPEATS = 0.1
_FIRST_FRAME = 0.5


@dataclasses.dataclass(frozen=True)
class PairAudit:
    """Figures of an `audit`; shares are from 0 to 1, NaN where nothing is known.

    Parameters
    ----------
    pairs : int
        How many were drawn.
    same : float
        Share of pairs of the same speaker.
    repeats : float
        Share of pairs that had been drawn before, either way round.
    same_recording, same_session : float
        Share of the same-speaker pairs that come from one recording, or from one
        session.
    same_sex : float
        Share of the different-speaker pairs that are of the same sex; about half
        where nobody chose.
    at_start : float
        Share of segments that begin with the first frame, of those that could begin
        elsewhere.
    shared_speakers, shared_recordings : int
        How many speakers, and how many recordings, are in the other split as well.
    problems : tuple of str
        What is wrong, each with its code in FAULTS; none is good.
    """

    pairs: int
    same: float
    repeats: float
    same_recording: float
    same_session: float
    same_sex: float
    at_start: float
    shared_speakers: int
    shared_recordings: int
    problems: tuple[str, ...]

    def __repr__(self):
        """Figures, a line each, then the problems."""
        fields = dataclasses.asdict(self)
        problems = fields.pop("problems")
        width = max(map(len, fields))
        lines = [
            f"{name:<{width}}  {value:.2f}"
            if isinstance(value, float)
            else f"{name:<{width}}  {value:,}"
            for name, value in fields.items()
        ]
        return "\n".join([*lines, *problems] if problems else [*lines, "no problem"])


def audit(pairs, against=None, epochs=1):
    """Look into the pairs that a training would see.

    Parameters
    ----------
    pairs : Pairs
        Or anything with `features`, `draw` and a length, as `PairBatches` has; nothing in
        it is changed.
    against : Features or Pairs, optional
        Another split, such as the test speakers: none of them, and none of their
        recordings, should be in `pairs`.
    epochs : int
        How many to draw.

    Returns
    -------
    PairAudit
        Its figures, and `problems`.

    Raises
    ------
    ArgumentError
        If `epochs` is below 1.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=6, n_utterances=4))
    >>> audit(sl.sampling.PairBatches(features, batch_size=8, steps_per_epoch=10)).problems
    ()
    """
    if epochs < 1:
        raise ArgumentError(f"epochs must be at least 1; got {epochs}")
    features, frames = pairs.features, pairs.n_frames
    drawn = _draw(pairs, epochs)
    table = features.table
    first, second = (drawn[side].to_numpy() for side in ("first", "second"))
    # What the labels say is checked, not believed.
    same = features.speakers[first] == features.speakers[second]
    wrong = int(np.sum(same != drawn["same"].to_numpy(bool)))

    def alike(column, mask):
        """Share of some pairs whose utterances have the same entry."""
        if column not in table or not mask.any():
            return np.nan
        entries = table[column].to_numpy(str)
        a, b = entries[first[mask]], entries[second[mask]]
        known = (a != "") & (b != "")
        return float(np.mean((a == b)[known])) if known.any() else np.nan

    sides = np.stack(
        [drawn[["first", "first_frame"]], drawn[["second", "second_frame"]]], axis=1
    )
    keys = pd.Series([tuple(sorted(map(tuple, pair.tolist()))) for pair in sides])
    room = features.lengths[sides[..., 0]] > frames
    begins = sides[..., 1][room] == 0
    shared_speakers, shared_recordings = _shared(features, against)
    figures = {
        "pairs": len(drawn),
        "same": float(np.mean(same)),
        "repeats": float(np.mean(keys.duplicated())),
        "same_recording": float(np.mean(first[same] == second[same]))
        if same.any()
        else np.nan,
        "same_session": alike("session", same),
        "same_sex": alike("sex", ~same),
        "at_start": float(np.mean(begins)) if begins.size else np.nan,
        "shared_speakers": shared_speakers,
        "shared_recordings": shared_recordings,
    }
    return PairAudit(**figures, problems=tuple(_problems(figures, wrong)))


def _draw(pairs, epochs):
    """All pairs of some epochs; the epoch that the pairs are in is put back."""
    now = getattr(pairs, "_epoch", None)
    tables = []
    for epoch in range(epochs):
        tables += [pairs.draw(i) for i in range(len(pairs))]
        if epoch + 1 < epochs:
            pairs.on_epoch_end()
    if now is not None:
        pairs._epoch = now
    return pd.concat(tables, ignore_index=True)


def _shared(features, against):
    """Speakers and recordings that two splits have in common."""
    if against is None:
        return 0, 0
    other = getattr(against, "features", against)
    speakers = set(features.speakers) & set(other.speakers)
    paths = [
        set(zip(each.table["path"], each.table["start"], strict=True))
        if {"path", "start"} <= set(each.table)
        else set()
        for each in (features, other)
    ]
    return len(speakers), len(paths[0] & paths[1])


def _problems(figures, wrong):
    low, high = _BALANCE
    if wrong:
        yield f"{wrong} labels do not say what the speakers say"
    if not low <= figures["same"] <= high:
        yield f"S11: {figures['same']:.0%} of the pairs are of the same speaker"
    if figures["same_recording"] > 0:
        yield (
            f"S24: {figures['same_recording']:.0%} of the same-speaker pairs are from "
            "one recording: they share microphone, room and mood"
        )
    elif figures["same_session"] == 1:
        yield "S24: every same-speaker pair is from one session"
    if figures["shared_speakers"] or figures["shared_recordings"]:
        yield (
            f"S24: {figures['shared_speakers']} speakers and "
            f"{figures['shared_recordings']} recordings are in the other split, too"
        )
    if figures["repeats"] > _REPEATS:
        yield f"S25: {figures['repeats']:.0%} of the pairs had been drawn before"
    if figures["same_sex"] == 0:
        yield "S26: all different-speaker pairs are of a man and a woman"
    if figures["at_start"] > _FIRST_FRAME:
        yield f"S27: {figures['at_start']:.0%} of the segments begin with the recording"
