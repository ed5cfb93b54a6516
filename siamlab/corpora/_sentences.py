"""Sentences for the synthetic voices: a small grammar per language.

- `LANGUAGES`: the languages that have a grammar.
- `sentences`: any number of distinct sentences, the same for the same seed.

A pattern is a sentence with gaps. A gap names a list of phrases, or lists them:

>>> frame, gaps = _parse("The nurse {verb} {a cup|an egg}.", {"verb": ["has", "sees"]})
>>> for index in range(4):
...     print(_fill(frame, gaps, index))
The nurse has a cup.
The nurse has an egg.
The nurse sees a cup.
The nurse sees an egg.

Any filling gives a right sentence, for a phrase is inflected before it enters its
list, and all phrases of one gap fit all those of the others. Keep to that when you
add words. For another language, add lists and patterns, and name it in `_GRAMMARS`.
"""

import math
import re

import numpy as np

from ..errors import ArgumentError

__all__ = ["LANGUAGES", "sentences"]


def _words(listed):
    """Split at commas: _words("a cup, tea") is ["a cup", "tea"]."""
    return [" ".join(phrase.split()) for phrase in listed.split(",")]


# --- German. A noun stands with its article, which tells its gender. -----------------
# Of the loanwords, eSpeak NG 1.52 says Garage, Massage, Teint and Chance as Germans
# do; it misreads Genie, Orange and Etage, without the soft g, and labels them so.

_THINGS_DE = _words("""
    der Koffer, der Schlüssel, der Topf, der Teppich, der Ring, der Stuhl, der Schirm,
    der Spiegel, die Jeans, die Mütze, die Tasche, die Pfeife, die Uhr, die Pfanne,
    die Geige, die Vase, das Buch, das Kissen, das Messer, das Fass, das Gemälde,
    das Spielzeug, das Fahrrad""")
_FOOD_DE = _words("""
    der Apfel, der Pfirsich, der Kuchen, der Keks, die Orange, die Pflaume, die Kirsche,
    die Quitte, die Brezel, das Baguette, das Brötchen, das Eis, das Gebäck""")
_VEHICLES_DE = _words("""
    der Bus, der Zug, der Traktor, die Kutsche, die Limousine, das Taxi, das Motorrad,
    das Fahrrad""")
_LUCK_DE = _words("der Job, der Teint, die Chance, die Idee, das Team, das Gefühl")
# Who is served is never among those who serve, or a cook would serve himself. All are
# unchanged in the dative, which "der Junge" (dem Jungen) would not be.
_SERVED_DE = _words("""
    der Lehrer, die Tante, das Mädchen, der Freund, die Königin, der Zwerg, das Kind,
    der Gast, die Richterin, der Mechaniker, die Tänzerin""")
# Stems that take any ending: not "teuer" (teure), "hoch" (hohe) or "müde".
_LOOKS_DE = _words("schön, alt, neu, groß, klein, grün, weiß, blau, hübsch, schwarz")
_TASTES_DE = _words("süß, frisch, köstlich, groß, winzig")

# Article and adjective ending per gender.
_FORMS = {
    ("der", "nominative"): {"der": "der -e", "die": "die -e", "das": "das -e"},
    ("der", "dative"): {"der": "dem -en", "die": "der -en", "das": "dem -en"},
    ("der", "accusative"): {"der": "den -en", "die": "die -e", "das": "das -e"},
    ("ein", "nominative"): {"der": "ein -er", "die": "eine -e", "das": "ein -es"},
    ("ein", "dative"): {"der": "einem -en", "die": "einer -en", "das": "einem -en"},
    ("ein", "accusative"): {"der": "einen -en", "die": "eine -e", "das": "ein -es"},
}


def _inflect(article, case, nouns, adjectives=()):
    """Inflect every adjective with every noun, or the nouns alone.

    _inflect("ein", "dative", ["der Zug"], ["alt"]) is ["einem alten Zug"].
    """
    phrases = []
    for noun in nouns:
        gender, name = noun.split()
        form, ending = _FORMS[article, case][gender].split(" -")
        phrases += [f"{form} {stem}{ending} {name}" for stem in adjectives]
        phrases += [] if adjectives else [f"{form} {name}"]
    return phrases


_LISTS_DE = {
    "wer": _words("""
        der Bäcker, die Ärztin, der Pförtner, die Köchin, der Kapitän, die Sängerin,
        der Dirigent, die Schülerin, der Friseur, das Genie, mein Großvater,
        unsere Nachbarin, der Junge, Jürgen, Frau Schröder, meine Schwester"""),
    "tut": _words("singt, wartet, tanzt, pfeift, schläft, lacht, boxt, träumt"),
    "wann": _words("""
        heute Abend, am Samstag, jeden Sonntag, nach dem Essen, um acht Uhr,
        kurz vor zwölf, nach der Massage, morgen früh, zum Frühstück, in der Pause"""),
    "wo": _words("""
        in der Garage, auf dem Balkon, im Restaurant, in der Küche, hinter dem Schloss,
        am Bahnhof, neben der Kirche, vor dem Haus, in der dritten Etage, im Garten,
        unter der Brücke, im Büro, auf der Straße, in der Passage, im Zug"""),
    "wo draußen": _words("""
        hinter dem Schloss, unter der Brücke, auf der Wiese, am Fluss, am Teich,
        neben der Scheune, im Zoo, bei der Mühle"""),
    "wohin": _words("""
        nach Köln, nach Zürich, nach Ägypten, ans Meer, in die Schweiz, zum Bahnhof,
        ins Gebirge, zur Universität, an die Küste, aufs Land, zum Flughafen"""),
    "weil": _words("""
        es draußen stürmt, der Zug nicht kommt, die Sonne scheint,
        der Chef morgen heiratet, die Saison beginnt, es nach Knoblauch riecht,
        die Heizung nicht funktioniert, alle anderen beschäftigt sind"""),
    "wenn": _words("""
        es regnet, die Sonne scheint, der Mond aufgeht, Besuch kommt, niemand zuhört,
        der Wecker klingelt, die Glocke zwölf schlägt"""),
    "zwölf": _words("""
        zwei, drei, fünf, sechs, sieben, acht, zwölf, sechzehn, siebzehn, zwanzig,
        dreißig, fünfundvierzig, neunundneunzig, hundert"""),
    "Tiere": _words("""
        Pferde, Füchse, Kühe, Schafe, Gänse, Hühner, Vögel, Frösche, Katzen, Mäuse,
        Spatzen, Störche, Ziegen, Schwäne"""),
    "der alte Topf": _inflect("der", "nominative", _THINGS_DE, _LOOKS_DE),
    "den alten Topf": _inflect("der", "accusative", _THINGS_DE, _LOOKS_DE),
    "den süßen Keks": _inflect("der", "accusative", _FOOD_DE, _TASTES_DE),
    "dem Gast": _inflect("der", "dative", _SERVED_DE),
    "dem netten Gast": _inflect("der", "dative", _SERVED_DE, ["jung", "freundlich"]),
    "ein alter Topf": _inflect("ein", "nominative", _THINGS_DE, _LOOKS_DE),
    "einen Topf": _inflect("ein", "accusative", _THINGS_DE),
    "einen süßen Keks": _inflect("ein", "accusative", _FOOD_DE, _TASTES_DE),
    "einen guten Job": _inflect(
        "ein", "accusative", _LUCK_DE, _words("gut, schlecht, großartig")
    ),
    "einem alten Bus": _inflect(
        "ein", "dative", _VEHICLES_DE, _words("alt, schnell, gelb, bequem")
    ),
}

_PATTERNS_DE = """
{wer} {sucht|findet|verkauft|versteckt|zeichnet} {einen Topf} {wo}.
{wo} {liegt|fehlt|verschwand} {ein alter Topf}.
{wann} {isst|probiert|bestellt|serviert} {wer} {den süßen Keks}.
mit {einem alten Bus} fährt {wer} {wohin}.
hat {wer} schon wieder {den alten Topf} {vergessen|verkauft|gefunden|gestohlen}?
{warum|mit wem|womit} fährt {wer} {wann} {wohin}?
{ich glaube|wir wissen|alle sagen}, dass {wer} {einen Topf} {kauft|sucht|braucht}.
{wer} {tut} {wo}, weil {weil}.
wenn {wenn}, {tut} {wer} {wo}.
{zwölf} {Tiere} {schlafen|warten|spielen|streiten sich} {gerade|wieder} {wo draußen}.
{der alte Topf} kostet {nur|fast|etwa|höchstens} {zwölf} Euro.
{wer} {schenkt|bringt|zeigt} {dem netten Gast} {einen Topf}.
{wer} hat {offenbar|angeblich|wirklich|bestimmt|vielleicht} {einen guten Job}.
{bring|gib|kauf|reich} {dem Gast} bitte {einen süßen Keks}!
"""

# --- English. A noun stands alone. ---------------------------------------------------
# No word takes another a or an than its first letter suggests: no "useful", no "hour".

_THINGS_EN = _words("""
    leather jacket, ring, toothbrush, watch, feather, clock, toy, coin, chair, spoon,
    television, basket, sculpture, envelope, umbrella, axe, violin, bottle, blanket,
    string bag, box, treasure map, earring, statue, bathrobe""")
_LOOKS_EN = _words(
    "beige, strange, tiny, old, ugly, heavy, splendid, beautiful, yellow, expensive"
)


def _a(names):
    """Put a or an before each: _a(["axe", "box"]) is ["an axe", "a box"]."""
    return [f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names]


_OLD_THINGS_EN = [f"{look} {thing}" for thing in _THINGS_EN for look in _LOOKS_EN]
_LISTS_EN = {
    "who": _words("""
        the baker, the nurse, my brother, the young king, Charlotte, the thirsty boy,
        our neighbour, the judge, the tour guide, the sailor, the poet, the queen,
        my father, the singer, the girl upstairs, Geoffrey"""),
    "whom": _words("""
        the thief, the other child, the mayor, the youth, the twins, the author,
        the actress, the strange boy, the clown, the plumber"""),
    "did": _words("waited, sang, slept, danced, whistled, laughed, screamed, prayed"),
    "do": _words("sing, whistle, think, sleep, dance, scream, cough"),
    "did more": _words("""
        joined the choir, made a strange decision, sketched three squirrels,
        watched television with the boys, breathed the southern air,
        poured boiling water, scratched the smooth bench, shared the last strawberry,
        heard the cheerful crowd, enjoyed a moment of leisure, explored the caves,
        asked for the exact width, destroyed the toys, thanked both of the twins,
        found pure joy in music"""),
    "when": _words("""
        last month, on Thursday, after the storm, before sunrise, yesterday,
        the other day, a week ago"""),
    "where": _words("""
        in the garage, under the bridge, on the path, near the church, by the river,
        at the airport, behind the cathedral, in the bathroom, on the roof,
        outside the theatre, beneath the stairs, at the zoo, on the beach"""),
    "because": _words("""
        the train was late, the weather was awful, nothing else mattered,
        the cellar was flooded, three others had left, nobody could see"""),
    "as": _words("""
        the storm began, the earth shook, the moon rose, the bell rang,
        the months grew colder, the fire died down, they arrived"""),
    "twelve": _words("""
        two, three, five, six, eight, nine, eleven, twelve, thirteen, seventeen, thirty,
        fifty, a hundred, a thousand"""),
    "animals": _words("""
        geese, sheep, foxes, squirrels, sparrows, moths, frogs, deer, larks, wolves,
        thrushes, chimpanzees"""),
    "an axe": _a(_THINGS_EN),
    "old axe": _OLD_THINGS_EN,
    "an old axe": _a(_OLD_THINGS_EN),
    "an egg": _a(_words("orange, apple, egg, pear, sausage, peach")),
}

_PATTERNS_EN = """
{who} {found|lost|hid|sold|measured} {an axe} {where}.
{where} {lay|was} {an old axe}.
{never before|only once|rarely} had {who} {seen|wanted} such {an old axe}.
{when}, {who} {did more}.
did {who} {hide|lose|measure|sell|choose} the {old axe} again?
why does {who} {usually|always|never} {do} {where}?
would {who} prefer {an egg} or {a cup of tea|juice|sour milk|spring water|broth}?
{I think|we know|they say|the others believe} that {who} {needs|wants|owns} {an axe}.
{who} {did} {where} because {because}.
when {as}, {who} {did} {where}.
{twelve} {animals} were {sleeping|resting|fighting|playing|gathering} {where}.
the {old axe} costs {only|nearly|about|exactly} {twelve} pounds.
{who} {gave|showed|brought} {whom} {an axe} {this morning|on Thursday|at noon}.
please {hand|show|bring|lend} {whom} the {old axe}!
"""

# --- From patterns to sentences. -----------------------------------------------------

_GRAMMARS = {"de": (_PATTERNS_DE, _LISTS_DE), "en": (_PATTERNS_EN, _LISTS_EN)}

#: The languages that have a grammar.
LANGUAGES = tuple(_GRAMMARS)


def _parse(pattern, lists):
    """Split a pattern into its frame and the phrases of each gap."""
    gaps = re.findall(r"\{(.*?)\}", pattern)
    frame = re.sub(r"\{.*?\}", "{}", pattern)
    return frame, [gap.split("|") if "|" in gap else lists[gap] for gap in gaps]


def _fill(frame, gaps, index):
    """Write out filling number `index`, from 0, of all that a pattern allows."""
    choice = np.unravel_index(index, [len(phrases) for phrases in gaps])
    filled = frame.format(*(gap[i] for gap, i in zip(gaps, choice, strict=True)))
    return filled[0].upper() + filled[1:]


def sentences(language, n, *, rng):
    """Draw distinct sentences.

    The patterns take turns, so a few hundred sentences hold every sound that the
    grammar has. Fewer sentences are the beginning of more: `n=10` gives the first
    10 of what `n=50` gives for the same seed.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.
    n : int
        How many sentences, from 0 to what the grammar offers (over 100,000).
    rng : numpy.random.Generator or int
        Source of chance, or a seed. The same seed gives the same sentences.

    Returns
    -------
    list of str
        `n` sentences of 4 to 12 words, no two alike. Numbers are written as words.

    Raises
    ------
    ArgumentError
        If the language has no grammar, or its grammar has fewer than `n` sentences.

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
    if language not in LANGUAGES:
        valid = ", ".join(repr(name) for name in LANGUAGES)
        raise ArgumentError(f"language must be one of {valid}; got {language!r}.")
    patterns, lists = _GRAMMARS[language]
    parsed = [_parse(pattern, lists) for pattern in patterns.strip().splitlines()]
    sizes = [math.prod(len(phrases) for phrases in gaps) for _, gaps in parsed]
    if not 0 <= n <= sum(sizes):
        raise ArgumentError(
            f"n must be from 0 to {sum(sizes)}, which is how many sentences the "
            f"grammar for {language!r} offers; got {n}. Ask for fewer, or add words."
        )
    rng = np.random.default_rng(rng)
    orders = [rng.permutation(size) for size in sizes]
    drawn: list[str] = []
    for turn in range(max(sizes)):
        if len(drawn) >= n:
            break
        for i in rng.permutation(len(parsed)):
            if turn < sizes[i]:
                frame, gaps = parsed[i]
                drawn.append(_fill(frame, gaps, orders[i][turn]))
    return drawn[:n]
