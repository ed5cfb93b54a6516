"""What an examination found: faults, what is in order, what could not be told."""

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
        What mends it.
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
        rest = [self.evidence, f"Mend: {self.fix}."]
        rest += [f"See: notebook {self.notebook}."] if self.notebook else []
        for sentence in rest:
            lines.append(textwrap.indent(textwrap.fill(sentence, 80), "    "))
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """What came of an examination.

    In a notebook it shows itself as a table, in a terminal as text.

    Parameters
    ----------
    kind : str
        "siamese" or "ctc".
    findings : tuple of Finding
        The most severe first.
    in_order : tuple of str
        Codes whose rules were applied and found no fault.
    not_examined : dict of str to str
        Codes of the other rules, with the reason. None of them is known to be in
        order.

    Attributes
    ----------
    codes : tuple of str
        Of the findings.
    healthy : bool
        Whether there are no findings.
    """

    kind: str
    findings: tuple
    in_order: tuple
    not_examined: dict

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
        if self.in_order:
            parts.append(_wrapped(f"In order: {', '.join(self.in_order)}."))
        if self.not_examined:
            lines = ["Not examined:"]
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
        heads = ("code", "severity", "what", "evidence", "mend", "notebook")
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in heads)
        table = f"<table><tr>{head}</tr>{rows}</table>" if rows else ""
        order = f"<p>In order: {', '.join(self.in_order)}.</p>" if self.in_order else ""
        unknown = "".join(
            f"<li>{', '.join(codes)}: {cell(reason)}</li>"
            for reason, codes in self._unknown()
        )
        if unknown:
            count = len(self.not_examined)
            unknown = f"<details><summary>{count} not examined</summary><ul>{unknown}"
            unknown += "</ul></details>"
        return f"<p><b>{cell(self._verdict())}</b></p>{table}{order}{unknown}"

    def _verdict(self):
        n, fine, open_ = map(len, (self.findings, self.in_order, self.not_examined))
        what = "no fault" if not n else "1 fault" if n == 1 else f"{n} faults"
        return f"{self.kind}: {what} found; {fine} in order, {open_} not examined"

    def _unknown(self):
        """Reason and codes, those with one reason together."""
        by_reason: dict[str, list] = {}
        for code, reason in self.not_examined.items():
            by_reason.setdefault(reason, []).append(code)
        return by_reason.items()

    def to_dict(self):
        """Give all of it as plain values.

        Returns
        -------
        dict
            "kind", "findings" (a dict each), "in_order", "not_examined".
        """
        return {
            "kind": self.kind,
            "findings": [dataclasses.asdict(f) for f in self.findings],
            "in_order": list(self.in_order),
            "not_examined": dict(self.not_examined),
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
