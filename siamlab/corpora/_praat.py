"""Praat's text format for TextGrids, in long and in short form.

In both forms, only what is surrounded by whitespace counts: numbers, texts in quotation
marks (doubled within a text), and flags such as ``<exists>``. All other words, such as
``xmin =`` or ``intervals [1]:``, and everything from an exclamation mark to the end of
the line are comments (Praat's manual, "TextGrid file formats").
"""

import dataclasses
import re
import unicodedata

from ..errors import CorpusError

_TOKEN = re.compile(
    r'"(?P<text>[^"]*(?:""[^"]*)*)"'
    r"|<(?P<flag>[a-z]+)>(?!\S)"
    r'|(?P<number>[+-]?\.?[0-9]\S*|--undefined--)|(?P<open>")'
    r"|![^\n]*|\S+"
)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Characters that Latin-1 does not define: the text is in another encoding.
_NOT_LATIN_1 = re.compile("[\x00\x80-\x9f]")


@dataclasses.dataclass(frozen=True)
class Tier:
    """A tier of a TextGrid.

    Parameters
    ----------
    name : str
        Not necessarily unique.
    is_intervals : bool
        False for a tier of points.
    entries : list of (str, float, float)
        Label, start and end in seconds; NaN for a time that Praat calls undefined.
    """

    name: str
    is_intervals: bool
    entries: list


def read_tiers(path):
    """Read all tiers of a TextGrid.

    Parameters
    ----------
    path : pathlib.Path
        The file, in UTF-8 or UTF-16 with or without a byte order mark, or in Latin-1.

    Returns
    -------
    list of Tier
        In the order of the file. Texts are in Unicode's composed form (NFC).

    Raises
    ------
    CorpusError
        If it is not a TextGrid in Praat's text format, or is not complete.
    """
    try:
        tokens = _Tokens(_decode(path.read_bytes()))
        return list(_tiers(tokens))
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
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
        raise ValueError(
            f"the character {found[0]!r} shows that it is in another encoding than "
            "UTF-8, UTF-16 and Latin-1"
        )
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


class _Tokens:
    """Numbers, texts and flags, one after the other."""

    def __init__(self, text):
        found = _TOKEN.finditer(text)
        self._text, self._found = text, (match for match in found if match.lastgroup)

    def take(self, kind):
        """Return the next one, which must be of this kind."""
        match = next(self._found, None)
        if match is None or match.lastgroup == "open":
            raise ValueError(f"it breaks off where a {kind} should be")
        token = match[kind]
        valid = match.lastgroup == kind
        if valid and kind == "number":
            valid = token == "--undefined--" or _NUMBER.fullmatch(token)
        if not valid:
            line = self._text.count("\n", 0, match.start()) + 1
            raise ValueError(f"line {line}: expected a {kind}; got {match[0]!r}")
        return token

    def text(self):
        return self.take("text").replace('""', '"')

    def number(self):
        token = self.take("number")
        return float("nan") if token == "--undefined--" else float(token)

    def count(self):
        number = self.number()
        if not number.is_integer() or number < 0:
            raise ValueError(f"expected a number of tiers or labels; got {number:g}")
        return int(number)

    def end(self):
        if next(self._found, None) is not None:
            raise ValueError("it contains more than it declares at its beginning")


def _tiers(tokens):
    """Yield the tiers."""
    kind = [tokens.text(), tokens.text()]
    if not kind[0].startswith("ooTextFile") or kind[1] != "TextGrid":
        raise ValueError(
            f'expected "ooTextFile" and "TextGrid" at its beginning; got {kind}'
        )
    tokens.number(), tokens.number()  # start and end
    for _ in range(tokens.count() if tokens.take("flag") == "exists" else 0):
        kind, name = tokens.text(), tokens.text()
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f"expected IntervalTier or TextTier; got {kind!r}")
        is_intervals = kind == "IntervalTier"
        tokens.number(), tokens.number()
        entries = []
        for _ in range(tokens.count()):
            start = tokens.number()
            end = tokens.number() if is_intervals else start
            entries.append((tokens.text().strip(), start, end))
        yield Tier(name, is_intervals, entries)
    tokens.end()
