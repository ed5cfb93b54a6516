"""siamlab, as a person calls it on a file: ``reader(path, folder)``.

The damaged file is at `path`, somewhere in `folder`, which is the one that the person
has chosen: what is written is written there. A reader returns, or raises what siamlab
raises.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import os

import numpy as np

import siamlab as sl

_SPECTROGRAM = sl.Spectrogram()  # its filters are made once


def _each(*steps):
    """Take all steps, whatever one of them says; then raise the first refusal."""
    refused = None
    for step in steps:
        try:
            step()
        except sl.SiamlabError as error:
            refused = refused or error
    if refused is not None:
        raise refused


def _no_constant(name):
    raise ValueError(f"{name} is no JSON")


def command(*arguments):
    """Run a command of the command line; what it prints with --json must be JSON."""
    from siamlab.cli import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main([*map(str, arguments), "--json"])
    if printed.getvalue():
        json.loads(printed.getvalue(), parse_constant=_no_constant)
    return status


def sound(path, folder):
    def duration():
        assert sl.audio.duration(path) >= 0

    def read():
        samples, rate = sl.audio.read(path)
        assert samples.dtype == np.float32
        assert len(samples)
        assert rate > 0

    def extract():
        corpus = sl.corpora.folder(folder)
        (frames,) = sl.extract(corpus, _SPECTROGRAM, cache=False)
        assert np.isfinite(frames).all()

    _each(duration, read, lambda: command("corpus", "--data", folder), extract)


def textgrid(path, folder):
    corpus = sl.corpora.textgrid(folder, strict=True)
    for phones in corpus.table.phones:
        assert all(math.isfinite(end) and start < end for _, start, end in phones)


def table(path, folder):
    corpus = sl.corpora.folder(path)
    assert corpus.table.start.ge(0).all()
    sl.extract(corpus, _SPECTROGRAM, cache=False)


def common_voice(path, folder):
    repr(sl.corpora.common_voice(folder))


def trials(path, folder):
    corpus = sl.corpora.voxceleb(folder)
    first, second, same = sl.corpora.voxceleb_trials(path, corpus)
    assert len(first) == len(second) == len(same)


def voxceleb(path, folder):
    repr(sl.corpora.voxceleb(folder))


def librispeech(path, folder):
    repr(sl.corpora.librispeech(folder, None))


def timit(path, folder):
    repr(sl.corpora.timit(folder))


def audiomnist(path, folder):
    repr(sl.corpora.audiomnist(folder))


def archive(path, folder):
    """Unpack as `download` does: it takes an archive that is there already."""
    from siamlab.corpora import _archives

    content = path.read_bytes()
    name, ending = path.name.split(".", 1)
    _archives.ARCHIVES[name] = _archives.Archive(
        f"https://example.invalid/corpus.{ending}",
        len(content),
        hashlib.sha256(content).hexdigest(),
        inside="inside",
        to="corpus",
        marker="part",
        root="corpus",
        license="none",
    )
    root = sl.corpora.download(name, folder)
    assert (root / "part").is_dir()


def encoder(path, folder):
    found = sl.embeddings.Encoder.load(path)
    repr(found)
    noise = np.random.default_rng(0).normal(size=8000).astype(np.float32) / 10
    assert found.embed(noise, 16000).shape == (found.dim,)


def model(path, folder):
    from siamlab.doctor.files import examine_files

    examine_files(path, folder / "batch.npz").to_json()


def batch(path, folder):
    from siamlab.doctor.files import examine_files

    examine_files(folder / "model.keras", path).to_json()


def source(path, folder):
    from siamlab.doctor.files import examine_files

    examine_files(folder / "model.keras", folder / "batch.npz", source=path)


def config(path, folder):
    from siamlab.runs import Config
    from siamlab.runs.layouts import read

    found = Config.read(path)
    assert dataclasses.replace(found) == found
    found.as_yaml()
    if found.layout != "voices":
        read(found.data, found.layout, found.subset)


def run(path, folder):
    """Go on with a run of which a file is damaged."""
    from siamlab import runs

    config = runs.Config.read(folder / "tiny.yaml")
    (folder / "run" / "config.yaml").write_text(config.as_yaml(), "utf-8")
    done = runs.train(config, folder / "run")
    assert done.figures["speakers"] == 2


def features(path, folder):
    """Extract with a damaged entry in the cache: it is made again."""
    from siamlab import _files

    kept = _files.Kept(path.parents[1])
    with contextlib.suppress(sl.errors.StorageError):
        np.asarray(kept.open(path.stem))
    with _cache(folder):
        (frames,) = sl.extract(sl.corpora.folder(folder / "recordings"))
    samples, rate = sl.audio.read(folder / "recordings" / "anna" / "a.wav")
    np.testing.assert_allclose(frames, sl.Spectrogram()(samples, rate), atol=1e-3)


def voices(path, folder):
    """Speak with a damaged recording or table in the cache."""
    with _cache(folder):
        corpus = sl.corpora.voices(n_speakers=1, n_utterances=2)
        assert len(corpus) == 2
        _each(lambda: corpus[0], lambda: corpus[1])


@contextlib.contextmanager
def _cache(folder):
    before = os.environ["SIAMLAB_CACHE"]
    os.environ["SIAMLAB_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        os.environ["SIAMLAB_CACHE"] = before
