"""Faults of a CTC loss, C8 to C14, of its outputs, C16, and of a decoder, C21."""

from itertools import groupby

import numpy as np

from ... import ctc
from ..arrays import flatten, to_arrays
from ..check import check
from ..report import Skip

_NOTEBOOK = "04_ctc_that_does_not_learn"


@check("C11", "fatal", _NOTEBOOK)
def c11_order_of_arguments(program):
    """The arguments of the loss are in the wrong order.

    Symptom: An exception, or a loss that has nothing to do with the labels.
    Cause: Labels and outputs, or the two lengths, have been exchanged.
    Fix: pass the arguments by name: ctc_loss(target=..., output=..., target_length=...,
        output_length=...)

    The arguments with which the CTC loss is called are compared with the batch. It is a
    fault if the outputs have the dimensions of labels; if the length of each input is
    the number of its labels, while there are half as many more outputs or more; or if
    the numbers of labels are the lengths of the inputs.
    """
    t = program.transcription
    call, error = t.call, t.attempt[1]
    if call.outputs.ndim == 2 and np.ndim(call.labels) == 3:
        return 1.0, f"labels are passed as outputs, and outputs as labels: {error}"
    n = len(t.n_labels)
    given, told = call.output_length, call.label_length
    if given is not None and given.size == n and _are_label_counts(t, given):
        return float(np.mean(given)), (
            "the number of labels is passed as the length of the input, such as "
            f"{int(given.flat[0])}"
        )
    if told is None or told.size != n:
        return None
    told = told.reshape(-1)
    near = [np.abs(told - frames) <= 1 for frames in (t.true_outputs, t.true_frames)]
    if np.any(near, axis=0).all() and (told > 1.5 * t.n_labels).all():
        return float(np.mean(told)), (
            f"{int(told[0])}, the length of the input, is passed as the number of "
            f"labels, of which there are {t.n_labels[0]}"
        )
    return None


def _are_label_counts(t, lengths):
    """Return whether lengths of inputs are in fact those of the labels."""
    # A label at the end that looks like padding may have been left out.
    near = np.abs(lengths.reshape(-1) - t.n_labels)
    alike = np.mean(near == 0) >= 0.7 and near.max() <= 3
    expected = float(np.median(t.true_outputs))
    return bool(alike) and expected > 1.5 * float(np.median(t.n_labels))


@check("C10", "fatal", _NOTEBOOK, follows="C11")
def c10_shape_of_lengths(program):
    """Lengths have the wrong shape.

    Symptom: An exception about shapes, or a loss in which utterances are mixed.
    Cause: Lengths of shape (batch,) are given where (batch, 1) is expected, or the
        reverse.
    Fix: give the lengths in the shape that the loss expects: lengths[:, None], or
        lengths[:, 0]

    ctc_batch_cost expects two dimensions, all other CTC losses expect one.
    """
    t = program.transcription
    call, error = t.call, t.attempt[1]
    lengths = [n for n in (call.label_length, call.output_length) if n is not None]
    wrong = [n.shape for n in lengths if n.ndim != call.length_ndim]
    if not wrong:
        return None
    expected = "(batch, 1)" if call.length_ndim == 2 else "(batch,)"
    return float(len(wrong[0])), (
        f"the loss expects lengths of shape {expected}, and receives {wrong[0]}"
        + (f": {error}" if error else "")
    )


@check("C9", "fatal", _NOTEBOOK, follows="C11 C10")
def c9_lengths_and_stride(program):
    """The lengths of the inputs do not count the outputs.

    Symptom: An exception about sequence lengths, or, silently, a loss that reads the
        padding or only a part of each utterance.
    Cause: The network changes the number of frames by its stride, and the lengths were
        not divided by it, or by another number.
    Fix: derive the lengths from the output of the model: -(-n_frames // stride)

    `keras.ops.ctc_loss` accepts lengths beyond the outputs silently. It is a fault if
    they exceed the outputs by more than one frame and 2 %, or at all if that raises an
    exception; if they count frames of the spectrogram although there are fewer outputs;
    or if less than 60 % of an utterance is read, in most utterances.
    """
    t = program.transcription
    given, there = t.frames_read, t.outputs.shape[1]
    allowed = max(1, 0.02 * there) if t.attempt[1] is None else 0
    if (given > there + allowed).any():
        return float(given.max() / there), (
            f"lengths up to {given.max():.0f} are given for {there} outputs"
        )
    known = t.true_outputs > 4
    if not known.any() or _are_label_counts(t, given):
        return None
    given, expected, frames = given[known], t.true_outputs[known], t.true_frames[known]
    is_undivided = (np.abs(given - frames) <= 1).all() and (given > expected + 1).any()
    if t.stride > 1.4 and is_undivided:
        return float(t.stride), (
            "the lengths count frames of the spectrogram; there are "
            f"{t.stride:.2g} times fewer outputs"
        )
    share = float(np.median(given / expected))
    if share >= 0.6:
        return None
    return share, f"the loss reads {share:.0%} of the outputs of an utterance"


@check("C12", "serious", "03_ctc_from_scratch", follows="C11 C10")
def c12_activation(program):
    """The activation does not fit the loss.

    Symptom: The loss stays far above 0, or is NaN.
    Cause: A softmax is applied twice, or the loss receives logits and expects
        probabilities.
    Fix: give logits to a loss that takes logits (no activation in the last layer), and
        probabilities to one that takes those

    ctc_batch_cost takes probabilities, which are not negative and sum to 1, all other
    CTC losses take logits, for which the logarithm of probabilities may stand. If the
    model returns probabilities, the loss must end up with the same ones, within 1 %.
    """
    t = program.transcription
    out = np.asarray(t.outputs, np.float64)
    if not np.isfinite(out).all():
        raise Skip("the outputs are not finite")
    if t.call.kind == "probabilities" and not _are_probabilities(out):
        outside = float(np.mean((out < 0) | (out > 1)))
        return outside, (
            f"the loss takes probabilities; {outside:.0%} of the outputs are "
            f"negative or above 1, and they sum to {out.sum(-1).min():.3g} to "
            f"{out.sum(-1).max():.3g}"
        )
    returned = [a for a in flatten((program.output,)) if a.shape == out.shape] or [out]
    if not _are_probabilities(returned[0]):
        return None
    pairs = [(returned[0], t.posteriors, "the loss")]
    for call in program.calls if program.is_keras else ():
        given, made = call.inputs, call.output
        if (
            isinstance(given, np.ndarray)
            and isinstance(made, np.ndarray)
            and given.shape == out.shape == made.shape
            and not call.is_model
            and np.allclose(made, out, atol=1e-5)
            and _are_probabilities(given)
        ):
            pairs.append((given, made, call.layer.name))
    for before, after, what in pairs:
        off = float(np.abs(after - before).max())
        if off > 0.01:
            return off, (
                f"{what} applies a softmax to probabilities: {before.max():.2f} "
                f"becomes {after.max():.2f}"
            )
    return None


def _are_probabilities(array):
    return array.min() >= 0 and np.abs(array.sum(axis=-1) - 1).max() < 1e-2


@check("C13", "fatal", "03_ctc_from_scratch", follows="C11 C10")
def c13_label_is_blank(program):
    """A label is the blank, or is not an output.

    Symptom: One symbol is never recognized, or the labels are cut short.
    Cause: keras.losses.CTC has its blank at 0, ctc_batch_cost at the last class.
    Fix: shift the labels away from the blank: labels + 1

    The true labels of the batch are compared with the blank and the number of classes
    of the call. Negative numbers that the loss takes for labels count as well.
    """
    t = program.transcription
    blank, n_classes = t.call.blank, t.outputs.shape[2]
    flat = np.concatenate(t.labels)
    told = np.concatenate([np.asarray(row).reshape(-1) for row in t.call.told])
    # The program may shift its labels before it calls the loss.
    n = min(len(flat), len(told))
    shift = np.unique(told[:n] - flat[:n]) if n == len(flat) else [0]
    flat = flat + int(shift[0]) if len(shift) == 1 else flat
    blank_is = f"{blank}, which is the blank of the loss"
    for wrong, said in (
        (flat == blank, f"of {len(flat)} labels are {blank_is}"),
        (flat >= n_classes, f"labels are not among the {n_classes} outputs"),
        (told < 0, "negative numbers are passed as labels"),
    ):
        if wrong.any():
            return int(wrong.sum()), f"{wrong.sum()} {said}"
    return None


@check("C8", "fatal", "03_ctc_from_scratch", follows="C11 C10 C13")
def c8_no_path(program):
    """No path spells the labels.

    Symptom: The loss is infinite, or a huge constant, for some utterances.
    Cause: There are fewer outputs than labels and blanks between repeats.
    Fix: use longer inputs or a smaller stride, or leave these utterances out

    A path needs one output for each label, and one more between two equal ones.
    """
    t = program.transcription
    needed = np.asarray([ctc.min_frames(row) for row in t.labels])
    missing = needed - t.true_outputs
    if missing.max() <= 0:
        return None
    i = int(np.argmax(missing))
    return int(np.sum(missing > 0)), (
        f"{np.sum(missing > 0)} of {len(needed)} utterances: utterance {i} has "
        f"{t.true_outputs[i]} outputs; its {t.n_labels[i]} labels need {needed[i]}"
    )


@check("C14", "serious", _NOTEBOOK, follows="C11 C9")
def c14_padding_in_loss(program):
    """The loss reads the padding.

    Symptom: The loss depends on the longest utterance of the batch.
    Cause: All outputs count as part of each utterance.
    Fix: pass the true lengths to the loss

    Only in a batch with padding, for utterances that consist of it by 10 % or more: the
    loss reads the padding if it is told to read all outputs of such an utterance; or,
    of more than 30 % of the utterances, labels that end in more zeros or blanks than
    stand in a row within 90 % of them.
    """
    t = program.transcription
    read, expected, there = t.frames_read, t.true_outputs, t.outputs.shape[1]
    runs = [[(k, len(list(run))) for k, run in groupby(row)] for row in t.call.told]
    for pad in (0, t.call.blank):
        ends = [each[-1][1] if each and each[-1][0] == pad else 0 for each in runs]
        within = [max((n for k, n in e[:-1] if k == pad), default=0) for e in runs]
        is_read = np.asarray(ends) > np.quantile(within, 0.9)
        if is_read.mean() > 0.3:
            return float(is_read.sum()), (
                f"the labels of {is_read.sum()} utterances are read with their padding"
            )
    padded = t.is_padding.mean(axis=1) >= 0.1
    if not padded.any():
        return None
    reads_all = (read >= there - 1) & (read <= there + 1) & padded
    reads_all &= read > expected + max(1, 0.05 * there)
    if reads_all.sum() < max(1, 0.5 * padded.sum()):
        return None
    i = int(np.flatnonzero(reads_all)[np.argmin(expected[reads_all])])
    return float(reads_all.sum()), (
        f"the loss reads {read[i]:.0f} outputs of utterance {i}, of which "
        f"{expected[i]} are sound"
    )


@check("C16", "minor", _NOTEBOOK, follows="C1 C11 C9 C12 C13 C8")
def c16_only_blanks(program):
    """Only blanks are recognized.

    Symptom: All transcriptions are empty.
    Cause: Most frames begin no label, so that the blank is learned first.
    Fix: train on, and warm the learning rate up; examine the input if it does not end

    The blank is the best output at more than 99 % of the frames, with a mean posterior
    above 0.6, which no untrained network has.
    """
    t = program.transcription
    share, mean = blank_share(t), float(_of_sound(t)[:, t.call.blank].mean())
    if share <= 0.99 or mean <= 0.6:
        return None
    return share, (
        f"the blank is the best output at {share:.1%} of the frames, with a mean "
        f"posterior of {mean:.2f}"
    )


def blank_share(t):
    """Return the share of the frames at which the blank is the best output."""
    return float(np.mean(_of_sound(t).argmax(axis=1) == t.call.blank))


def _of_sound(t):
    """Return the posteriors without those of padding, shape (frames, classes)."""
    return t.posteriors[np.arange(t.outputs.shape[1]) < t.true_outputs[:, None]]


@check("C21", "serious", "03_ctc_from_scratch")
def c21_decoder(program):
    """The decoder removes blanks before it merges repeats.

    Symptom: Two equal labels in a row are never recognized as two.
    Cause: Without the blank between them, two equal labels look like one.
    Fix: merge repeats first, then remove blanks: siamlab.ctc.greedy_decode

    The decoder receives made-up outputs, (batch, time, classes) and, if it asks for
    them, lengths. For "a blank a", "a a" and "a a blank a b b" it must find as many
    labels as `siamlab.ctc.greedy_decode`.
    """
    if program.decode is None:
        raise Skip("no decoder was given", "decode")
    call = program.transcription.call
    n_classes, blank = call.outputs.shape[2], call.blank
    a, b = [k for k in range(n_classes) if k != blank][:2]
    paths = {
        "a blank a": [blank, a, blank, a, *[blank] * 4],
        "a a": [blank, a, a, *[blank] * 5],
        "a a blank a b b": [a, a, blank, a, b, b, blank, blank],
    }
    for name, best in paths.items():
        p = np.full((1, len(best), n_classes), 0.01 / (n_classes - 1), np.float32)
        p[0, np.arange(len(best)), best] = 0.99
        wanted = len(ctc.greedy_decode(np.log(p[0]), blank))
        found = _n_decoded(program.decode, p)
        if found != wanted:
            return found, f"{name!r} is decoded to {found} labels instead of {wanted}"
    return None


def _n_decoded(decode, posteriors):
    """Return how many labels a decoder finds in the only utterance of a batch."""
    try:
        try:
            found = decode(posteriors)
        except TypeError:
            found = decode(posteriors, np.asarray([posteriors.shape[1]]))
    except Exception as error:
        raise Skip(f"the decoder raises {type(error).__name__}: {error}") from error
    found = found[0] if isinstance(found, tuple) else found  # (decoded, scores)
    found = np.ravel(to_arrays(found)).tolist()
    if len(found) == 1 and isinstance(found[0], str):
        found = found[0].split() if " " in found[0] else list(found[0])
    # Padding of decoded labels is negative.
    return sum(isinstance(each, str) or each >= 0 for each in found)
