"""How a report is displayed, and what a page says about each check."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from siamlab.doctor import CHECKS, Finding, Report

ROOT = Path(__file__).resolve().parents[2]


def finding(code="S5", severity="fatal", value=7.0, **more):
    return Finding(
        code,
        severity,
        "no <distribution>",
        "rows sum to 7",
        value,
        "use a softmax",
        "07_kl_hinge_loss",
        **more,
    )


@pytest.fixture
def report():
    findings = (finding(), finding("S6", caused_by="S5"))
    return Report("siamese", findings, ("S1",), {"S4": "no callbacks were given"})


def test_text_has_the_code_the_evidence_the_fix_and_the_notebook(report):
    for part in (
        "siamese: 2 faults found; 1 checks passed, 1 skipped",
        "S5, fatal",
        "(follows from S5)",
        "rows sum to 7",
        "Fix: use a softmax.",
        "07_kl_hinge_loss",
        "Passed: S1.",
        "S4: no callbacks were given",
    ):
        assert part in repr(report)


def test_a_notebook_shows_a_table_with_escaped_text(report):
    html = report._repr_html_()
    assert "no &lt;distribution&gt;" in html
    assert html.count("<tr>") == 2
    assert html.count("<details>") == 2


def test_json_has_everything(report):
    content = json.loads(report.to_json())
    assert content["findings"][1]["code"] == "S6"
    assert content["findings"][1]["caused_by"] == "S5"
    assert content["skipped"] == {"S4": "no callbacks were given"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_json_has_no_number_that_json_lacks(value):
    text = Report("siamese", (finding(value=value),), (), {}).to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_findings_are_selected_by_their_code(report):
    assert "S5" in report
    assert report["S5"].value == 7.0
    with pytest.raises(KeyError, match="S8 was not found; found were: S5, S6"):
        report["S8"]


def test_the_headline_says_what_could_not_be_examined():
    report = Report("siamese", (), ("S30",), {}, "the loss could not be examined (why)")
    assert "the loss could not be examined (why); no faults found in the" in repr(
        report
    )
    assert not report.healthy
    assert Report("ctc", (), ("C1",), {}).healthy


@pytest.mark.parametrize("code", CHECKS)
def test_a_check_says_everything_that_its_page_shows(code):
    check = CHECKS[code]
    texts = [check.title, *check.paragraphs[2:]]
    texts += [check.field(name) for name in ("Symptom", "Cause", "Fix")]
    assert min(map(len, texts)) > 10
    assert not check.field("Fix").endswith(".")
    assert set(check.follows) <= set(CHECKS)
    assert check.function.__name__.startswith(code.lower() + "_")


def test_the_page_of_all_faults_is_up_to_date():
    spec = importlib.util.spec_from_file_location("page", ROOT / "docs" / "doctor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.page()
    assert module.PAGE.read_text("utf-8") == text, "run python docs/doctor.py"
    faults = [f"S{i}" for i in range(1, 39)] + [f"C{i}" for i in range(1, 27)]
    assert [code for code in faults if f"\n### {code}\n" not in text] == []
