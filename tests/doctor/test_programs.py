"""Programs of the corpus: the change is found, and a healthy program is not accused.

A sample is examined here; benchmarks/doctor.py examines all of them.
"""

import warnings

import ctc_programs  # noqa: F401
import pytest
import siamese_programs  # noqa: F401
from corpus import PROGRAMS

from siamlab.doctor import CHECKS, examine

pytestmark = pytest.mark.slow

# The checks in turn, and for each another program; every third one is healthy.
SAMPLE = 40

# Known to be missed: an error rate that is right for perfect outputs only.
MISSED = "pairs euclid prelu: an error of distances"


def sample():
    by_code: dict = {}
    for name in PROGRAMS:
        change = name.partition(": ")[2]
        by_code.setdefault(change, []).append(name)
    healthy = by_code.pop("")
    changed = [names[k % len(names)] for k, names in enumerate(by_code.values())]
    n = SAMPLE // 3
    return changed[:: -(-len(changed) // (SAMPLE - n))] + healthy[:: len(healthy) // n]


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in sample() if name != MISSED),
        pytest.param(MISSED, marks=pytest.mark.xfail(strict=True)),
    ],
)
def test_the_change_is_found_and_nothing_else(name):
    program = PROGRAMS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = examine(program.model, program.batch, **program.options)
    found = {f.code for f in report.findings if f.severity != "minor"}
    assert found <= program.allowed, report
    assert not program.expected or program.expected in report.codes, report


def test_every_check_has_a_program():
    source = {PROGRAMS[name].__closure__ and name for name in PROGRAMS}
    assert len(source) >= 300
    expected = {_expected(PROGRAMS[name]) for name in PROGRAMS}
    assert set(CHECKS) <= expected


def _expected(program):
    names = program.__code__.co_freevars
    return program.__closure__[names.index("expected")].cell_contents
