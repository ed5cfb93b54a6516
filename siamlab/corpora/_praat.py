"""Praat's text format for TextGrids, in long and in short form.

In both forms, only what is surrounded by whitespace counts: numbers, texts in quotation
marks (doubled within a text), and flags such as ``<exists>``. All other words, such as
``xmin =`` or ``intervals [1]:``, and everything from an exclamation mark to the end of
the line are comments (Praat's manual, "TextGrid file formats").
"""

import re
import unicodedata

from ..errors import CorpusError

_TOKEN = re.compile(
    r'"(?P<text>[^"]*(?:""[^"]*)*)"|<(?P<flag>[a-z]+)>(?!\S)'
    r"|(?P<number>[+-]?[0-9][0-9.e+-]*|--undefined--)(?!\S)"
    r'|(?P<end>"|\Z)|![^\n]*|\S+'
)
# Characters that Latin-1 does not define: the text is in another encoding.
_NOT_LATIN_1 = re.compile("[\x00\x80-\x9f]")


def read_tiers(path):
    """Read all tiers of a TextGrid.

    Parameters
    ----------
    path : pathlib.Path
        The file, in UTF-8 or UTF-16 with or without a byte order mark, or in Latin-1.

    Returns
    -------
    list of (str, str, list)
        In the order of the file: "IntervalTier" or "TextTier" (points); the name, not
        necessarily unique; and (label, start, end) of each entry, in seconds, NaN for a
        time that Praat calls undefined. Texts are in Unicode's composed form (NFC).

    Raises
    ------
    CorpusError
        If it is not a TextGrid in Praat's text format, or is not complete.
    """
    try:
        return list(_tiers(_decode(path.read_bytes())))
    except (OSError, ValueError, OverflowError) as error:
        raise CorpusError(
            f"{path} cannot be read as a TextGrid: {error}; open it in Praat and save "
            "it again (Save as text file)"
        ) from error


def _decode(content):
    if content.startswith(b"ooBinaryFile"):
        raise ValueError("it is in Praat's binary format")
    # The first character is ASCII: without a byte order mark, zeros show UTF-16.
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16")
    elif 0 in content[:2]:
        text = content.decode("utf-16-le" if content[0] else "utf-16-be")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if found := _NOT_LATIN_1.search(text):
        raise ValueError(f"{found[0]!r} is not UTF-8, UTF-16 or Latin-1")
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def _tiers(text):
    """Yield the tiers."""
    tokens = (match for match in _TOKEN.finditer(text) if match.lastgroup)

    def take(kind):
        match = next(tokens)  # the last one is the end
        if match.lastgroup == "end":
            raise ValueError(f"it breaks off where a {kind} should be")
        if match.lastgroup != kind:
            line = text.count("\n", 0, match.start()) + 1
            raise ValueError(f"line {line}: expected a {kind}; got {match[0]!r}")
        return match[kind].replace('""', '"')

    def number():
        return float(take("number").replace("--undefined--", "nan"))

    header = take("text"), take("text")
    if not header[0].startswith("ooTextFile") or header[1] != "TextGrid":
        raise ValueError(f'expected "ooTextFile" and "TextGrid"; got {header}')
    number(), number()  # start and end
    for _ in range(int(number()) if take("flag") == "exists" else 0):
        kind, name = take("text"), take("text")
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f"expected IntervalTier or TextTier; got {kind!r}")
        number(), number()
        entries = []
        for _ in range(int(number())):
            start = number()
            end = number() if kind == "IntervalTier" else start
            entries.append((take("text").strip(), start, end))
        yield kind, name, entries
    if next(tokens)[0]:
        raise ValueError("it contains more than it declares")
