"""Downloads from a local server: checksum, size, unsafe members."""

import functools
import hashlib
import http.server
import importlib
import io
import re
import tarfile
import threading
import types

import pytest

from siamlab import corpora, errors
from siamlab._progress import format_size

# `siamlab.corpora.download` is the function; this is the file behind it.
download_module = importlib.import_module("siamlab.corpora.download")
ARCHIVES, ELSEWHERE = download_module._registry()


FILES = {
    "LibriSpeech/SPEAKERS.TXT": b"84 | F | dev-mini | 8.02 | Christie Nowak\n",
    "LibriSpeech/dev-mini/84/1/84-1-0000.flac": bytes(range(256)),
}


def tar_of(files):
    """The content of a .tar.gz with files."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def serve(tmp_path_factory, monkeypatch):
    """Offer an archive as librispeech/dev-mini; returns its file on the server."""
    folder = tmp_path_factory.mktemp("served")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def serve(content, **changes):
        (folder / "a.tar.gz").write_bytes(content)
        archive = vars(ARCHIVES["librispeech/dev-clean"]) | {
            "url": f"http://127.0.0.1:{server.server_port}/a.tar.gz",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "marker": "dev-mini",
        }
        archive = types.SimpleNamespace(**archive | changes)
        monkeypatch.setitem(ARCHIVES, "librispeech/dev-mini", archive)
        return folder / "a.tar.gz"

    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield serve
        server.shutdown()


def download(folder):
    return corpora.download("librispeech/dev-mini", folder)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_corpus_is_downloaded_once_and_can_be_read(serve, tmp_path, capsys):
    (tmp_path / "LibriSpeech" / "test-other").mkdir(parents=True)
    (tmp_path / "LibriSpeech" / "README.TXT").write_text("an existing file")
    served = serve(tar_of(FILES))
    root = download(tmp_path)
    table = corpora.librispeech(root, "dev-mini").table
    assert table.speaker.tolist() == ["84"]
    assert table.sex.tolist() == ["F"]
    assert names(tmp_path) == ["LibriSpeech"]
    assert names(root) == ["README.TXT", "SPEAKERS.TXT", "dev-mini", "test-other"]
    assert (root / "README.TXT").read_text() == "an existing file"
    size = f"{format_size(served.stat().st_size)}, license CC BY 4.0"
    assert f"downloading librispeech/dev-mini: {size}" in capsys.readouterr().err
    served.unlink()
    assert download(tmp_path) == root


def test_an_interrupted_download_starts_again(serve, tmp_path):
    serve(tar_of(FILES))
    work = tmp_path / "librispeech-dev-mini.part"
    work.mkdir()
    (work / "tmp_of_a_killed_process").write_text("the beginning")
    assert len(corpora.librispeech(download(tmp_path), "dev-mini")) == 1
    assert names(tmp_path) == ["LibriSpeech"]


def test_an_interrupted_extraction_uses_the_archive_again(serve, tmp_path):
    work = tmp_path / "librispeech-dev-mini.part"
    (work / "unpacked" / "LibriSpeech" / "dev-mini").mkdir(parents=True)
    serve(tar_of(FILES)).rename(work / "archive.tar.gz")
    assert len(corpora.librispeech(download(tmp_path), "dev-mini")) == 1


FAILURES = {
    r"does not have the SHA-256 .* 0000": {"sha256": "0" * 64},
    "failed": {"url": "http://127.0.0.1:1/a.tar.gz"},
    r"need 2\.00EB": {"size": 10**18},
}


@pytest.mark.parametrize(("message", "changes"), FAILURES.items())
def test_a_failed_download_leaves_no_file(serve, tmp_path, changes, message):
    serve(tar_of(FILES), **changes)
    with pytest.raises(errors.StorageError, match=message):
        download(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tar_of({**FILES, "../evil": b"x"}), "cannot be unpacked .*outside"),
        (tar_of(FILES)[:100], "cannot be unpacked"),
    ],
    ids=["outside the folder", "truncated"],
)
def test_an_unsafe_or_unusable_archive_is_refused(serve, tmp_path, content, message):
    serve(content)
    folder = tmp_path / "corpora"
    with pytest.raises(errors.StorageError, match=message):
        download(folder)
    assert names(tmp_path) == ["corpora"]
    assert names(folder) == ["librispeech-dev-mini.part"]


def test_the_error_says_what_is_offered_and_where_to_get_other_corpora(tmp_path):
    message = f"siamlab cannot download voxceleb.*{re.escape(ELSEWHERE['voxceleb'])}"
    with pytest.raises(errors.CorpusError, match=message):
        corpora.download("voxceleb/vox1", tmp_path)
    with pytest.raises(errors.ArgumentError, match=r"librispeech/dev-clean.*'libri'"):
        corpora.download("libri", tmp_path)


def test_every_archive_has_a_checksum_and_a_function_that_reads_it():
    for name, archive in ARCHIVES.items():
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256)
        assert archive.url.startswith("https://")
        assert hasattr(corpora, name.split("/")[0])
