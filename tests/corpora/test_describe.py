import re

import numpy as np
import pytest
import soundfile

from siamlab import corpora


def noise(seconds=1.0, seed=0):
    """Noise in 16 bits, so that every container holds the same samples."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * 16000))
    return np.round(samples * 2**15) / 2**15


def write(root, sounds):
    for name, samples in sounds.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        subtype = None if np.isfinite(samples).all() else "FLOAT"
        soundfile.write(path, samples, 16000, subtype=subtype)
    return corpora.folder(root)


def test_statistics_agree_with_the_files(tmp_path):
    sounds = {"anna/1/a.wav": noise(1.0, 1), "anna/1/b.flac": noise(2.0, 2)}
    sounds |= {"anna/2/c.wav": noise(3.0, 3), "ben/d.ogg": noise(0.5, 4)}
    corpus = write(tmp_path, sounds)
    found = corpora.describe(corpus)
    assert found.speakers.seconds.to_dict() == {"anna": 6.0, "ben": 0.5}
    assert found.speakers.utterances.to_dict() == {"anna": 3, "ben": 1}
    assert found.speakers.sessions.to_dict() == {"anna": 2, "ben": 1}
    seconds = found.summary.loc["seconds per utterance", ["min", "median", "max"]]
    assert seconds.tolist() == [0.5, 1.5, 3.0]
    levels = [10 * np.log10(np.var(samples)) for samples, _ in corpus]
    assert found.utterances.level_db.tolist() == pytest.approx(levels, abs=1e-3)
    offsets = [samples.mean() for samples, _ in corpus]
    assert found.utterances.offset.tolist() == pytest.approx(offsets, abs=1e-6)
    peaks = [np.abs(samples).max() for samples, _ in corpus]
    assert found.utterances.peak.tolist() == pytest.approx(peaks)
    line, *_, verdict = repr(found).splitlines()
    assert "2 speakers, 3 sessions, 4 utterances, 0.1 min, at 16,000 Hz" in line
    assert verdict == "no suspicious files"


def test_every_kind_of_suspicious_file_is_found_and_nothing_else(tmp_path):
    loud = noise(seed=4) / np.abs(noise(seed=4)).max()
    expected = {
        "anna/good.wav": (noise(seed=1), None),
        "anna/loud.wav": (loud, None),
        "anna/silent.wav": (np.zeros(16000), "silent, from beginning to end"),
        "anna/clipped.wav": (np.clip(4 * loud, -1, 1), r"clipped, \d+ samples at .*"),
        "anna/nan.wav": (np.append(loud, np.nan), "NaN, in 1 samples"),
        "anna/short.wav": (noise(0.05), "short, 0.050 s"),
        "anna/quiet.wav": (noise(seed=5) / 256, "quiet, -59 dB"),
        "anna/offset.wav": (noise(seed=6) / 2 + 0.01, r"offset, [01]\.\d% of full .*"),
        "anna/text.wav": (noise(), "unreadable: is not a sound file .*"),
        "ben/copy.flac": (noise(seed=1), "duplicate, of .*good.wav, .* ben and anna"),
    }
    write(tmp_path, {name: samples for name, (samples, _) in expected.items()})
    # Of another sampling rate, so not a duplicate.
    soundfile.write(tmp_path / "ben" / "slower.wav", noise(seed=1), 8000)
    corpus = corpora.folder(tmp_path)
    (tmp_path / "anna" / "text.wav").write_text("not a sound file")
    found = corpora.describe(corpus)
    reasons = dict(zip(found.suspicious.path, found.suspicious.reason, strict=True))
    patterns = {name: pattern for name, (_, pattern) in expected.items() if pattern}
    assert reasons.keys() == {str(tmp_path / name) for name in patterns}
    for name, pattern in patterns.items():
        assert re.fullmatch(pattern, reasons[str(tmp_path / name)])
    assert corpus.table.path[found.suspicious.index].equals(found.suspicious.path)
    assert "suspicious files: 8" in repr(found)
    assert "  duplicate: 1" in repr(found)
    assert found.sampling_rates.to_dict() == {16000: 9, 8000: 1}


def test_speakers_whose_names_differ_only_in_case_are_suspicious(tmp_path):
    names = ("Anna", "anna ", "Hanna")
    corpus = write(tmp_path, {f"{x}/a.wav": noise(seed=i) for i, x in enumerate(names)})
    (reason,) = corpora.describe(corpus).suspicious.reason
    assert reason == "alike, the speakers 'Anna' and 'anna '; are they one?"


def test_pieces_of_a_recording_are_listed_one_by_one(tmp_path):
    path, table = tmp_path / "long.wav", tmp_path / "table.csv"
    samples = np.concatenate([noise(), np.zeros(16000), 0.5 * noise() + 0.02])
    soundfile.write(path, samples, 16000)
    rows = [f"{path},anna,{start},1.0" for start in range(3)]
    table.write_text("\n".join(["path,speaker,start,duration", *rows]))
    found = corpora.describe(corpora.folder(table)).suspicious
    assert found.index.tolist() == [1, 2]
    assert found.kind.tolist() == ["silent", "offset"]


def test_a_notebook_shows_20_suspicious_files_with_escaped_names(tmp_path):
    write(tmp_path, {f"<b>anna/{i}.wav": noise(0.01, i) for i in range(30)})
    shown = corpora.describe(corpora.folder(tmp_path))._repr_html_()
    assert "suspicious files: 30" in shown
    assert "<td>...</td>" in shown
    assert "<b>anna" not in shown
