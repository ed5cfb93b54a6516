"""Docstrings of public names: examples that run, parameters and return values."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import siamlab

MODULES = ["siamlab"] + [
    module.name
    for module in pkgutil.walk_packages(siamlab.__path__, "siamlab.")
    if not module.name.endswith("__main__")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_a_docstring_its_public_names_and_true_examples(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public)
    assert doctest.testmod(module).failed == 0


def public_names():
    """Classes, functions and methods that modules announce in ``__all__``."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not getattr(thing, "__module__", "").startswith("siamlab."):
                continue
            path = f"{thing.__module__}.{name}"
            if inspect.isfunction(thing):
                yield path
            elif inspect.isclass(thing):
                if "__init__" in vars(thing):
                    yield path
                for method, member in vars(thing).items():
                    function = getattr(member, "__func__", member)
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{path}.{method}"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Widget.*:DeprecationWarning")  # numpydoc reads it
def test_docstrings_describe_parameters_and_return_values():
    validation = pytest.importorskip("numpydoc.validate", reason="numpydoc is in docs")
    # No docstring; parameters missing, unknown or in another order; no returns, yields.
    codes = {"GL08", "PR01", "PR02", "PR03", "RT01", "YD01"}
    names = sorted(set(public_names()))
    assert len(names) > 200
    errors = [
        f"{name}: {message}"
        for name in names
        for code, message in validation.validate(name)["errors"]
        if code in codes
    ]
    assert errors == []
