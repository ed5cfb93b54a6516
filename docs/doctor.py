"""Write the list of all faults: python docs/doctor.py"""

from pathlib import Path

import siamlab as sl
from siamlab import _files
from siamlab.doctor.watch import DIVERGES

PAGE = Path(__file__).with_suffix(".md")
OTHERS = PAGE.with_name("doctor_others.txt")

HEAD = """\
# Faults, and what the doctor looks for

`siamlab.doctor.examine(model, batch)` applies a check for each fault that has a
severity. For the others, the entry says how to look for them. The notebook is the one
that explains the fault. This page is made by `python docs/doctor.py`.

How many faults the doctor finds, and what it reports that is not there:
[benchmarks/results/doctor.md](../benchmarks/results/doctor.md).

"""


def page():
    """Lay out all faults; a string."""
    entries = {
        check.code: entry(check) for check in [*sl.doctor.CHECKS.values(), DIVERGES]
    }
    severities = {c.code: c.severity for c in [*sl.doctor.CHECKS.values(), DIVERGES]}
    for part in OTHERS.read_text("utf-8").split("\n### ")[1:]:
        entries[part.split("\n")[0]] = f"### {part.strip()}\n"
    order = sorted(entries, key=lambda code: (code[0] != "S", int(code[1:])))
    parts = [HEAD, contents(order, entries, severities)]
    for letter, title in (
        ("S", "Siamese networks for speaker embeddings"),
        ("C", "CTC"),
    ):
        parts.append(f"\n## {title}\n")
        parts += [entries[code] for code in order if code.startswith(letter)]
    return "\n".join(parts)


def contents(order, entries, severities):
    """One line for each fault."""
    lines = ["| code | check | what |", "| --- | --- | --- |"]
    for code in order:
        title = entries[code].split("**")[1].rstrip(".").replace("|", "\\|")
        severity = severities.get(code, "")
        lines.append(f"| [{code}](#{code.lower()}) | {severity} | {title} |")
    return "\n".join(lines) + "\n"


def entry(check):
    """Lay out one check."""
    notebook = f"[{check.notebook[:2]}](../notebooks/{check.notebook}.ipynb)"
    lines = [
        f"### {check.code}",
        "",
        f"**{check.title}.**",
        "",
        f"- Symptom: {check.field('Symptom')}",
        f"- Cause: {check.field('Cause')}",
        f"- How it is found: {' '.join(' '.join(check.paragraphs[2:]).split())}",
        f"- Fix: {sentence(check.field('Fix'))}",
        f"- Notebook: {notebook}",
    ]
    return "\n".join(lines) + "\n"


def sentence(text):
    """Begin with a capital, end with a full stop."""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."


if __name__ == "__main__":
    with _files.atomic_write(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
