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

KINDS = ("siamese", "ctc")
_HINTS = {
    "loss": "give loss=",
    "metrics": "give metrics=",
    "embed": "give embed=, a function from recordings to embeddings",
    "extractor": "give extractor=",
    "pairs": "give pairs=",
    "callbacks": "give callbacks=",
    "decode": "give decode=",
}


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
    if kind is not None and kind not in KINDS:
        raise ArgumentError(f'kind must be "siamese" or "ctc"; got {kind!r}')
    if model is None and loss is None and batch is not None and embed is None:
        raise ArgumentError(
            "model must be a keras.Model or a function; got None. A function that ends "
            "with return model.compile(...) returns None: compile first, then return "
            "the model"
        )
    with preserve_state(model, extractor), recorder.compiled_layers():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = Program(
                model,
                batch,
                kind=kind,
                loss=loss,
                metrics=metrics,
                embed=embed,
                extractor=extractor,
                pairs=pairs,
                callbacks=callbacks,
                decode=decode,
            )
            return apply_checks(program)


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
        if check.kind != program.kind or (codes and check.code not in codes):
            continue
        try:
            result = check(program)
        except Skip as skip:
            hint = _HINTS.get(skip.keyword)
            skipped[check.code] = f"{skip}; {hint}" if hint else str(skip)
            continue
        if result is None:
            passed.append(check.code)
        else:
            found[check.code] = finding_of(check, *result)
    if codes is None:
        _add_error(program, found)
    unseen = "" if codes else _unseen(program)
    return Report(
        program.kind, tuple(_causes_first(found)), tuple(passed), skipped, unseen
    )


def finding_of(check, value, evidence):
    """Return the finding of a check."""
    return Finding(
        check.code,
        check.severity,
        check.title,
        evidence,
        float(value),
        check.fix,
        check.notebook,
    )


def _causes_first(found):
    """Order findings by severity and cause; what follows stands below its cause."""
    order = list(found)
    caused = {}
    for code, finding in found.items():
        check = CHECKS.get(code)
        caused[code] = (
            next((c for c in check.follows if c in found), "") if check else ""
        )
        found[code] = dataclasses.replace(finding, caused_by=caused[code])
    roots = [code for code in order if not caused[code]]
    roots.sort(key=lambda code: SEVERITIES.index(found[code].severity))

    def family(code):
        yield found[code]
        for other in order:
            if caused[other] == code:
                yield from family(other)

    for code in roots:
        yield from family(code)


def _add_error(program, found):
    """Add a finding if the loss of the program raises an exception for its own batch.

    Unless a fault of its arguments was found, which explains it.
    """
    reason = _loss_error(program)
    if reason is None or any(f.severity == "fatal" for f in found.values()):
        return
    found["error"] = Finding(
        "error",
        "fatal",
        "The loss raises an exception",
        str(reason),
        1.0,
        "compute the loss of one batch by hand, loss(y, model(x)), and read the shapes",
    )


def _loss_error(program):
    try:
        if program.kind == "ctc":
            return program.transcription.attempt[1]
        c = program.comparison
        c.loss(c.labels, c.outputs)
    except LossError as error:
        return error
    except Skip:
        pass
    return None


def _unseen(program):
    """Return what could not be examined at all, the loss or the embeddings."""
    if program.x is None or (program.model is None and program.embed is None):
        return ""
    if program.kind == "ctc":
        t = program.transcription
        return "" if t.is_framewise else _reason("the loss", lambda: t.call)
    missing = [
        _reason("the embeddings", lambda: program.comparison),
        _reason("the loss", lambda: program.comparison.loss_or_skip),
    ]
    return "; ".join(dict.fromkeys(filter(None, missing)))


def _reason(what, get):
    try:
        get()
    except LossError:
        return ""  # a finding of its own
    except Skip as skip:
        return f"{what} could not be examined ({skip})"
    return ""
