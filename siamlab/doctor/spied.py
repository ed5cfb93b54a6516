"""What a CTC implementation is called with, whoever calls it.

A program may wrap the loss as it likes: in the end somebody's forward algorithm is
handed labels, outputs and lengths. `spy` notes them, and lets the call go on.
"""

import contextlib
import dataclasses
import functools

import keras
import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class CTCCall:
    """One call of a CTC loss, as it arrived there.

    Parameters
    ----------
    labels : list of numpy.ndarray or None
        Labels of each utterance, cut to their length; None where that failed.
    label_length, logit_length : numpy.ndarray or None
        As they were given, in their own shape.
    frames, classes : int
        Of the outputs.
    blank : int
        Which class is the blank.
    """

    labels: list | None
    label_length: np.ndarray | None
    logit_length: np.ndarray | None
    frames: int
    classes: int
    blank: int


def _array(value):
    return None if value is None else np.asarray(ops.convert_to_numpy(value))


def _labels(labels, lengths):
    """Cut dense labels to their lengths; those of a sparse tensor have one."""
    if hasattr(labels, "indices"):
        rows = np.asarray(labels.indices)[:, 0]
        values, n = np.asarray(labels.values), int(np.asarray(labels.dense_shape)[0])
        return [values[rows == i] for i in range(n)]
    labels, lengths = _array(labels), _array(lengths).reshape(-1)
    if labels.ndim != 2 or len(labels) != len(lengths):
        return None
    return [row[: max(int(n), 0)] for row, n in zip(labels, lengths, strict=True)]


def _note(labels, logits, label_length, logit_length, time_major, blank):
    shape = tuple(logits.shape)
    frames = int(shape[0] if time_major else shape[1])
    classes = int(shape[-1])
    cut = _labels(labels, label_length)
    if label_length is None and cut is not None:
        label_length = np.asarray([len(row) for row in cut])
    blank = 0 if blank is None else int(blank)
    return CTCCall(
        cut,
        _array(label_length),
        _array(logit_length),
        frames,
        classes,
        blank + classes if blank < 0 else blank,
    )


def _of_keras(target, output, target_length, output_length, mask_index=0):
    return _note(target, output, target_length, output_length, False, mask_index)


def _of_tf2(
    labels,
    logits,
    label_length,
    logit_length,
    logits_time_major=True,
    unique=None,
    blank_index=None,
    name=None,
):
    return _note(
        labels, logits, label_length, logit_length, logits_time_major, blank_index
    )


def _of_tf1(
    labels,
    inputs=None,
    sequence_length=None,
    preprocess_collapse_repeated=False,
    ctc_merge_repeated=True,
    ignore_longer_outputs_than_inputs=False,
    time_major=True,
    logits=None,
):
    logits = inputs if logits is None else logits
    return _note(labels, logits, None, sequence_length, time_major, -1)


def _places():
    """Each function that computes a CTC loss: its module, and how to read its call."""
    yield keras.src.backend.nn, _of_keras
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        yield tf.nn, _of_tf2
        yield tf.compat.v1.nn, _of_tf1


@contextlib.contextmanager
def spy():
    """Note every call of a CTC loss.

    Yields
    ------
    list of CTCCall
        Grows with each call; one that is made inside another is not counted twice.
    """
    seen: list[CTCCall] = []
    inside: list[bool] = []

    def noted(original, read):
        @functools.wraps(original)
        def through(*args, **kwargs):
            if not inside:
                # What cannot be read, such as a symbol, is left alone.
                with contextlib.suppress(Exception):
                    seen.append(read(*args, **kwargs))
            inside.append(True)
            try:
                return original(*args, **kwargs)
            finally:
                inside.pop()

        return through

    kept = [(module, module.ctc_loss) for module, _ in _places()]
    for (module, original), (_, read) in zip(kept, _places(), strict=True):
        module.ctc_loss = noted(original, read)
    try:
        with _eagerly():
            yield seen
    finally:
        for module, original in kept:
            module.ctc_loss = original


@contextlib.contextmanager
def _eagerly():
    """Run what is decorated with tf.function as it stands, so that it is seen."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
