"""Each fault is found in a program that has it, and not in its twin.

The quickest program of each fault is taken here; benchmarks/doctor.py examines all.
"""

import functools
import json
import re
import warnings
from pathlib import Path

import keras
import pytest
from corpus import programs
from quick import HEALTHY, QUICK

from siamlab.doctor import FACTS, RULES, examine

pytestmark = pytest.mark.slow

PROGRAMS = programs()
RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "doctor"


@pytest.fixture(autouse=True)
def _as_it_was():
    """Programs are free with Keras' seeds and names."""
    yield
    keras.backend.clear_session()


@functools.lru_cache(2)  # S6 and S7 share a program and its twin
def examined(name):
    # What a faulty program makes Keras say is no news here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = PROGRAMS[name]()
        facts = {k: v for k, v in program.arrays.items() if k in FACTS}
        if program.distance is not None:
            facts["distance"] = program.distance
        report = examine(
            program.model,
            program.batch,
            loss=program.loss,
            metrics=list(program.metrics) or None,
            optimizer=program.optimizer,
            kind=program.kind,
            extractor=program.extractor,
            pairs=program.pairs,
            **facts,
        )
    return program, report


@pytest.mark.parametrize(("code", "name"), QUICK.items())
def test_it_is_found_where_it_is_and_not_in_the_twin(code, name):
    program, report = examined(f"{name}_bad")
    assert code in program.faults
    assert code in report.codes, report
    _, report = examined(f"{name}_good")
    assert report.codes == (), report


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_program_is_not_accused(name):
    program, report = examined(name)
    assert not program.faults
    assert report.codes == (), report
    assert report.passed


@pytest.mark.parametrize("name", ["source_siamese", "source_ctc_small"])
def test_the_programs_that_were_posted(name):
    program, report = examined(f"{name}_bad")
    assert program.faults <= set(report.codes)


def test_every_rule_has_a_program():
    kept = json.loads(RESULT.with_suffix(".json").read_text("utf-8"))["runs"]
    assert {code for run in kept.values() for code in run["0"]["faults"]} == set(RULES)
    assert {code for code in RULES if code.startswith("S")} == set(QUICK)


def test_the_benchmark_knows_every_program_and_found_what_it_should():
    kept = json.loads(RESULT.with_suffix(".json").read_text("utf-8"))["runs"]
    assert set(kept) == set(PROGRAMS)
    runs = [run["0"] for run in kept.values()]
    faults = [(code, run) for run in runs for code in run["faults"]]
    recall = sum(code in run["found"] for code, run in faults) / len(faults)
    assert recall >= 0.95
    assert not [run for run in runs if not run["faults"] and run["found"]]
    printed = RESULT.with_suffix(".md").read_text("utf-8")
    assert float(re.search(r"Recall ([\d.]+)", printed)[1]) == pytest.approx(
        recall, abs=1e-3
    )
