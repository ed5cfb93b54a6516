"""Docstrings of the public face say what goes in and what comes out, numpydoc's way.

Whether their examples are true is tested with the start-up.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap

import pytest

import siamlab

MODULES = [
    module.name
    for module in pkgutil.walk_packages(siamlab.__path__, "siamlab.")
    if not module.name.split(".")[-1].startswith("_")
]


def public_functions():
    """Functions that a module announces, and public methods of its classes."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not getattr(thing, "__module__", "").startswith("siamlab."):
                continue
            if inspect.isfunction(thing):
                yield f"{thing.__module__}.{name}", thing
            elif inspect.isclass(thing):
                for method, function in vars(thing).items():
                    if isinstance(function, classmethod | staticmethod):
                        function = function.__func__
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{thing.__module__}.{name}.{method}", function


def public_classes():
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isclass(thing) and thing.__module__.startswith("siamlab."):
                yield f"{thing.__module__}.{name}", thing


FUNCTIONS = dict(public_functions())
CLASSES = dict(public_classes())


def section(doc, name):
    """Text below an underlined heading, or None."""
    found = re.search(rf"(?m)^{name}\n-+\n((?:.*\n?)*?)(?=^\w[\w ]*\n-+$|\Z)", doc)
    return found and found.group(1)


def documented(text):
    """Names at the left margin of a section: "p, q : tensor" is two of them."""
    names = set()
    for line in (text or "").splitlines():
        if line and not line[0].isspace():
            names.update(name.strip(" *") for name in line.split(" : ")[0].split(","))
    return names


def parameters(function):
    names = [name for name in inspect.signature(function).parameters]
    return {name for name in names if name not in ("self", "cls")}


def gives_something_back(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    todo, inner = [tree.body[0]], (ast.FunctionDef, ast.Lambda, ast.ClassDef)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(node, ast.Return) and node.value is not None:
            return True
        children = ast.iter_child_nodes(node)
        todo += [child for child in children if not isinstance(child, inner)]
    return False


def test_there_is_something_to_look_at():
    assert len(FUNCTIONS) > 40
    assert len(CLASSES) > 10


def test_sections_are_told_apart():
    doc = "One.\n\nParameters\n----------\np, q : int\n    Two.\n*a, **b\n    Three.\n"
    doc += "\nReturns\n-------\nint\n    Four."
    assert documented(section(doc, "Parameters")) == {"p", "q", "a", "b"}
    assert documented(section(doc, "Returns")) == {"int"}
    assert section(doc, "Raises") is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_goes_in_and_what_comes_out(name):
    function = FUNCTIONS[name]
    doc = inspect.getdoc(function)
    assert doc, "there is no docstring"
    assert documented(section(doc, "Parameters")) == parameters(function)
    if gives_something_back(function):
        assert section(doc, "Returns") or section(doc, "Yields")


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_what_it_is_made_from(name):
    thing = CLASSES[name]
    doc = inspect.getdoc(thing)
    assert doc, "there is no docstring"
    if "__init__" in vars(thing):
        assert documented(section(doc, "Parameters")) == parameters(thing.__init__)
