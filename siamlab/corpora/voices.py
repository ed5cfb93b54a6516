"""Synthetic voices: a corpus that needs no download and no files.

The sentences (`_sentences`) are spoken by eSpeak NG (`_espeak`) and recorded in
simulated rooms (`_room_acoustics`). The recordings are kept in the cache.
"""

import base64
import contextlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from .. import _files, audio
from .._progress import map_in_threads
from ..errors import ArgumentError, CorpusError, StorageError
from ._corpus import Corpus
from ._room_acoustics import record, studio
from ._sentences import LANGUAGES, sentences

SR = 16000
# Part of the cache key. Increase it if the same arguments give other recordings.
_VERSION = 1

# Voice variants of eSpeak NG, without robots, whispering voices, and variants that
# differ from another one less than two sentences of one voice do.
_FEMALE = (
    "Alicia Andrea Annie anika aunty belinda f1 f2 f3 f4 f5 grandma linda shelby steph"
).split()
_MALE = (
    "Alex Andy AnxiousAndy Denis Diogo Gene Hugo Jacky Lee Marco Mario Michael Mike "
    "Nguyen Reed RicishayMax RicishayMax2 Storm Tweaky adam antonio benjamin boris "
    "croak david ed edward grandpa gustave ian iven iven2 iven3 iven4 john kaukovalta "
    "klatt klatt3 klatt4 m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel norbert pablo paul "
    "pedro quincy robert sandro travis victor"
).split()
_STRESS = "ˈˌ"


def voices(language="de", n_speakers=24, n_utterances=20, seed=0, rooms=True):
    """Synthesize speakers reading sentences, each in a different simulated room.

    Speed, pitch, intonation, level, filter, room and noise are drawn for each
    utterance, never for each speaker, so a network cannot identify speakers by the
    properties of the recording (``docs/doctor.md#s38``).

    Parameters
    ----------
    language : {"de", "en"}
        German or English.
    n_speakers : int
        Number of speakers, each with a different voice of eSpeak NG; at most 74. Of the
        74 voices, 15 are female.
    n_utterances : int
        Number of utterances per speaker, each a different sentence of about 2.5 s.
    seed : int
        Seed of the voices, sentences and recordings.
    rooms : bool
        Simulate a different room for each utterance. If False, utterances sound as in a
        studio: without filter, reverberation or noise, and with the same peak level.

    Returns
    -------
    Corpus
        Recordings at 16 kHz. Phones are IPA symbols with their times; "sil" is a pause.
        Additional columns: `sex` ("F" or "M"), and `stress`: "ˈ", "ˌ" or "" for each
        phone. Each utterance is a separate session.

    Raises
    ------
    ArgumentError
        If the language is unknown, or there are not enough voices or sentences.
    CorpusError
        If eSpeak NG does not run on this machine.

    Examples
    --------
    >>> import siamlab as sl
    >>> sl.corpora.voices(n_speakers=2, n_utterances=3)
    voices de: 6 utterances, 2 speakers, 0.2 min
    """
    if language not in LANGUAGES:
        raise ArgumentError(
            f"language must be one of {', '.join(LANGUAGES)}; got {language!r}"
        )
    names = _FEMALE + _MALE
    if not 1 <= n_speakers <= len(names):
        raise ArgumentError(
            f"n_speakers must be from 1 to {len(names)}, the number of voices; "
            f"got {n_speakers}"
        )
    if n_utterances < 1:
        raise ArgumentError(f"n_utterances must be at least 1; got {n_utterances}")
    rng = np.random.default_rng((seed, LANGUAGES.index(language)))
    chosen = [names[i] for i in rng.permutation(len(names))[:n_speakers]]
    texts = sentences(language, n_speakers * n_utterances, rng=rng)
    parts = np.reshape(texts, (n_speakers, n_utterances)).tolist()

    def speak(i):
        return _speaker(language, chosen[i], parts[i], seed, rooms)

    speakers = map_in_threads(speak, range(n_speakers), "voices", "speaker", 2)
    table = pd.DataFrame(itertools.chain.from_iterable(speakers))
    return Corpus(table, f"voices {language}")


def _speaker(language, name, texts, seed, rooms):
    """Return the rows of one speaker, from the cache or synthesized."""
    key = _files.digest(_VERSION, language, name, texts, seed, rooms)
    folder = _files.cache_folder("voices") / key
    with contextlib.suppress(Exception):  # a damaged table may contain anything
        return _load(folder)
    rows = list(_synthesize(folder, language, name, texts, seed, rooms))
    # The table comes last: it says that all recordings are there.
    _files.write_text(folder / "table.json", json.dumps(rows, ensure_ascii=False))
    # Loaded, so that types do not depend on whether they come from the cache.
    return _load(folder)


def _load(folder):
    """Load the rows of a speaker; raise an error if they are missing or damaged."""
    rows = json.loads((folder / "table.json").read_text("utf-8"))
    for row in rows:
        path = folder / row["path"]
        if path.stat().st_size != row.pop("bytes"):
            raise StorageError(f"{path} is damaged; call voices again")
        row["path"] = str(path)
        row["phones"] = [tuple(phone) for phone in row["phones"]]
    return rows


def _synthesize(folder, language, name, texts, seed, rooms):
    """Speak, record and write the utterances of one speaker; yield their rows."""
    import soundfile

    # One random stream per voice, so that each voice is independent of the others.
    voice_id = int(_files.digest(name)[:8], 16)
    rng = np.random.default_rng((seed, voice_id))
    requests = [
        {
            "voice": f"{'en-us' if language == 'en' else language}+{name}",
            "text": text,
            "speed": int(rng.uniform(130, 220)),
            "pitch": int(rng.uniform(25, 75)),
            "range": int(rng.uniform(25, 75)),
        }
        for text in texts
    ]
    for i, (voice, phones) in enumerate(_speak(requests)):
        samples = record(voice, SR, rng) if rooms else studio(voice)
        path = folder / f"{i:04d}.flac"
        with _files.atomic_write(path) as temporary:
            soundfile.write(temporary, samples, SR, format="FLAC", subtype="PCM_16")
        yield {
            "speaker": name,
            "session": f"{name}-{i:04d}",
            "path": path.name,
            "bytes": path.stat().st_size,
            "start": 0.0,
            "duration": len(samples) / SR,
            "text": texts[i],
            "phones": [(p.strip(_STRESS) or "sil", s, e) for p, s, e in phones],
            "stress": ["".join(c for c in p if c in _STRESS) for p, _, _ in phones],
            "sex": "F" if name in _FEMALE else "M",
        }


def _speak(requests):
    """Return samples at `SR` and phones (IPA, start, end in seconds) per request."""
    script = Path(__file__).with_name("_espeak.py")
    try:
        # -P: do not import modules from this folder, such as folder.py.
        done = subprocess.run(
            [sys.executable, "-P", str(script)],
            input=json.dumps(requests).encode(),
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", b"") or str(error).encode()
        last = detail.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise CorpusError(
            f"the synthetic voices need eSpeak NG, which failed: {last}. Install "
            "espeakng-loader for your platform, or use another corpus"
        ) from error
    return [_convert(**answer) for answer in json.loads(done.stdout)]


def _convert(samples, phones, sr):
    """Resample 16-bit samples to `SR`; convert phone starts to intervals in seconds."""
    content = base64.b64decode(samples)
    samples = np.frombuffer(content, dtype="<i2").astype(np.float32) / 32768
    duration = len(samples) / sr
    # "(en)", "(de)": eSpeak applies the rules of another language to foreign words.
    phones = [(symbol, at) for symbol, at in phones if not symbol.startswith("(")]
    starts = [min(start / sr, duration) for _, start in phones] + [duration]
    spans = [
        (symbol, round(start, 4), round(end, 4))
        for (symbol, _), start, end in zip(phones, starts, starts[1:], strict=False)
        if end > start
    ]
    return audio.resample(samples, sr, SR), spans
