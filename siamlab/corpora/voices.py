"""The embedded voices: a corpus that needs no network and no file.

Spoken by eSpeak NG (see `_espeak`), recorded in rooms that do not exist (see
`_recording`), kept in the cache after the first time.
"""

import itertools
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from .. import _files, audio
from .._progress import progress_bar
from ..errors import ArgumentError, CorpusError, StorageError
from ._recording import record, studio
from ._sentences import LANGUAGES, sentences
from ._table import Corpus

__all__ = ["voices"]

RATE = 16000
# Changes whenever the same arguments shall give other recordings.
_EDITION = 1

# eSpeak's variants without the robots, the whisperers, and those that differ from
# another one by less than two sentences of the same voice do.
_WOMEN = (
    "Alicia Andrea Annie anika aunty belinda f1 f2 f3 f4 f5 grandma linda shelby steph"
).split()
_MEN = (
    "Alex Andy AnxiousAndy Denis Diogo Gene Hugo Jacky Lee Marco Mario Michael Mike "
    "Nguyen Reed RicishayMax RicishayMax2 Storm Tweaky adam antonio benjamin boris "
    "croak david ed edward grandpa gustave ian iven iven2 iven3 iven4 john kaukovalta "
    "klatt klatt3 klatt4 m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel norbert pablo paul "
    "pedro quincy robert sandro travis victor"
).split()
_STRESS = "ˈˌ"
_PAUSE = "sil"
_COLUMNS = {"speaker", "session", "start", "duration", "text", "stress", "sex"}


def voices(language="de", n_speakers=24, n_utterances=20, seed=0, rooms=True):
    """Let synthetic speakers read sentences, each in another room.

    Rate, pitch, intonation, loudness, filter, room and noise are drawn for each
    utterance, never for each speaker: a network that learns the recording learns
    nothing of the speaker (FAULTS S38).

    Parameters
    ----------
    language : {"de", "en"}
        German or English.
    n_speakers : int
        Number of speakers, each another voice of eSpeak NG; 74 at most, about one
        in five a woman.
    n_utterances : int
        Number of utterances per speaker, each another sentence of about 2.5 s.
    seed : int
        Which voices speak, what they say and where.
    rooms : bool
        Record each utterance in a room of its own; otherwise as from a studio,
        without filter, reverberation and noise, all equally loud.

    Returns
    -------
    Corpus
        16 kHz. Phones are IPA with their times, "sil" for a pause; beside the
        usual columns `sex` ("F", "M"), and `stress`: for each phone "ˈ", "ˌ" or
        "". Each utterance is a session of its own.

    Raises
    ------
    ArgumentError
        If the language is unknown, or there are fewer voices or sentences than
        asked for.
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
    names = _WOMEN + _MEN
    if not 1 <= n_speakers <= len(names):
        raise ArgumentError(
            f"speakers must be 1 to {len(names)}, as many as there are voices; "
            f"got {n_speakers}"
        )
    if n_utterances < 1:
        raise ArgumentError(f"utterances must be at least 1; got {n_utterances}")
    rng = np.random.default_rng((seed, LANGUAGES.index(language)))
    chosen = [names[i] for i in rng.permutation(len(names))[:n_speakers]]
    texts = sentences(language, n_speakers * n_utterances, rng=rng)
    tasks = [
        (language, name, texts[i * n_utterances : (i + 1) * n_utterances], seed, rooms)
        for i, name in enumerate(chosen)
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        rows = list(
            progress_bar(
                pool.map(lambda task: _speaker(*task), tasks),
                total=n_speakers,
                description="voices",
                unit="speaker",
            )
        )
    return Corpus(
        pd.DataFrame(itertools.chain.from_iterable(rows)), f"voices {language}"
    )


def _speaker(language, name, texts, seed, rooms):
    """Rows of the table for one speaker, spoken now or earlier."""
    key = _files.digest(_EDITION, language, name, texts, seed, rooms)
    folder = _files.cache_folder("voices") / key
    was_there = folder.exists()
    rows = _kept(folder, len(texts))
    if rows is None:
        if was_there:  # and is damaged
            shutil.rmtree(folder, ignore_errors=True)
        with _files.atomic_folder(folder) as temporary:
            rows = list(_speak(temporary, language, name, texts, seed, rooms))
            table = json.dumps(rows, ensure_ascii=False)
            (temporary / "table.json").write_text(table, "utf-8")
        rows = _kept(
            folder, len(texts)
        )  # the same types, whether spoken now or earlier
        if rows is None:
            raise StorageError(
                f"{folder} was kept and is gone or damaged now; call voices again"
            )
    return rows


def _kept(folder, count):
    """Rows of a speaker, with paths; None where they are not there, or damaged."""
    try:
        rows = json.loads((folder / "table.json").read_text("utf-8"))
        if len(rows) != count:
            return None
        for row in rows:
            path = folder / row["path"]
            if path.stat().st_size != row.pop("bytes"):
                return None
            row["path"] = str(path)
            row["phones"] = [(str(p), float(s), float(e)) for p, s, e in row["phones"]]
            if not _COLUMNS <= row.keys():
                return None
    # What a damaged table holds may be of any kind.
    except (
        OSError,
        ValueError,
        RecursionError,
        LookupError,
        TypeError,
        AttributeError,
    ):
        return None
    return rows


def _speak(folder, language, name, texts, seed, rooms):
    """Synthesize, record and write one speaker's utterances."""
    import soundfile

    # A stream of its own for each voice, so that it does not depend on the others.
    voice_id = int(_files.digest(name)[:8], 16)
    rng = np.random.default_rng((seed, voice_id))
    requests = [
        {
            "voice": f"{'en-us' if language == 'en' else language}+{name}",
            "text": text,
            "rate": int(rng.uniform(130, 220)),
            "pitch": int(rng.uniform(25, 75)),
            "range": int(rng.uniform(25, 75)),
        }
        for text in texts
    ]
    for i, (text, (spoken, phones)) in enumerate(
        zip(texts, _synthesize(requests), strict=True)
    ):
        samples = record(spoken, RATE, rng) if rooms else studio(spoken)
        path = folder / f"{i:04d}.flac"
        with _files.atomic_write(path) as temporary:
            soundfile.write(temporary, samples, RATE, format="FLAC", subtype="PCM_16")
        symbols = [symbol.strip(_STRESS) or _PAUSE for symbol, _, _ in phones]
        marks = ["".join(c for c in symbol if c in _STRESS) for symbol, _, _ in phones]
        yield {
            "speaker": name,
            "session": f"{name}-{i:04d}",
            "path": path.name,
            "bytes": path.stat().st_size,
            "start": 0.0,
            "duration": len(samples) / RATE,
            "text": text,
            "phones": [
                (symbol, start, end)
                for symbol, (_, start, end) in zip(symbols, phones, strict=True)
            ],
            "stress": marks,
            "sex": "F" if name in _WOMEN else "M",
        }


def _synthesize(requests):
    """Yield samples at `RATE` and phones (IPA, start, end in seconds)."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    script = Path(__file__).with_name("_espeak.py")
    try:
        # -P: this folder holds `folder.py` and others that nobody wants to import.
        done = subprocess.run(
            [sys.executable, "-P", str(script)],
            input=lines.encode(),
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", b"") or str(error).encode()
        last = detail.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise CorpusError(
            f"the embedded voices need eSpeak NG, which did not run here: {last}. "
            "Install espeakng-loader for your platform, or use another corpus."
        ) from error
    content = memoryview(done.stdout)
    for _ in requests:
        end = bytes(content).index(b"\n")
        head = json.loads(bytes(content[:end]))
        body = content[end + 1 : end + 1 + head["bytes"]]
        content = content[end + 1 + head["bytes"] :]
        if len(body) < head["bytes"] or not head["bytes"]:
            raise StorageError("eSpeak NG broke off in the middle; call voices again")
        yield _decode(body, head["phones"], head["sample_rate"])


def _decode(body, phones, rate):
    samples = np.frombuffer(body, dtype="<i2").astype(np.float32) / 32768
    length = len(samples) / rate
    # "(en)", "(de)": eSpeak changes its rules for a foreign word; nobody says that.
    phones = [(symbol, at) for symbol, at in phones if not symbol.startswith("(")]
    starts = [min(start / rate, length) for _, start in phones] + [length]
    spans = [
        (symbol, round(start, 4), round(end, 4))
        for (symbol, _), start, end in zip(phones, starts, starts[1:], strict=False)
        if end > start
    ]
    return audio.resample(samples, rate, RATE), spans
