"""Examining a program: every rule of its kind, one after the other."""

import importlib
import pkgutil
import warnings

from ..errors import ArgumentError
from ..training import preserve_state
from . import rules, trace
from .case import Case, kind_of
from .facts import checked
from .report import SEVERITIES, Finding, Report
from .rule import RULES, NotExamined

KINDS = ("siamese", "ctc")


def examine(
    model,
    batch=None,
    *,
    loss=None,
    metrics=None,
    optimizer=None,
    kind=None,
    extractor=None,
    pairs=None,
    **facts,
):
    """Say which faults a program has, and the number that shows each.

    Rules ask what the program *does*: with labels shuffled, inputs exchanged, perfect
    distances, more padding. Layers may have any name and the model any form. Nothing is
    trained, and weights, optimizer, metrics and random state are the same afterwards;
    a model that was never called is built.

    Parameters
    ----------
    model : keras.Model, callable or None
        With two inputs, with one and a loss over the pairs of a batch, or with CTC. Or
        a function of two embeddings, (pairs, dim) each, to distances. None for a
        program that is known by `facts` alone.
    batch : tuple, optional
        (x, y) as `keras.Model.fit` takes it, or a list of two such, or something that
        gives them. 64 pairs or 16 utterances are good; at most 128 rows are used.
    loss : keras.losses.Loss, callable or str, optional
        What the model was compiled with, or its own `compute_loss`, by default.
    metrics : list, optional
        What the model was compiled with by default.
    optimizer : keras.Optimizer, optional
        The model's own by default.
    kind : {"siamese", "ctc"}, optional
        What the program is for; by default the batch tells, if it can.
    extractor : keras.Model, optional
        What embeddings are taken from.
    pairs : pandas.DataFrame, sampling.Pairs or array, optional
        The pairs of the training, a row each. Columns in twos are looked for:
        "speaker", "recording", "session", "sex", "start", each with _a and _b, or _1
        and _2.
    **facts
        What else is known of the program; see `FACTS` for the names.

    Returns
    -------
    Report
        Faults found, rules that found none, and those that could not be applied, with
        the reason.

    Raises
    ------
    ArgumentError
        If `kind` cannot be told, or a fact has a name that no rule knows.

    Examples
    --------
    >>> import keras, numpy as np
    >>> def distance(a, b):  # label 1: the same speaker
    ...     return keras.ops.sum((a - b) ** 2, axis=-1, keepdims=True)
    >>> a, b = np.random.default_rng(0).normal(size=(2, 32, 8)).astype("float32")
    >>> same = np.tile([[0.0], [1.0]], (16, 1))
    >>> report = examine(distance, ((a, b), same), metrics=["accuracy"], kind="siamese")
    >>> report.codes
    ('S3',)
    >>> print(report["S3"].evidence)
    with perfect outputs accuracy is 0

    See Also
    --------
    Watch : The same while a training runs.
    """
    if kind is None:
        kind = kind_of(model, batch, pairs)
    if kind not in KINDS:
        raise ArgumentError(f'kind must be "siamese" or "ctc"; got {kind!r}')
    case = Case(
        model,
        batch,
        kind=kind,
        loss=loss,
        metrics=metrics,
        optimizer=optimizer,
        extractor=extractor,
        pairs=pairs,
        facts=checked(facts),
    )
    found: list = []
    order: list = []
    unknown: dict = {}
    owners = (model, extractor, optimizer)
    with preserve_state(*owners), trace.quickly(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code in sorted(RULES, key=_by_number):
            if kind in RULES[code].kinds:
                _apply(RULES[code], case, found, order, unknown)
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Report(kind, tuple(found), tuple(order), unknown)


def _apply(rule, case, found, order, unknown):
    try:
        result = rule(case)
    except NotExamined as reason:
        unknown[rule.code] = str(reason)
    except Exception as error:
        # A program that nobody foresaw must not cost the reader all other rules.
        unknown[rule.code] = f"the rule failed, {type(error).__name__}: {error}"
    else:
        if result is None:
            order.append(rule.code)
            return
        value, evidence = result
        found.append(
            Finding(
                rule.code,
                rule.severity,
                rule.title,
                evidence,
                float(value),
                rule.fix,
                rule.notebook,
            )
        )


def _by_number(code):
    return code[0], int(code[1:])


def load():
    """Import every file of rules."""
    for module in pkgutil.iter_modules(rules.__path__):
        importlib.import_module(f"{rules.__name__}.{module.name}")
