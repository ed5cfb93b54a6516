"""Write the list of the doctor's rules: python docs/doctor.py"""

import inspect
from pathlib import Path

import siamlab as sl
from siamlab import _files

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
# What the doctor looks for

`siamlab.doctor.examine(model, batch)` applies every rule below that is for the
program's kind. This page is made from the rules themselves by `python docs/doctor.py`.

How many of these faults it finds, and what it sees that is not there:
[benchmarks/results/doctor.md](../benchmarks/results/doctor.md).

"""


def page():
    """Lay out all rules; a string."""
    rules = sorted(
        sl.doctor.RULES.values(), key=lambda r: (r.code[0] != "S", int(r.code[1:]))
    )
    parts = [HEAD, contents(rules)]
    for letter, title in (
        ("S", "Siamese networks for speaker embeddings"),
        ("C", "CTC"),
    ):
        parts.append(f"\n## {title}\n")
        parts += [entry(rule) for rule in rules if rule.code.startswith(letter)]
    parts.append(facts())
    return "\n".join(parts)


def contents(rules):
    """One line for each rule."""
    lines = ["| code | severity | what | notebook |", "| --- | --- | --- | --- |"]
    for rule in rules:
        lines.append(
            f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity} | "
            f"{plain(rule.title)} | {link(rule.notebook)} |"
        )
    return "\n".join(lines) + "\n"


def plain(text):
    """Keep a sentence from being taken for a table's border."""
    return text.replace("|", "\\|")


def link(notebook):
    """Refer to a notebook."""
    return f"[{notebook[:2]}](../notebooks/{notebook}.ipynb)" if notebook else ""


def entry(rule):
    """Lay out one rule."""
    lines = [
        f"### {rule.code}",
        "",
        f"**{sentence(rule.title)}**",
        "",
        f"- What is seen: {sentence(rule.symptom)}",
        f"- Why: {sentence(rule.cause)}",
        f"- How it is found: {' '.join(inspect.cleandoc(rule.detection).split())}",
        f"- Fix: {sentence(rule.fix)}",
    ]
    if rule.notebook:
        lines.append(f"- Notebook: {link(rule.notebook)}")
    return "\n".join(lines) + "\n"


def sentence(text):
    """Begin with a capital, end with a full stop."""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."


def facts():
    """List what a program may be known by beside its model."""
    lines = [
        "\n## What no model and no batch can tell\n",
        "Some faults are not in the model. Their rules are applied where what they "
        "need is",
        "handed over, `examine(model, batch, crop=my_crop)`, and are otherwise listed "
        "as",
        "skipped.\n",
        "| argument | what |",
        "| --- | --- |",
    ]
    lines += [f"| `{name}` | {plain(what)} |" for name, what in sl.doctor.FACTS.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with _files.atomic_write(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
