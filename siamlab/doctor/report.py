"""The result of an examination: findings, checks that passed, and checks skipped."""

import dataclasses
import html
import json
import textwrap

import pandas as pd

# The most severe first.
SEVERITIES = ("fatal", "serious", "minor")
# What a table shows of a finding.
_COLUMNS = ["code", "severity", "title", "evidence", "fix", "caused_by", "notebook"]


class Skip(Exception):
    """Raised where a check cannot be applied.

    Parameters
    ----------
    reason : str
        What is missing, or could not be computed.
    keyword : str
        The argument of `examine` that would supply it; "" if there is none.
    """

    def __init__(self, reason, keyword=""):
        super().__init__(f"{reason}; give {keyword}=" if keyword else reason)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault, with the number that shows it.

    Parameters
    ----------
    code : str
        The code of the check, such as "S5" (`docs/doctor.md`); "error" if the program
        itself raises an exception.
    severity : {"fatal", "serious", "minor"}
        "fatal": nothing is learned, or the metric means nothing. "serious": the network
        learns less, or something else. "minor": it costs time or hides other faults.
    title : str
        What is wrong, in one line.
    evidence : str
        What was measured.
    value : float
        The number on which the check decided.
    fix : str
        How to fix it.
    notebook : str
        The notebook that explains it; "" for none.
    caused_by : str
        Code of the finding that explains this one; "" for none.
    """

    code: str
    severity: str
    title: str
    evidence: str
    value: float
    fix: str
    notebook: str = ""
    caused_by: str = ""

    def __str__(self):
        why = f" (follows from {self.caused_by})" if self.caused_by else ""
        lines = [f"{self.code}, {self.severity}: {self.title}{why}"]
        parts = [self.evidence, f"Fix: {self.fix}."]
        if self.notebook:
            parts.append(f"See: notebook {self.notebook}, docs/doctor.md.")
        lines += [textwrap.indent(textwrap.fill(part, 80), "    ") for part in parts]
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """The result of an examination.

    In a notebook it is displayed as a table, in a terminal as text.

    Parameters
    ----------
    kind : {"siamese", "ctc"}
        The kind of program.
    findings : tuple of Finding
        Causes first; a finding that follows from another one stands below it.
    passed : tuple of str
        Codes of the checks that found nothing.
    skipped : dict of str to str
        Codes of the checks that could not be applied, with the reason.
    unseen : str
        What the examination could not see at all, such as the loss; "" if nothing.

    Attributes
    ----------
    codes : tuple of str
        Codes of the findings, in their order.
    healthy : bool
        Whether there are no findings, and loss and embeddings were examined.
    """

    kind: str
    findings: tuple
    passed: tuple
    skipped: dict
    unseen: str = ""

    @property
    def codes(self):
        """Codes of the findings, in their order."""
        return tuple(finding.code for finding in self.findings)

    @property
    def healthy(self):
        """Whether nothing was found, and the loss and the embeddings were examined."""
        return not self.findings and not self.unseen

    def __getitem__(self, code):
        for finding in self.findings:
            if finding.code == code:
                return finding
        raise KeyError(f"{code} was not found; found were: {', '.join(self.codes)}")

    def __contains__(self, code):
        return code in self.codes

    def __repr__(self):
        parts = [self._headline(), *map(str, self.findings)]
        if self.passed:
            parts.append(textwrap.fill(f"Passed: {', '.join(self.passed)}.", 84))
        if self.skipped:
            lines = [f"{', '.join(codes)}: {why}" for why, codes in self._reasons()]
            parts.append("\n  ".join(["Skipped:", *lines]))
        return "\n\n".join(parts)

    def _repr_html_(self):
        parts = [f"<p><b>{html.escape(self._headline())}</b></p>"]
        if self.findings:
            table = pd.DataFrame(map(vars, self.findings))[_COLUMNS]
            with pd.option_context("display.max_colwidth", None):
                parts.append(table.to_html(index=False))
        reasons = [f"{', '.join(codes)}: {why}" for why, codes in self._reasons()]
        for name, lines in ("passed", [", ".join(self.passed)]), ("skipped", reasons):
            items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
            head = f"<summary>{len(getattr(self, name))} {name}</summary>"
            parts.append(f"<details>{head}<ul>{items}</ul></details>")
        return "".join(parts)

    def _headline(self):
        n = len(self.findings)
        found = f"{n or 'no'} fault{'' if n == 1 else 's'} found"
        counts = f"{len(self.passed)} checks passed, {len(self.skipped)} skipped"
        seen = f"{self.unseen}; {found} in the rest" if self.unseen else found
        return f"{self.kind}: {seen}; {counts}"

    def _reasons(self):
        """Return the reasons, each with the codes of the checks that it concerns."""
        by_reason: dict[str, list] = {}
        for code, reason in self.skipped.items():
            by_reason.setdefault(reason, []).append(code)
        return by_reason.items()

    def to_json(self):
        """Return everything as JSON.

        Returns
        -------
        str
            An object with "kind", "unseen", "findings", "passed" and "skipped". JSON
            has no infinity and no NaN, so these are strings.
        """
        report = dataclasses.asdict(self)
        for finding in report["findings"]:
            value = finding["value"]
            if value - value != 0:  # infinite or NaN
                finding["value"] = str(value)
        return json.dumps(report, indent=2, allow_nan=False)
