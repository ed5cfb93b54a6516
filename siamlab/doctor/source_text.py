"""What the text of a program says; nothing is run."""

import ast
import textwrap

from .rule import NotExamined

_OPTIMIZERS = (
    "sgd",
    "adam",
    "adamw",
    "adamax",
    "nadam",
    "rmsprop",
    "adagrad",
    "adadelta",
    "ftrl",
    "optimizer",
)


def parse(source):
    """Parse Python, also of an indented piece.

    Raises
    ------
    NotExamined
        If it is none.
    """
    try:
        return ast.parse(textwrap.dedent(str(source)))
    except SyntaxError as error:
        raise NotExamined(f"source= is no Python: {error}") from error


def name_of(node):
    """Last part of a dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _is_zero(node):
    return isinstance(node, ast.Constant) and not node.value


def decay(source):
    """Find `decay` given to an optimizer or set on one."""
    tree = parse(source)
    for call in _calls(tree):
        name = name_of(call.func).lower()
        if name not in _OPTIMIZERS:
            continue
        for keyword in call.keywords:
            if keyword.arg == "decay" and not _is_zero(keyword.value):
                return _found(
                    keyword.value,
                    f"line {call.lineno}: {name_of(call.func)} "
                    f"is given decay={ast.unparse(keyword.value)}",
                )
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr == "decay":
                    holder = ast.unparse(target.value).lower()
                    if "opt" in holder and not _is_zero(node.value):
                        return _found(
                            node.value,
                            f"line {node.lineno}: decay is set on the optimizer",
                        )
    return None


def _found(node, sentence):
    value = node.value if isinstance(node, ast.Constant) else 1.0
    return (float(value) if isinstance(value, int | float) else 1.0), sentence


def silent_except(source):
    """Find an except of everything whose body does nothing."""
    if callable(source):
        raise NotExamined("needs source= as text")
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            quiet = (ast.Pass, ast.Continue)
            idle = all(
                isinstance(each, quiet)
                or (isinstance(each, ast.Return) and _is_empty(each.value))
                for each in node.body
            )
            if idle:
                return (
                    1.0,
                    f"line {node.lineno}: every error is caught and nothing is said",
                )
    return None


def _is_broad(kind):
    if kind is None:
        return True
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(name_of(n) in ("Exception", "BaseException") for n in names)


def _is_empty(value):
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def seed_and_validation(source):
    """Find a fit without validation, or a whole program without a seed."""
    tree = parse(source)
    calls = _calls(tree)
    fits = [
        c
        for c in calls
        if name_of(c.func) == "fit"
        and (
            len(c.args) >= 2
            or any(k.arg in ("x", "epochs", "batch_size") for k in c.keywords)
        )
    ]
    if not fits:
        raise NotExamined("the source calls no fit")
    for call in fits:
        names = [k.arg for k in call.keywords]
        if None not in names and not {"validation_data", "validation_split"} & set(
            names
        ):
            return 0.0, f"line {call.lineno}: fit is given no validation data"
    imports = any(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.walk(tree))
    seeded = any("seed" in name_of(c.func).lower() for c in calls) or any(
        k.arg == "seed" for c in calls for k in c.keywords
    )
    if imports and not seeded:
        return 0.0, "no seed is set anywhere in the source"
    return None
