"""The result of an examination: findings, rules passed, and rules skipped."""

import dataclasses
import html
import json
import textwrap

# The most severe first.
SEVERITIES = ("fatal", "serious", "minor")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault, with the number that shows it.

    Parameters
    ----------
    code : str
        As in "S5"; `rules` lists all.
    severity : str
        "fatal": nothing is learned, or the figure means nothing; "serious": less is
        learned, or something else; "minor": it costs time, or hides other faults.
    title : str
        What is wrong, in one line.
    evidence : str
        What was measured.
    value : float
        The number in it that the rule judges by.
    fix : str
        How to fix it.
    notebook : str
        Which one explains it; "" for none.
    """

    code: str
    severity: str
    title: str
    evidence: str
    value: float
    fix: str
    notebook: str

    def __str__(self):
        lines = [f"{self.code}, {self.severity}: {self.title}"]
        rest = [self.evidence, f"Fix: {self.fix}."]
        rest += [f"See: notebook {self.notebook}."] if self.notebook else []
        for sentence in rest:
            lines.append(textwrap.indent(textwrap.fill(sentence, 80), "    "))
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """The result of an examination.

    It is displayed as a table in a notebook and as text in a terminal.

    Parameters
    ----------
    kind : str
        "siamese" or "ctc".
    findings : tuple of Finding
        The most severe first.
    passed : tuple of str
        Codes of the rules that were applied and found no fault.
    skipped : dict of str to str
        Codes of the rules that could not be applied, with the reason.

    Attributes
    ----------
    codes : tuple of str
        Of the findings.
    healthy : bool
        Whether there are no findings.
    """

    kind: str
    findings: tuple
    passed: tuple
    skipped: dict

    @property
    def codes(self):
        """Codes of the findings, in their order."""
        return tuple(finding.code for finding in self.findings)

    @property
    def healthy(self):
        """Whether nothing was found."""
        return not self.findings

    def __getitem__(self, code):
        for finding in self.findings:
            if finding.code == code:
                return finding
        raise KeyError(f"{code} was not found; found were: {', '.join(self.codes)}")

    def __contains__(self, code):
        return code in self.codes

    def __repr__(self):
        parts = [self._verdict(), *map(str, self.findings)]
        if self.passed:
            parts.append(_wrapped(f"Passed: {', '.join(self.passed)}."))
        if self.skipped:
            lines = ["Skipped:"]
            for reason, codes in self._unknown():
                lines.append(_wrapped(f"{', '.join(codes)}: {reason}", "  "))
            parts.append("\n".join(lines))
        return "\n\n".join(parts)

    def _repr_html_(self):
        cell = html.escape
        rows = "".join(
            f"<tr><td><b>{cell(f.code)}</b></td><td>{cell(f.severity)}</td>"
            f"<td style='text-align:left'>{cell(f.title)}</td>"
            f"<td style='text-align:left'>{cell(f.evidence)}</td>"
            f"<td style='text-align:left'>{cell(f.fix)}</td>"
            f"<td>{cell(f.notebook)}</td></tr>"
            for f in self.findings
        )
        heads = ("code", "severity", "what", "evidence", "fix", "notebook")
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in heads)
        table = f"<table><tr>{head}</tr>{rows}</table>" if rows else ""
        order = f"<p>Passed: {', '.join(self.passed)}.</p>" if self.passed else ""
        unknown = "".join(
            f"<li>{', '.join(codes)}: {cell(reason)}</li>"
            for reason, codes in self._unknown()
        )
        if unknown:
            count = len(self.skipped)
            unknown = f"<details><summary>{count} skipped</summary><ul>{unknown}"
            unknown += "</ul></details>"
        return f"<p><b>{cell(self._verdict())}</b></p>{table}{order}{unknown}"

    def _verdict(self):
        n, fine, open_ = map(len, (self.findings, self.passed, self.skipped))
        what = "no fault" if not n else "1 fault" if n == 1 else f"{n} faults"
        return f"{self.kind}: {what} found; {fine} passed, {open_} skipped"

    def _unknown(self):
        """Reason and codes, those with one reason together."""
        by_reason: dict[str, list] = {}
        for code, reason in self.skipped.items():
            by_reason.setdefault(reason, []).append(code)
        return by_reason.items()

    def to_dict(self):
        """Give all of it as plain values.

        Returns
        -------
        dict
            "kind", "findings" (a dict each), "passed", "skipped".
        """
        return {
            "kind": self.kind,
            "findings": [dataclasses.asdict(f) for f in self.findings],
            "passed": list(self.passed),
            "skipped": dict(self.skipped),
        }

    def to_json(self):
        """Give all of it as JSON.

        Returns
        -------
        str
            Of `to_dict`; a number that JSON lacks, such as infinity, is text.
        """
        report = self.to_dict()
        for finding in report["findings"]:
            value = finding["value"]
            if value - value != 0:  # infinite, or no number
                finding["value"] = str(value)
        return json.dumps(report, indent=2, allow_nan=False)


def _wrapped(sentence, indent=""):
    return textwrap.fill(
        sentence, 84, initial_indent=indent, subsequent_indent=indent + "  "
    )
