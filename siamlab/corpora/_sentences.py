"""Sentences for the synthetic voices, from a small grammar per language.

- `LANGUAGES`: the languages that have a grammar.
- `sentences`: any number of distinct sentences, the same for the same seed.

A grammar is a YAML file, ``sentences_de.yaml`` for example, with phrases and patterns.
A pattern is a sentence with gaps. A gap names a list of phrases or contains the phrases
itself, separated by ``|``:

>>> frame, gaps = _parse("The nurse {verb} {a cup|an egg}.", {"verb": ["has", "sees"]})
>>> for index in range(4):
...     print(_fill(frame, gaps, index))
The nurse has a cup.
The nurse has an egg.
The nurse sees a cup.
The nurse sees an egg.

A list of phrases is text with commas, or every combination of the nouns and adjectives
of two other lists, with an article. Phrases are inflected before they enter their list,
and every phrase of one gap must fit every phrase of the others, so that each
combination is a correct sentence. To add a language, write such a file and enter it in
`LANGUAGES`, at the end: the seed of `siamlab.corpora.voices` depends on the position.
"""

import functools
import itertools
import math
import re
from importlib import resources

import numpy as np

from ..errors import ArgumentError

#: The languages that have a grammar.
LANGUAGES = ("de", "en")


@functools.cache
def _grammar(language):
    """Read the parsed patterns of a language: (frame, phrases of each gap)."""
    import yaml

    file = resources.files(__package__) / f"sentences_{language}.yaml"
    grammar = yaml.safe_load(file.read_text("utf-8"))
    phrases: dict[str, list[str]] = {}
    for name, entry in grammar["phrases"].items():
        phrases[name] = _phrases(entry, phrases)
    return [_parse(pattern, phrases) for pattern in grammar["patterns"]]


def _phrases(entry, earlier):
    """List the phrases of an entry: text with commas, or nouns with adjectives."""
    if isinstance(entry, str):
        return entry.split(", ")
    nouns = earlier[entry["nouns"]]
    adjectives = earlier[entry["adjectives"]] if "adjectives" in entry else [""]
    article = entry.get("article", "")
    return [
        _noun_phrase(article, adjective, noun)
        for noun, adjective in itertools.product(nouns, adjectives)
    ]


def _noun_phrase(article, adjective, noun):
    """Join article, adjective and noun; an article is "a", or a form per gender.

    >>> _noun_phrase("a", "old", "axe")
    'an old axe'
    >>> _noun_phrase({"der": "einem -en"}, "alt", "der Bus")
    'einem alten Bus'
    """
    if isinstance(article, dict):
        gender, noun = noun.split()
        article, ending = article[gender].split(" -")
        adjective += ending if adjective else ""
    name = f"{adjective} {noun}".strip()
    if article == "a" and name[0] in "aeiou":
        article = "an"
    return f"{article} {name}".strip()


def _parse(pattern, phrases):
    """Split a pattern into its frame and the phrases of each gap."""
    gaps = re.findall(r"\{(.*?)\}", pattern)
    frame = re.sub(r"\{.*?\}", "{}", pattern)
    return frame, [gap.split("|") if "|" in gap else phrases[gap] for gap in gaps]


def _fill(frame, gaps, index):
    """Write out combination number `index`, from 0, of all that a pattern allows."""
    choice = np.unravel_index(index, [len(phrases) for phrases in gaps])
    filled = frame.format(*(gap[i] for gap, i in zip(gaps, choice, strict=True)))
    return filled[0].upper() + filled[1:]


def sentences(language, n, *, rng):
    """Draw distinct sentences.

    The patterns take turns, so that a few hundred sentences contain every sound of the
    grammar. The first 10 of 50 sentences equal the 10 drawn with the same seed.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.
    n : int
        Number of sentences, from 0 to what the grammar offers (over 100,000).
    rng : numpy.random.Generator or int
        Source of randomness, or a seed. The same seed gives the same sentences.

    Returns
    -------
    list of str
        `n` sentences of 4 to 12 words, no two alike. Numbers are written as words.

    Raises
    ------
    ArgumentError
        If the grammar has fewer than `n` sentences.

    Examples
    --------
    >>> import numpy as np
    >>> from siamlab.corpora._sentences import sentences
    >>> drawn = sentences("en", 300, rng=np.random.default_rng(7))
    >>> len(set(drawn))
    300
    >>> sentences("en", 5, rng=7) == drawn[:5]
    True
    """
    patterns = _grammar(language)
    sizes = [math.prod(len(phrases) for phrases in gaps) for _, gaps in patterns]
    if not 0 <= n <= sum(sizes):
        raise ArgumentError(
            f"n must be from 0 to {sum(sizes)}, the number of sentences in the grammar "
            f"for {language!r}; got {n}. Ask for fewer, or add words."
        )
    rng = np.random.default_rng(rng)
    orders = [rng.permutation(size) for size in sizes]
    drawn: list[str] = []
    for turn in range(max(sizes)):
        if len(drawn) >= n:
            break
        for i in rng.permutation(len(patterns)):
            if turn < sizes[i]:
                frame, gaps = patterns[i]
                drawn.append(_fill(frame, gaps, orders[i][turn]))
    return drawn[:n]
