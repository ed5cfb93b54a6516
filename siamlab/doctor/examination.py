"""Examining a program: every check of its kind, one after the other."""

import dataclasses
import warnings

from ..errors import ArgumentError
from ..training import preserve_state
from . import checks, recorder  # noqa: F401  registers the checks
from .check import CHECKS
from .objective import LossError
from .program import Program
from .report import SEVERITIES, Finding, Report, Skip


def examine(
    model,
    batch=None,
    *,
    kind=None,
    loss=None,
    metrics=None,
    embed=None,
    extractor=None,
    pairs=None,
    callbacks=None,
    decode=None,
):
    """Find the faults of a program, each with the number that shows it.

    The checks ask what the program does: with labels shuffled, inputs exchanged,
    perfect outputs, more padding. Names do not matter, nor how the model was built.
    Nothing is trained, and weights, optimizer, metrics and random states are the same
    afterwards. A model that was never called is built.

    Parameters
    ----------
    model : keras.Model, callable or None
        A model with pairs or triplets as inputs, with one input and a loss over the
        pairs of a batch, or with CTC. Or a function: of two embeddings, (pairs, dim)
        each, to distances; for CTC of a batch of spectrograms to outputs. None for a
        loss of embeddings, together with `embed`.
    batch : tuple, optional
        (x, y) as `keras.Model.fit` takes it, or something that yields such batches. 64
        pairs or 16 utterances are enough; at most 128 rows are used.
    kind : {"siamese", "ctc"}, optional
        The kind of program; by default the loss, the model and the batch decide.
    loss : keras.losses.Loss, callable or str, optional
        By default the loss of the model.
    metrics : list, optional
        By default those of the model.
    embed : callable, optional
        Recordings -> embeddings, shape (rows, dim), for a program without a Keras
        model.
    extractor : keras.Model, optional
        The model from which embeddings are taken after the training.
    pairs : sampling.PairBatches or pandas.DataFrame, optional
        The pairs of the training; see `sampling.audit`.
    callbacks : list, optional
        Those of `fit`.
    decode : callable, optional
        Outputs of a CTC model -> labels.

    Returns
    -------
    Report
        What was found, the checks that passed, and those that were skipped, each with
        the reason.

    Raises
    ------
    ArgumentError
        If the kind is unknown, or is not clear and was not given.

    See Also
    --------
    Watch : The same while a training runs.

    Examples
    --------
    >>> import keras, numpy as np
    >>> def distance(a, b):  # label 1: the same speaker
    ...     return keras.ops.sum((a - b) ** 2, axis=-1, keepdims=True)
    >>> a, b = np.random.default_rng(0).normal(size=(2, 32, 8)).astype("float32")
    >>> same = np.tile([[0.0], [1.0]], (16, 1))
    >>> report = examine(distance, ([a, b], same), metrics=["accuracy"], kind="siamese")
    >>> report.codes
    ('S3',)
    >>> print(report["S3"].evidence)
    for perfect outputs, accuracy is 0
    """
    if kind not in (None, "siamese", "ctc"):
        raise ArgumentError(f'kind must be "siamese" or "ctc"; got {kind!r}')
    if model is None and loss is None and batch is not None and embed is None:
        raise ArgumentError(
            "model must be a keras.Model or a function; got None. A function that ends "
            "with return model.compile(...) returns None: compile first, then return "
            "the model"
        )
    given = kind, loss, metrics, embed, extractor, pairs, callbacks, decode
    unchanged, quick = preserve_state(model, extractor), recorder.compiled_layers()
    with unchanged, quick, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return apply_checks(Program(model, batch, *given))


def apply_checks(program, codes=None):
    """Apply the checks of the program's kind; see `examine`.

    Parameters
    ----------
    program : Program
        The program.
    codes : sequence of str, optional
        Only these checks.

    Returns
    -------
    Report
    """
    found, passed, skipped = {}, [], {}
    for check in CHECKS.values():
        if program.kind not in check.kinds or (codes and check.code not in codes):
            continue
        try:
            result = check(program)
        except Skip as skip:
            skipped[check.code] = str(skip)
            continue
        if result is None:
            passed.append(check.code)
        else:
            found[check.code] = finding_of(check, *result)
    error, unseen = (None, "") if codes else _blind_spots(program)
    # A fault of its arguments explains an exception of the loss.
    if error is not None and all(f.severity != "fatal" for f in found.values()):
        fix = "compute the loss of a batch by hand, loss(y, model(x)); read the shapes"
        title = "The loss raises an exception"
        found["error"] = Finding("error", "fatal", title, str(error), 1.0, fix)
    findings = tuple(_causes_first(found))
    return Report(program.kind, findings, tuple(passed), skipped, unseen)


def finding_of(check, value, evidence):
    """Return the finding of a check."""
    return Finding(
        check.code,
        check.severity,
        check.title,
        evidence,
        float(value),
        check.field("Fix"),
        check.notebook,
    )


def _causes_first(found):
    """Order findings by severity and cause; what follows stands below its cause."""
    by_cause: dict = {}
    for code, finding in found.items():
        follows = CHECKS[code].follows if code in CHECKS else ()
        cause = next((c for c in follows if c in found), "")
        by_cause.setdefault(cause, []).append(
            dataclasses.replace(finding, caused_by=cause)
        )

    def families(cause):
        for finding in by_cause.get(cause, ()):
            yield finding
            yield from families(finding.code)

    roots = by_cause.get("", [])
    roots.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return families("")


def _blind_spots(program):
    """Return an exception of the loss, or None, and what could not be examined."""
    what = "the embeddings" if program.kind == "siamese" else "the loss"
    try:
        if program.kind == "siamese":
            c, what = program.comparison, "the loss"
            c.loss(c.labels, c.outputs)
        elif program.transcription.attempt[1] is not None:
            raise program.transcription.attempt[1]
        elif not program.transcription.is_framewise:
            program.transcription.call  # noqa: B018
    except LossError as raised:
        return raised, ""
    except Skip as skip:
        if program.x is not None and (program.model or program.embed):
            return None, f"{what} could not be examined ({skip})"
    return None, ""
