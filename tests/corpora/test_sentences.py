"""What the embedded voices say."""

import hashlib
import re

import numpy as np
import pytest

from siamlab.corpora._sentences import LANGUAGES, sentences
from siamlab.errors import ArgumentError

SOUNDS = {
    "de": """ä ö ü ß äu eu ei au ie sch sp st pf tsch z ng qu ich ach uch r x y
        garage genie restaurant balkon orange jeans etage teint chance job massage
        schloss straße""",
    "en": """think three path month brother feather measure beige television
        garage ring young boy coin chair tour about spl spr str scr squ queen x z""",
}


def count(language):
    """The number of sentences in a grammar, according to its error message."""
    with pytest.raises(ArgumentError) as caught:
        sentences(language, 10**9, rng=0)
    return int(re.search(r"from 0 to (\d+)", str(caught.value))[1])


@pytest.fixture(scope="module")
def everything():
    return {name: "\n".join(sentences(name, count(name), rng=0)) for name in LANGUAGES}


CHECKSUMS = {
    "de": "4e838138d206354396d57ddd0519610dbe9c6ecf56b81711c312bbd0d803775c",
    "en": "2140cf3378c137b08bea038029edb2c7d766c6517f68e48009dbe8508b6c4068",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_of_a_seed_do_not_change(language):
    """The notebooks' numbers depend on them."""
    drawn = "\n".join(sentences(language, 20_000, rng=0))
    assert hashlib.sha256(drawn.encode()).hexdigest() == CHECKSUMS[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_sentences_are_distinct_and_well_formed(everything, language):
    drawn = everything[language].splitlines()
    assert len(set(drawn)) == len(drawn) >= 20_000
    # A capital, 4 to 12 words with single spaces, an end mark; no digits or open gaps.
    word = "[A-Za-zÄÖÜäöüß]+"
    shape = re.compile(rf"[A-ZÄÖÜ][a-zäöüß]*(,? {word}){{3,11}}[.?!]")
    assert [text for text in drawn if not shape.fullmatch(text)] == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("language", LANGUAGES)
def test_400_sentences_have_all_letters_sounds_and_end_marks(language, seed):
    drawn = sentences(language, 400, rng=seed)
    spoken = " ".join(drawn).lower()
    wanted = SOUNDS[language].split() + list("abcdefghijklmnopqrstuvwxyz")
    assert [sound for sound in wanted if sound not in spoken] == []
    ends = [text[-1] for text in drawn]
    assert min(ends.count(mark) for mark in ".?!") > 20


def test_german_adjectives_agree_with_the_article(everything):
    adjective = re.compile(r"\b(?:[de]\w+) (?:alte|gelbe|süße)\w*\b")
    found = set(adjective.findall(everything["de"].lower()))
    definite = "der alte, die alte, das alte, den alten, den süßen, die süße, das süße"
    indefinite = "ein alter, eine alte, ein altes, einen süßen, eine süße, ein süßes"
    dative = "einem alten, einer alten, einem gelben, einer gelben"
    assert found == set(f"{definite}, {indefinite}, {dative}".split(", "))


def test_english_has_an_before_vowels_and_a_before_consonants(everything):
    wrong = re.compile(r"\b(?:a [aeiou]|an [^aeiou])", re.IGNORECASE)
    assert wrong.findall(everything["en"]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_fewer_sentences_are_the_beginning_of_more(language):
    drawn = sentences(language, 60, rng=np.random.default_rng(3))
    for n in (0, 1, 13, 14, 15, 59):
        assert sentences(language, n, rng=3) == drawn[:n]


@pytest.mark.parametrize("language", LANGUAGES)
def test_impossible_arguments_are_errors(language):
    n = count(language) + 1
    with pytest.raises(ArgumentError, match=f"from 0 to {n - 1}, .* got {n}. Ask for"):
        sentences(language, n, rng=0)
    with pytest.raises(ArgumentError, match=r"n must be from 0 .* got -1"):
        sentences(language, -1, rng=0)
    with pytest.raises(ArgumentError, match="must be one of 'de', 'en'; got 'fr'"):
        sentences("fr", 1, rng=0)
