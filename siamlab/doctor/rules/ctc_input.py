"""What a network of phones is given: scale, floor, silence, bands (C1, C4 to C7)."""

import numpy as np

from .. import rows, trace
from ..rule import NotExamined, rule
from ..sounds import (
    as_utterances,
    call_features,
    silent_probes,
)

_NOTEBOOK = "02_scaling"


@rule(
    "C1",
    "ctc",
    "fatal",
    title="the input is not scaled",
    symptom="the loss falls to a level and every utterance gets the same output",
    cause="gates saturate, and the loss finds how often each label occurs before the "
    "input weights can adapt",
    fix="scale the input to [-1, 1], or standardize it with statistics of the "
    "training set",
    notebook=_NOTEBOOK,
)
def c1_unscaled(case):
    """Look at what the first layer with weights sees, padding left out.

    Scaled input of any convention has a mean within 1 of 0 and a deviation of 0.1 to
    about 4 (natural logarithms from which the mean is taken). Raw logarithms, decibels,
    bytes and samples of 16 bits have means or deviations beyond that: natural
    logarithms of speech lie near -9, decibels near -40. Power that was never made
    a logarithm is near 1e-6. So the limits are a mean beyond 2, a deviation above 6,
    and values that are all smaller than 0.02.
    """
    values, where = _seen_first(case)
    if not values.size:
        raise NotExamined("no finite value reaches the network")
    mean, std = float(values.mean()), float(values.std())
    size = float(np.sqrt(np.mean(np.square(values))))
    if abs(mean) < 2 and std < 6 and size > 0.02:
        return None
    shut = case.gates_shut(4)
    gates = f"; {shut:.0%} of the gates of the LSTM are saturated" if shut else ""
    evidence = (
        f"{where} has mean {mean:.3g} and deviation {std:.3g} (from {values.min():.3g} "
        f"to {values.max():.3g}){gates}"
    )
    return mean if abs(mean) >= 2 else std, evidence


def _seen_first(case):
    """Values that the first layer with weights is given, without padding; flat."""
    try:
        seen = case.first_seen
    except NotExamined:
        given = case.facts.get("scaled")
        if given is not None:
            parts = [u.reshape(-1) for u in as_utterances(given)]
            values = np.concatenate(parts)
            return values[np.isfinite(values)], "the scaled input"
        # What is not scaled yet may be scaled later.
        raise
    try:
        spectrogram, padding = case.phones.spectrogram, case.phones.is_padding
        n = len(seen)
        if seen.shape[:2] == (min(n, len(spectrogram)), spectrogram.shape[1]):
            seen = seen[~padding[:n]]
    except NotExamined:
        pass
    values = np.asarray(seen, np.float64).reshape(-1)
    return values[np.isfinite(values)], "what the first layer with weights is given"


@rule(
    "C4",
    "ctc",
    "serious",
    title="the floor rules the scale",
    symptom="all speech lies in a narrow part of the range",
    cause="the scale was stretched down to the logarithm of a tiny constant, where "
    "digital silence lies",
    fix="clip at 80 dB below the maximum before scaling",
    notebook=_NOTEBOOK,
)
def c4_floor(case):
    """Compare the floor with the 1st percentile of what lies above it.

    Of input that was stretched to a range, 0 to 1, -1 to 1 or 0 to 255, each utterance
    by itself or all together. Where there is digital silence, several values are
    exactly the least one. If the gap between it and the 1st percentile of the others
    takes 55 % of the range or more, the constant decides the scale. Clipped at -80 dB,
    speech begins 0 to 50 % above the floor; log(1e-10) and less leave more than 55 %
    empty.
    """
    utterances = _for_floor(case)
    if not utterances:
        return None
    together = np.concatenate([u.reshape(-1, u.shape[-1]) for u in utterances])
    worst, count = 0.0, 0
    for values in (together, *utterances):
        gap = floor_gap(values) if _stretched(values) else None
        if gap is not None:
            count += 1
            worst = max(worst, gap)
    if not count or worst < 0.55:
        return None
    return worst, (
        f"between digital silence and the 1st percentile of the sound lie {worst:.0%} "
        "of the range"
    )


def _stretched(values):
    """Whether values fill a range that somebody chose."""
    low, high = float(np.min(values)), float(np.max(values))
    ranges = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
    return any(
        abs(low - a) < 0.02 * (b - a) and abs(high - b) < 0.02 * (b - a)
        for a, b in ranges
    )


def floor_gap(values):
    """Empty share of the range above a floor of many equal values; None without one."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if values.size < 50:
        return None
    low, high = float(values.min()), float(values.max())
    span = high - low
    at = values <= low + 1e-4 * span
    if span <= 0 or at.sum() < 5 or (~at).sum() < 50:
        return None
    return float((np.percentile(values[~at], 1) - low) / span)


def _for_floor(case):
    facts = case.facts
    if facts.get("scaled") is not None:
        return as_utterances(facts["scaled"])
    if facts.get("features") is not None and not case.batches:
        made = call_features(facts["features"], silent_probes()["half"])
        return [made] if np.isfinite(made).all() else []
    phones = case.phones
    s, padding = phones.spectrogram, phones.is_padding
    return [row[~pad] for row, pad in zip(s, padding, strict=True) if (~pad).any()]


@rule(
    "C5",
    "ctc",
    "serious",
    title="utterances are scaled by their own statistics",
    symptom="a silent file gives NaN, or loudness, which was wanted, is gone",
    cause="the range or deviation of a silent file is 0, and each file's level is "
    "taken from it",
    fix="scale with statistics of the training set",
    notebook=_NOTEBOOK,
)
def c5_own_statistics(case):
    """Give a silent file to the program; compare levels before and after scaling.

    Scaling an utterance by itself is common and does no harm as such. It is a fault
    where a constant utterance becomes NaN (0/0), in the data, in `features` or in
    the model; and where `raw` and `scaled` show that levels which differed (by more
    than 0.2 deviations) are equal afterwards (a tenth of that).
    """
    facts = case.facts
    examined = False
    if facts.get("raw") is not None and facts.get("scaled") is not None:
        examined = True
        found = _levels_erased(facts["raw"], facts["scaled"])
        if found is not None:
            return found
    if facts.get("features") is not None:
        examined = True
        probes = silent_probes()
        half = call_features(facts["features"], probes["half"])
        silent = call_features(facts["features"], probes["silent"])
        if (
            half is not None
            and np.isfinite(half).all()
            and (silent is None or not np.isfinite(silent).all())
        ):
            return 1.0, "a silent file becomes NaN, one that is half silent does not"
    try:
        s = case.phones.spectrogram
    except NotExamined:
        if examined:
            return None
        raise
    bad = np.isnan(s).reshape(len(s), -1)
    # All NaN or, with padding behind it, nearly.
    whole = bad.mean(axis=1) > 0.3
    if whole.any() and not bad.all():
        return float(whole.sum()), f"{whole.sum()} of {len(s)} utterances are NaN"
    if np.isfinite(s).all() and case.model is not None:
        share = _constant_gives_nan(case, float(np.median(s[~case.phones.is_padding])))
        if share:
            return share, "an utterance that is constant makes the outputs NaN"
    return None


def _levels_erased(raw, scaled):
    raw, scaled = as_utterances(raw), as_utterances(scaled)
    if len(raw) != len(scaled) or len(raw) < 3:
        return None
    for before, after in zip(raw, scaled, strict=True):
        if np.isfinite(before).all() and not np.isfinite(after).all():
            return 1.0, "an utterance that is finite becomes NaN by scaling"

    def spread(utterances):
        levels = np.asarray([np.mean(u) for u in utterances])
        return float(levels.std() / max(np.mean([u.std() for u in utterances]), 1e-12))

    def range_(utterances):
        tops = np.asarray([np.max(u) for u in utterances])
        lows = np.asarray([np.min(u) for u in utterances])
        return max(tops.std(), lows.std()) / max(np.mean(tops - lows), 1e-12)

    before, after = spread(raw), spread(scaled)
    if before > 0.2 and after < 0.1 * before:
        return after / before, (
            f"levels of utterances differ by {before:.2f} deviations before scaling "
            f"and by {after:.3f} after it"
        )
    # Min-max of each file: all have the same least and the same greatest value.
    if range_(raw) > 0.02 and range_(scaled) < 1e-4:
        return range_(scaled), (
            "utterances differ in their range before scaling, and all have the same "
            "least and greatest value after it"
        )
    return None


def _constant_gives_nan(case, value):
    """Share of NaN in the outputs of an utterance that is constant, or 0."""
    phones = case.phones
    array = phones.signal_slot.array.copy()
    array[0] = np.asarray(value).astype(array.dtype)
    out = trace.arrays(trace.call(case.model, phones.signal_slot.put(phones.x, array)))
    before = rows.flat((case.output,))
    for one, two in zip(rows.flat((out,)), before, strict=False):
        if one.ndim and np.isfinite(two).all() and not np.isfinite(one).all():
            return float(np.mean(~np.isfinite(one[0])))
    return 0.0


@rule(
    "C6",
    "ctc",
    "fatal",
    title="the logarithm of exactly 0 is taken",
    symptom="the loss is NaN or infinite as soon as a file has digital silence",
    cause="the logarithm has no floor",
    fix="add a floor inside the logarithm",
    notebook="01_sound_to_spectrogram",
)
def c6_log_of_zero(case):
    """Look for infinite values; give a file with exact zeros to `features` and model.

    One infinite value is enough. Silence in half a file tells a missing floor from a
    division by the range of the file (C5), which half a file has.
    """
    facts, examined = case.facts, False
    if facts.get("features") is not None:
        examined = True
        half = call_features(facts["features"], silent_probes()["half"])
        if half is None or not np.isfinite(half).all():
            return 1.0, "a file with digital silence becomes infinite or NaN"
    for name in ("raw", "scaled"):
        if facts.get(name) is not None:
            examined = True
            for u in as_utterances(facts[name]):
                if np.isinf(u).any():
                    return float(np.isinf(u).sum()), "the data hold infinite values"
    try:
        s = case.phones.spectrogram
    except NotExamined:
        if examined:
            return None
        raise
    infinite = int(np.isinf(s).sum())
    if infinite:
        return infinite, f"{infinite} values of the batch are infinite"
    bad = np.isnan(s).reshape(len(s), -1).mean(axis=1)
    if ((bad > 0) & (bad <= 0.3)).any():
        return float(np.isnan(s).sum()), "some values of the batch are NaN"
    if np.isfinite(s).all() and s.min() >= 0 and case.model is not None:
        # Power, magnitudes: a model that takes their logarithm itself.
        median = float(np.median(s[~case.phones.is_padding])) or 1e-3
        if _constant_gives_nan(case, 0.0) and not _constant_gives_nan(case, median):
            return 1.0, "an utterance of zeros makes the outputs NaN"
        try:
            if np.isinf(case.first_seen).any():
                return 1.0, "the first layer with weights is given infinite values"
        except NotExamined:
            pass
    return None


@rule(
    "C7",
    "ctc",
    "minor",
    title="far more bins than information",
    symptom="training is slow, and weights are many",
    cause="neighboring bins of the spectrogram hold nearly the same number",
    fix="use a mel spectrogram of 40 to 128 bands",
    notebook="01_sound_to_spectrogram",
)
def c7_too_many_bins(case):
    """Correlate neighboring bins, where there are more than 160 of them.

    Mel spectrograms of 40 to 128 bands have correlations near 0.9. A window that is
    padded with zeros, or far longer than a pitch period needs, goes above 0.98.
    """
    phones = case.phones
    s = phones.spectrogram
    bands = s.shape[2]
    if bands <= 160:
        return None
    values = s[~phones.is_padding]
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < 20:
        raise NotExamined("fewer than 20 frames")
    values = values - values.mean(axis=0)
    size = np.sqrt(np.square(values).sum(axis=0))
    both = size[1:] * size[:-1]
    fine = both > 1e-12
    if not fine.any():
        raise NotExamined("no bin changes")
    r = (values[:, 1:] * values[:, :-1]).sum(axis=0)[fine] / both[fine]
    middle = float(np.median(r))
    if middle < 0.98:
        return None
    return (
        middle,
        f"{bands} bins; neighboring ones are correlated with r = {middle:.3f}",
    )
