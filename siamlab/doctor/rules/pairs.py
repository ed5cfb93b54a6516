"""What is wrong with pairs: S24 leaks, S25 repeats, S26 strata, S27 first frames."""

import hashlib
import inspect

import numpy as np
import pandas as pd

from .. import columns, rows
from ..rule import NotExamined, rule

_NOTEBOOK = "04_pairs_and_twins"


def _table(case):
    return columns.table(case.pairs)


@rule(
    "S24",
    "siamese",
    "serious",
    title="The same recording on both sides",
    symptom="Figures too good to be true, which fall apart on other recordings.",
    cause="Segments are split at random, or a pair's two segments come from one "
    "recording: they share room, microphone and mood.",
    fix="split by speaker and recording; draw a pair from two recordings",
    notebook=_NOTEBOOK,
)
def s24_leak(case):
    """Recordings in common: of the two sides of a split, or of a pair of one speaker.

    Of a split one recording in common is one too many. Of pairs half of those of one
    speaker: a few do little harm. Speakers in common are a fault only where the test is
    said to be on others; whole sessions in common count as recordings where every pair
    is from one.
    """
    train, test = case.facts.get("train"), case.facts.get("test")
    if train is not None and test is not None:
        sides = [_recordings(each) for each in (train, test)]
        shared = sides[0] & sides[1]
        if shared:
            share = len(shared) / max(len(sides[1]), 1)
            return share, (
                f"{len(shared)} of {len(sides[1])} recordings of the test are in the "
                "training as well"
            )
        if case.given_pairs is None:
            return None
    frame = _table(case)
    leak = _leak_of_split(frame)
    if leak is not None:
        return leak
    same = columns.same(frame)
    if not same.any():
        raise NotExamined("no pair is of one speaker")
    recordings = columns.both(frame, "recording")
    sessions = columns.both(frame, "session")
    index = columns.both(frame, "index")
    if recordings is None and index is not None:
        recordings = index
    if recordings is None and sessions is None:
        raise NotExamined("the table names no recordings")
    if recordings is not None:
        share = float(np.mean((recordings[0] == recordings[1])[same]))
        if share >= 0.5:
            return (
                share,
                f"{share:.0%} of the pairs of one speaker are of one recording",
            )
    if sessions is not None:
        share = float(np.mean((sessions[0] == sessions[1])[same]))
        other = (
            float(np.mean((sessions[0] == sessions[1])[~same])) if (~same).any() else 0
        )
        speakers = columns.both(frame, "speaker")
        several = _several_sessions(speakers, sessions)
        if share == 1 and several and other < 1 and recordings is None:
            return share, "every pair of one speaker is of one session"
    return None


def _leak_of_split(frame):
    """Recordings on both sides of the split that a table of pairs names, if it does."""
    names = ("split", "set", "fold", "partition", "subset")
    column = next((c for c in frame.columns if str(c).lower() in names), None)
    recordings = columns.both(frame, "recording")
    if column is None or recordings is None:
        return None
    sides = [
        set(recordings[0][rows_]) | set(recordings[1][rows_])
        for rows_ in (frame[column].to_numpy() == v for v in frame[column].unique())
    ]
    if len(sides) < 2:
        return None
    shared = set.intersection(*sides[:2])
    if not shared:
        return None
    share = len(shared) / len(min(sides[:2], key=len))
    return share, f"{len(shared)} recordings are on both sides of the split {column!r}"


def _several_sessions(speakers, sessions):
    if speakers is None:
        return True
    seen = pd.DataFrame(
        {"speaker": np.concatenate(speakers), "session": np.concatenate(sessions)}
    )
    return bool((seen.groupby("speaker")["session"].nunique() > 1).any())


def _recordings(value):
    """Recordings of one side of a split; a set."""
    if isinstance(value, pd.DataFrame):
        both = columns.both(value, "recording")
        if both is not None:
            return set(both[0]) | set(both[1])
        one = columns.single(value, "recording")
        if one is None:
            raise NotExamined("the tables of the split name no recordings")
        return set(one)
    if hasattr(value, "table"):
        return _recordings(value.table)
    array = np.asarray(value)
    if array.ndim == 1:
        return set(array.tolist())
    return {
        hashlib.sha256(np.ascontiguousarray(r).tobytes()).hexdigest() for r in array
    }


@rule(
    "S25",
    "siamese",
    "serious",
    title="The same pairs again and again",
    symptom="Training loss falls, the loss of other speakers rises.",
    cause="Pairs are drawn once, or every worker and every epoch begins with one seed.",
    fix="draw anew each epoch, from a seed of (seed, epoch, index)",
    notebook=_NOTEBOOK,
)
def s25_repeats(case):
    """Pairs of one epoch, worker or batch that came in another before.

    Drawn anew from thousands, a tenth may come again; half of them is a fault.
    """
    for name in ("epochs", "workers", "batches"):
        groups = case.facts.get(name)
        if groups is None:
            continue
        groups = list(groups.values()) if isinstance(groups, dict) else list(groups)
        keys = [_keys(group) for group in groups]
        if len(keys) < 2:
            continue
        seen, again, count = set(keys[0]), 0, 0
        for group in keys[1:]:
            again += sum(key in seen for key in group)
            count += len(group)
            seen.update(group)
        share = again / max(count, 1)
        if share >= 0.5:
            return share, f"{share:.0%} of the pairs of later {name} came before"
        return None
    if case.given_pairs is not None:
        keys = _keys(case.given_pairs)
        share = 1 - len(set(keys)) / max(len(keys), 1)
        if share >= 0.5:
            return share, f"{share:.0%} of {len(keys)} pairs are repeats"
    if len(case.batches) == 2:
        one, two = (rows.flat((x,)) for x, _ in case.batches)
        if all(
            a.shape == b.shape and np.array_equal(a, b)
            for a, b in zip(one, two, strict=False)
        ):
            return 1.0, "two batches are the same, number by number"
        return None
    if case.given_pairs is None:
        raise NotExamined("needs pairs=, epochs= or workers=")
    return None


def _keys(group):
    """What each pair of a group is, whichever way round."""
    if hasattr(group, "draw") or isinstance(group, pd.DataFrame | dict):
        frame = columns.table(group)
        index = columns.both(frame, "index")
        if index is None:
            index = columns.both(frame, "recording")
        if index is None:
            raise NotExamined("the table does not say what the pairs are")
        start = columns.both(frame, "start") or (np.zeros(len(frame)),) * 2
        ends = zip(
            zip(index[0], start[0], strict=True),
            zip(index[1], start[1], strict=True),
            strict=True,
        )
        return [tuple(sorted(pair, key=str)) for pair in ends]
    if (
        isinstance(group, list | tuple)
        and group
        and all(isinstance(each, pd.DataFrame | dict) for each in group)
    ):
        return [key for each in group for key in _keys(each)]
    if (
        isinstance(group, list | tuple)
        and group
        and all(np.ndim(each) == 2 and np.shape(each)[1] <= 3 for each in group)
    ):
        return [key for each in group for key in _keys(np.asarray(each))]
    if isinstance(group, list | tuple) and group and np.ndim(group[0]) >= 2:
        # Batches of arrays: the pairs are known by what is in them.
        first = rows.flat((rows.to_arrays(group),))
        return [
            b"".join(np.ascontiguousarray(a[i]).tobytes() for a in first)
            for i in range(min(len(a) for a in first))
        ]
    array = np.asarray(group)
    if array.ndim == 1:
        return array.tolist()
    if array.ndim == 2 and array.shape[1] <= 3:
        return [tuple(sorted(row[:2].tolist())) for row in array]
    return [np.ascontiguousarray(row).tobytes() for row in array]


@rule(
    "S26",
    "siamese",
    "serious",
    title="All different pairs are easy",
    symptom="A low loss, and men who are taken for each other.",
    cause="Every pair of different speakers is of a man and a woman, or otherwise of "
    "one "
    "kind.",
    fix="draw different speakers without regard to sex, or half of them of the same",
    notebook=_NOTEBOOK,
)
def s26_easy_negatives(case):
    """Share of the different pairs that are of one sex; about half if nobody chose.

    Below 5 % of at least 20 pairs, where both sexes are there: chance gives that less
    than once in a million.
    """
    frame = _table(case)
    sexes = columns.both(frame, "sex")
    if sexes is None:
        raise NotExamined("the table names no sex")
    different = ~columns.same(frame)
    if different.sum() < 20:
        raise NotExamined("there are fewer than 20 pairs of different speakers")
    if len(set(sexes[0]) | set(sexes[1])) < 2:
        return None
    share = float(np.mean((sexes[0] == sexes[1])[different]))
    if share >= 0.05:
        return None
    return share, (
        f"{share:.0%} of {int(different.sum())} pairs of different speakers are of "
        "one sex"
    )


@rule(
    "S27",
    "siamese",
    "serious",
    title="Always the first frames of a recording",
    symptom="It works on beginnings and on nothing else.",
    cause="spectrogram[:, :frames], in place of a random crop.",
    fix="crop at random in training, everywhere in a test",
    notebook=_NOTEBOOK,
)
def s27_first_frames(case):
    """Where segments begin; or what a crop gives when it is asked ten times.

    At random few begin at one place: 90 % is a fault. A crop that gives the same every
    time is none, wherever it is.
    """
    crop = case.facts.get("crop")
    recordings = case.facts.get("recordings")
    if crop is not None and recordings is not None:
        return _s27_of_crop(crop, recordings)
    starts = case.facts.get("starts")
    if starts is None and case.given_pairs is not None:
        both = columns.both(_table(case), "start")
        starts = None if both is None else np.concatenate(both)
    if starts is None and recordings is not None and case.batches:
        starts = _found(case, recordings)
    if starts is None:
        raise NotExamined("needs pairs= with the start of each segment, or crop=")
    starts = np.asarray(starts, float)
    if len(starts) < 10:
        raise NotExamined("fewer than 10 segments")
    values, counts = np.unique(starts, return_counts=True)
    share = float(counts.max() / len(starts))
    if share < 0.9 or values[np.argmax(counts)] > starts.min():
        return None
    return share, f"{share:.0%} of {len(starts)} segments begin at {values[0]:g}"


def _s27_of_crop(crop, recordings):
    same, count = 0, 0
    for long in list(recordings)[:8]:
        pieces = [_cropped(crop, long, k) for k in range(10)]
        if any(p.shape == np.shape(long) for p in pieces):
            continue
        count += 1
        same += all(np.array_equal(p, pieces[0]) for p in pieces[1:])
    if not count:
        raise NotExamined("no recording is longer than a segment")
    share = same / count
    if share < 0.9:
        return None
    return share, f"of {count} recordings {same} give the same segment ten times over"


def _cropped(crop, long, seed):
    """Ask a crop once; one that takes a generator is given another each time."""
    wants = [
        p
        for p in inspect.signature(crop).parameters.values()
        if p.default is p.empty
        and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    given = (np.random.default_rng(seed),) if len(wants) == 2 else ()
    if len(wants) > 2:
        raise NotExamined("crop= takes a spectrogram, or a spectrogram and a Generator")
    return np.asarray(crop(long, *given))


def _found(case, recordings):
    """Where in the recordings the segments of the batch begin; None if nowhere."""
    starts = []
    for segment in rows.flat((case.x,))[0][:64]:
        for long in recordings:
            long = np.asarray(long, segment.dtype)
            if long.ndim != 2 or long.shape[1:] != segment.shape[1:]:
                continue
            first = np.flatnonzero(
                (long[: len(long) - len(segment) + 1] == segment[0]).all(axis=1)
            )
            hits = [
                s for s in first if np.array_equal(long[s : s + len(segment)], segment)
            ]
            if hits:
                starts.append(hits[0])
                break
    return np.asarray(starts) if len(starts) >= 10 else None
