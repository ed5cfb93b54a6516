"""What the synthetic voices say."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab.corpora._sentences import LANGUAGES, sentences
from siamlab.errors import ArgumentError

# Written once more by hand, so that a wrong table in the grammar does not pass.
NOUNS = {
    "masculine": """Koffer Schlüssel Topf Teppich Ring Stuhl Schirm Spiegel Apfel
        Pfirsich Kuchen Keks Bus Zug Traktor Job Teint Lehrer Freund Zwerg Gast
        Mechaniker""",
    "feminine": """Jeans Mütze Tasche Pfeife Uhr Pfanne Geige Vase Orange Pflaume
        Kirsche Quitte Brezel Kutsche Limousine Chance Idee Tante Königin Richterin
        Tänzerin""",
    "neuter": """Buch Kissen Messer Fass Gemälde Spielzeug Fahrrad Baguette Brötchen
        Eis Gebäck Taxi Motorrad Team Gefühl Mädchen Kind""",
}
GENDER = {noun: gender for gender, nouns in NOUNS.items() for noun in nouns.split()}

# Where a phrase stands, and its article and adjective ending per gender.
AGREEMENT = {
    "definite nominative": (
        r"^(\w+) (\w+) (\w+) kostet",
        {"masculine": "der -e", "feminine": "die -e", "neuter": "das -e"},
    ),
    "definite accusative": (
        r"schon wieder (\w+) (\w+) (\w+)",
        {"masculine": "den -en", "feminine": "die -e", "neuter": "das -e"},
    ),
    "definite dative": (
        r"(?:schenkt|bringt|zeigt) (\w+) (\w+) (\w+)",
        {"masculine": "dem -en", "feminine": "der -en", "neuter": "dem -en"},
    ),
    "indefinite nominative": (
        r"(?:liegt|fehlt|verschwand) (\w+) (\w+) (\w+)",
        {"masculine": "ein -er", "feminine": "eine -e", "neuter": "ein -es"},
    ),
    "indefinite accusative": (
        r"bitte (\w+) (\w+) (\w+)",
        {"masculine": "einen -en", "feminine": "eine -e", "neuter": "ein -es"},
    ),
    "indefinite accusative with hat": (
        r"hat (?:offenbar|angeblich|wirklich|bestimmt|vielleicht) (\w+) (\w+) (\w+)",
        {"masculine": "einen -en", "feminine": "eine -e", "neuter": "ein -es"},
    ),
    "indefinite dative": (
        r"Mit (\w+) (\w+) (\w+) fährt",
        {"masculine": "einem -en", "feminine": "einer -en", "neuter": "einem -en"},
    ),
}
SPOKEN_IN_400 = {
    "de": """ä ö ü ß äu eu ei au ie sch sp st pf tsch z ng qu ich ach uch r x y
        garage genie restaurant balkon orange jeans etage teint chance job massage
        schloss straße""",
    "en": """think three path month brother feather measure beige television
        garage ring young boy coin chair tour about spl spr str scr squ queen x z""",
}


def stock(language):
    """How many sentences the grammar says it offers."""
    with pytest.raises(ArgumentError) as caught:
        sentences(language, 10**9, rng=0)
    return int(re.search(r"from 0 to (\d+)", str(caught.value))[1])


@pytest.fixture(scope="module")
def everything():
    return {name: sentences(name, stock(name), rng=0) for name in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_grammar_offers_at_least_20_000_sentences_and_no_two_alike(
    everything, language
):
    assert len(everything[language]) == stock(language) >= 20_000
    assert len(set(everything[language])) == stock(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_sentences_have_4_to_12_words(everything, language):
    lengths = {len(sentence.split()) for sentence in everything[language]}
    assert min(lengths) >= 4
    assert max(lengths) <= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_sentences_are_plain_words_with_a_capital_and_an_end_mark(
    everything, language
):
    # One blank between words, no digit, no full stop but the last, no open gap.
    shape = re.compile(r"[A-ZÄÖÜ][a-zäöüß]*(,? [A-Za-zÄÖÜäöüß]+)+[.?!]")
    odd = [text for text in everything[language] if not shape.fullmatch(text)]
    assert odd == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("language", LANGUAGES)
def test_400_sentences_hold_all_letters_and_sounds(language, seed):
    spoken = " ".join(sentences(language, 400, rng=seed)).lower()
    wanted = SPOKEN_IN_400[language].split() + list("abcdefghijklmnopqrstuvwxyz")
    assert [sound for sound in wanted if sound not in spoken] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_400_sentences_hold_statements_questions_and_requests(language):
    ends = [sentence[-1] for sentence in sentences(language, 400, rng=0)]
    assert min(ends.count(mark) for mark in ".?!") > 20


@pytest.mark.parametrize("where", AGREEMENT)
def test_german_article_and_adjective_agree_with_the_noun(everything, where):
    pattern, forms = AGREEMENT[where]
    seen = set()
    for sentence in everything["de"]:
        if found := re.search(pattern, sentence):
            article, adjective, noun = found.groups()
            gender = GENDER[noun]
            form, ending = forms[gender].split(" -")
            assert article.lower() == form, sentence
            assert re.search(r"(e[nrs]?)$", adjective)[1] == ending, sentence
            seen.add(gender)
    assert seen == set(NOUNS)


def test_german_article_without_adjective_agrees_with_the_noun(everything):
    forms = {"masculine": "einen", "feminine": "eine", "neuter": "ein"}
    found = re.findall(
        r"(?:sucht|findet|verkauft|dass .*?) (ein\w*) ([A-ZÄÖÜ]\w+)",
        "\n".join(everything["de"]),
    )
    assert {article for article, _ in found} == set(forms.values())
    assert [pair for pair in found if pair[0] != forms[GENDER[pair[1]]]] == []


def test_german_subordinate_clauses_end_with_the_verb():
    drawn = sentences("de", 2_000, rng=0)
    ends = [text.rstrip(".").split()[-1] for text in drawn if ", dass " in text]
    assert set(ends) == {"kauft", "sucht", "braucht"}
    after = [re.match(r"Wenn .*?, (\w+)", text)[1] for text in drawn if "Wenn" in text]
    assert set(after) == set(
        "singt wartet tanzt pfeift schläft lacht boxt träumt".split()
    )


def test_english_has_an_before_vowels_and_a_before_consonants(everything):
    odd = re.compile(r"\b(a [aeiou]|an [^aeiou])", re.IGNORECASE)
    assert [text for text in everything["en"] if odd.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_seed_gives_the_same_sentences_as_its_generator(language):
    drawn = sentences(language, 50, rng=np.random.default_rng(3))
    assert drawn == sentences(language, 50, rng=3)
    assert drawn != sentences(language, 50, rng=4)


@given(
    language=st.sampled_from(LANGUAGES),
    few=st.integers(0, 60),
    more=st.integers(0, 60),
    seed=st.integers(0, 2**32),
)
def test_fewer_sentences_are_the_beginning_of_more(language, few, more, seed):
    drawn = sentences(language, few + more, rng=seed)
    assert len(set(drawn)) == few + more
    assert sentences(language, few, rng=seed) == drawn[:few]


def test_an_unknown_language_is_told_the_valid_ones():
    with pytest.raises(ArgumentError, match="must be one of 'de', 'en'; got 'fr'"):
        sentences("fr", 1, rng=0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_asking_for_too_many_is_told_how_many_there_are(language):
    n = stock(language) + 1
    with pytest.raises(ArgumentError, match=f"from 0 to {n - 1}, .* got {n}. Ask for"):
        sentences(language, n, rng=0)


def test_a_negative_number_of_sentences_is_refused():
    with pytest.raises(ArgumentError, match=r"n must be from 0 .* got -1"):
        sentences("de", -1, rng=0)
