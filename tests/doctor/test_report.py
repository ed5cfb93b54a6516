"""How a report shows itself."""

import json

import numpy as np
import pytest

from siamlab.doctor import RULES, Finding, Report


@pytest.fixture
def report():
    finding = Finding(
        "S5",
        "fatal",
        "no <distribution>",
        "rows sum to 7",
        7.0,
        "use a softmax",
        "05_kl_hinge_loss",
    )
    return Report("siamese", (finding,), ("S1",), {"S4": "needs callbacks="})


def test_a_terminal_gets_code_evidence_fix_and_notebook(report):
    text = repr(report)
    for part in (
        "1 fault found",
        "S5, fatal",
        "rows sum to 7",
        "Fix: use a softmax.",
        "05_kl_hinge_loss",
        "Passed: S1.",
        "S4: needs callbacks=",
    ):
        assert part in text


def test_a_notebook_gets_a_table_that_cannot_be_broken(report):
    html = report._repr_html_()
    assert "no &lt;distribution&gt;" in html
    assert html.count("<tr>") == 2


def test_a_script_gets_json(report):
    content = json.loads(report.to_json())
    assert content["findings"][0]["code"] == "S5"
    assert content["skipped"] == {"S4": "needs callbacks="}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_json_has_no_number_that_json_lacks(report, value):
    finding = Finding("S15", "fatal", "t", "e", value, "f", "")
    text = Report("siamese", (finding,), (), {}).to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_findings_are_found_by_code(report):
    assert "S5" in report
    assert report["S5"].value == 7.0
    with pytest.raises(KeyError, match="S6 was not found; found were: S5"):
        report["S6"]


def test_nothing_found_is_healthy():
    assert Report("ctc", (), ("C1",), {}).healthy


def test_every_fault_has_its_rule():
    faults = [f"S{i}" for i in range(1, 39)] + [f"C{i}" for i in range(1, 27)]
    assert set(faults) <= set(RULES)


@pytest.mark.parametrize("code", RULES)
def test_a_rule_says_all_that_the_page_shows(code):
    rule = RULES[code]
    for text in (rule.title, rule.symptom, rule.cause, rule.fix, rule.detection):
        assert text
        assert len(text.strip()) > 10
    assert not rule.fix.endswith(".")
