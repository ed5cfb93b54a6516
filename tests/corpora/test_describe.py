import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from siamlab import audio, corpora, errors
from siamlab.corpora import _table

# The function has the name of its module.
describing = __import__("sys").modules["siamlab.corpora.describe"]


def noise(seconds=1.0, seed=0, rate=16000):
    """In 16 bits, so that each container holds the same."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))
    return np.round(samples * 2**15) / 2**15


def written(root, sounds, rate=16000):
    for name, samples in sounds.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        subtype = "FLOAT" if not np.isfinite(samples).all() else None
        soundfile.write(path, samples, rate, subtype=subtype)
    return corpora.folder(root)


def reasons(description):
    """Name of the file -> reasons."""
    rows = description.suspicious
    return {
        name: rows.reason[rows.path == path].tolist()
        for path in rows.path.unique()
        for name in [path.rsplit("/", 1)[-1]]
    }


def test_figures_are_those_of_a_loop(tmp_path):
    sounds = {
        "anna/1/a.wav": noise(1.0, 1),
        "anna/1/b.flac": noise(2.0, 2),
        "anna/2/c.wav": noise(3.0, 3),
        "ben/d.ogg": noise(0.5, 4),
    }
    corpus = written(tmp_path, sounds)
    found = corpora.describe(corpus)
    lengths = {"anna": 6.0, "ben": 0.5}
    assert found.speakers.seconds.to_dict() == lengths
    assert found.speakers.utterances.to_dict() == {"anna": 3, "ben": 1}
    assert found.speakers.sessions.to_dict() == {"anna": 2, "ben": 1}
    assert found.rates.to_dict() == {16000: 4}
    assert found.summary.loc["seconds per utterance"].tolist() == [0.5, 1.5, 3.0]
    assert found.utterances.peak.tolist() == pytest.approx(
        [np.abs(corpus[i][0]).max() for i in range(4)]
    )
    assert found.suspicious.empty
    assert repr(found).splitlines()[0] == (
        f"{tmp_path.name}: 2 speakers, 3 sessions, 4 utterances, 0.1 min, at 16,000 Hz"
    )
    assert repr(found).endswith("nothing suspicious")


def test_each_kind_of_suspicion_is_found_and_nothing_else(tmp_path):
    bad = noise(seed=3)
    bad[7] = np.nan
    sounds = {
        "anna/good.wav": noise(seed=1),
        "anna/silent.wav": np.zeros(16000),
        "anna/clipped.wav": np.clip(4 * noise(seed=2), -1, 1),
        "anna/nan.wav": bad,
        "anna/short.wav": noise(0.05),
        "anna/text.wav": noise(),
        "ben/copy.flac": noise(seed=1),
    }
    corpus = written(tmp_path, sounds)
    (tmp_path / "anna" / "text.wav").write_text("no sound")
    found = corpora.describe(corpus)
    assert set(reasons(found)) == {
        "silent.wav",
        "clipped.wav",
        "nan.wav",
        "short.wav",
        "text.wav",
        "copy.flac",
    }
    assert all(len(each) == 1 for each in reasons(found).values())
    for name, start in [
        ("silent.wav", "silent"),
        ("clipped.wav", r"clipped, \d+ samples"),
        ("nan.wav", "NaN, in 1 samples"),
        ("short.wav", "short, 0.050 s"),
        ("text.wav", "cannot be used: is no sound file"),
        ("copy.flac", "twice, also .*good.wav, as ben and anna"),
    ]:
        assert re.match(start, reasons(found)[name][0])
    assert "6 suspicious files" in repr(found)
    assert "  twice: 1" in repr(found)
    assert np.isnan(found.utterances.seconds[6 - 1])
    assert found.rates.sum() == len(corpus) - 1


def test_a_copy_is_found_under_any_name_and_header(tmp_path):
    sound = noise()
    for name, subtype in [
        ("a.wav", "PCM_16"),
        ("b.flac", "PCM_16"),
        ("c.wav", "PCM_24"),
        ("d.aiff", "FLOAT"),
    ]:
        path = tmp_path / "anna" / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, sound, 16000, subtype=subtype)
    soundfile.write(tmp_path / "anna" / "e.wav", sound, 8000)  # slower: another one
    with soundfile.SoundFile(tmp_path / "anna" / "f.wav", "w", 16000, 1) as file:
        file.title = "another header"
        file.write(sound)
    found = reasons(corpora.describe(corpora.folder(tmp_path)))
    assert set(found) == {"b.flac", "c.wav", "d.aiff", "f.wav"}
    assert all("twice, also" in each[0] for each in found.values())


def test_two_silent_files_are_silent_and_no_copies(tmp_path):
    silence = np.zeros(16000)
    found = corpora.describe(
        written(tmp_path, {"anna/a.wav": silence, "anna/b.wav": silence})
    )
    assert found.suspicious.reason.str.startswith("silent").all()


def test_stretches_of_one_file_are_heard_apart(tmp_path):
    sound = np.concatenate([noise(), noise(), noise(seed=5)])
    soundfile.write(tmp_path / "all.wav", sound, 16000)
    (tmp_path / "list.csv").write_text(
        "path,speaker,start,duration\nall.wav,A,0,1\nall.wav,A,1,1\nall.wav,B,2,1\n"
    )
    found = corpora.describe(corpora.folder(tmp_path / "list.csv"))
    assert found.utterances.seconds.tolist() == [1.0, 1.0, 1.0]
    assert len(found.suspicious) == 1  # the second is the first


@pytest.mark.parametrize("name", ["librispeech-mini", "fsdd-mini"])
def test_real_recordings_are_not_suspected_of_being_clipped(data, tmp_path, name):
    if name == "fsdd-mini":
        corpus = corpora.fsdd(data / name)
    else:
        corpus = corpora.librispeech(data / name, "test-other")
    assert corpora.describe(corpus).suspicious.empty
    # As loud as can be, they still are not; three times as loud, they are.
    rows = np.linspace(0, len(corpus) - 1, 10).astype(int)
    for i in rows:
        samples, rate = corpus[int(i)]
        samples = samples / np.abs(samples).max()
        for gain in (1, 3):
            path = tmp_path / f"times {gain}" / f"{i}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, np.clip(gain * samples, -1, 1), rate)
    found = corpora.describe(corpora.folder(tmp_path)).suspicious
    assert found.path.str.contains("times 3").all()
    assert len(found) == len(rows)


def slow_flat(full):
    """Samples in runs of three or more."""
    return sum(len(run) for run in "".join("x" if f else " " for f in full).split()
               if len(run) >= 3)  # fmt: skip


@example(full=[True] * 9, cuts=[4, 6])
@example(full=[False, True, True, True], cuts=[3])
@given(
    full=st.lists(st.booleans(), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_runs_at_full_scale_do_not_depend_on_blocks(full, cuts):
    full = np.array(full, dtype=bool)
    total, run = 0, 0
    for block in np.split(full, sorted(min(cut, len(full)) for cut in cuts)):
        if len(block):  # as blocks of a recording are
            more, run = describing._flat(block, run)
            total += more
    assert total == slow_flat(full)


@pytest.mark.parametrize("ending", ["wav", "m4a"])
def test_blocks_are_the_whole_in_pieces(tmp_path, encode, ending):
    path = tmp_path / f"a.{ending}"
    if ending == "m4a":
        encode(path, noise(2.5))
    else:
        soundfile.write(path, np.stack([noise(2.5), noise(2.5, 1)], 1), 16000)
    for stretch in ({}, {"start": 0.7, "duration": 1.5}):
        whole, rate = audio.read(path, **stretch)
        pieces = list(audio.blocks(path, **stretch, seconds=0.3))
        assert len(pieces) > 1
        assert all(r == rate and 0 < len(s) <= 0.3 * rate for s, r in pieces)
        np.testing.assert_array_equal(np.concatenate([s for s, _ in pieces]), whole)


def test_a_long_recording_needs_little_memory(tmp_path):
    sound = np.tile(noise(10.0), 60)
    corpus = written(tmp_path, {"anna/a.wav": sound})
    del sound
    tracemalloc.start()
    try:
        corpora.describe(corpus)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 16000 * 600 / 4


def test_a_notebook_shows_tables_without_executing_names(tmp_path):
    path = tmp_path / "<b>anna" / "a.wav"
    path.parent.mkdir()
    path.write_text("no sound")
    soundfile.write(tmp_path / "<b>anna" / "b.wav", noise(), 16000)
    shown = corpora.describe(corpora.folder(tmp_path))._repr_html_()
    assert "seconds per utterance" in shown
    assert "1 suspicious files" in shown
    assert "<b>anna" not in shown


def test_many_suspicious_files_are_not_all_shown():
    rows = pd.DataFrame(
        {
            "speaker": "a",
            "session": "a",
            "path": [f"gone {i}.wav" for i in range(30)],
            "start": 0.0,
            "duration": np.nan,
            "text": "",
            "phones": None,
        }
    )
    found = corpora.describe(_table.Corpus(rows, "gone"))
    assert len(found.suspicious) == 30
    assert "and 10 more" in found._repr_html_()
    assert "at no Hz" in repr(found)


def test_a_shortest_below_zero_is_named(tmp_path):
    corpus = written(tmp_path, {"anna/a.wav": noise()})
    with pytest.raises(errors.ArgumentError, match="got -1 s"):
        corpora.describe(corpus, shortest=-1)
    assert len(corpora.describe(corpus, shortest=2.0).suspicious) == 1
