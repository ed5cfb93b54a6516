"""Downloads, from a server that behaves as servers do."""

import dataclasses
import functools
import hashlib
import http.server
import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zipfile

import numpy as np
import pytest
import soundfile

from siamlab import corpora, errors
from siamlab.corpora import _archives, _fetch

PARTS = 300_000  # bytes after which a server that cuts, cuts


def a_sound():
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 200_000)
    soundfile.write(file, noise, 16000, format="FLAC")
    return file.getvalue()


SOUND = a_sound()
FILES = {
    "LibriSpeech/SPEAKERS.TXT": b"84 | F | dev-clean | 8.02 | Christie Nowak\n",
    "LibriSpeech/dev-mini/84/1/84-1-0000.flac": SOUND,
    "LibriSpeech/dev-mini/84/1/84-1-0001.flac": SOUND[::-1],
}


def tar_of(files, links=()):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, kind, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    return file.getvalue()


def zip_of(files, links=()):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in links:
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, target)
    return file.getvalue()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves one content; `behavior` says how."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        content, how = server.content, server.behavior
        if how == "gone":
            self.send_error(404)
            return
        start = 0
        wanted = self.headers.get("Range")
        if wanted and how == "refuses ranges":
            self.send_error(416)
            return
        if wanted and how != "no ranges":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        if how != "no length":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cuts = how == "cuts" or (how == "cuts once" and len(server.asked) == 1)
        if how == "no ranges" and len(server.asked) == 1:
            cuts = True
        for at in range(0, len(body), 20_000):
            if cuts and at >= PARTS:
                return
            self.wfile.write(body[at : at + 20_000])
            if how == "slow":
                self.wfile.flush()
                time.sleep(0.02)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(_fetch, "_WAITS", (0.0,))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.content, server.behavior, server.asked = tar_of(FILES), "well", []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        offer = functools.partial(offered, server, monkeypatch)
        server.offer = offer
        offer()
        yield server
        server.shutdown()


def offered(server, monkeypatch, content=None, ending=".tar.gz", **changes):
    """Enter what the server serves under a name."""
    if content is not None:
        server.content = content
    archive = _archives.Archive(
        f"http://127.0.0.1:{server.server_port}/dev-mini{ending}",
        len(server.content),
        hashlib.sha256(server.content).hexdigest(),
        inside="LibriSpeech",
        to="LibriSpeech",
        marker="dev-mini",
        root="LibriSpeech",
        license="CC BY 4.0",
    )
    archive = dataclasses.replace(archive, **changes)
    monkeypatch.setitem(_archives.ARCHIVES, "librispeech/dev-mini", archive)
    return archive


def fetch(folder):
    return corpora.download("librispeech/dev-mini", folder)


def left(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_download_is_what_the_corpus_reads(server, tmp_path, capsys):
    root = fetch(tmp_path)
    table = corpora.librispeech(root, "dev-mini").table
    assert table.speaker.tolist() == ["84", "84"]
    assert table.sex.tolist() == ["F", "F"]
    assert left(tmp_path) == ["LibriSpeech"]  # neither archive nor temporary folder
    said = capsys.readouterr().err
    assert f"{len(server.content) / 1e6:.1f} MB to download (CC BY 4.0)" in said
    # A second time nothing is asked for.
    assert fetch(tmp_path) == root
    assert len(server.asked) == 1


def test_several_subsets_lie_in_one_folder(server, tmp_path):
    (tmp_path / "LibriSpeech" / "test-other").mkdir(parents=True)
    (tmp_path / "LibriSpeech" / "SPEAKERS.TXT").write_text("mine")
    root = fetch(tmp_path)
    assert left(root) == ["SPEAKERS.TXT", "dev-mini", "test-other"]
    assert (root / "SPEAKERS.TXT").read_text() == "mine"


def test_a_connection_that_is_cut_is_taken_up_where_it_was(server, tmp_path):
    server.behavior = "cuts once"
    fetch(tmp_path)
    assert server.asked[0] is None
    (again,) = server.asked[1:]
    start = int(again.removeprefix("bytes=").removesuffix("-"))
    assert PARTS - _fetch._BLOCK <= start <= PARTS


def test_what_was_got_stays_and_is_continued_by_the_next_call(server, tmp_path, capsys):
    server.content = tar_of({**FILES, "LibriSpeech/more": os.urandom(900_000)})
    server.offer()
    server.behavior = "cuts"
    with pytest.raises(
        errors.StorageError, match=r"broke off after [\d,]+ of .* goes on"
    ):
        fetch(tmp_path)
    part = tmp_path / "librispeech-dev-mini.tar.gz.part"
    have = part.stat().st_size
    assert have > PARTS  # two tries
    assert left(tmp_path) == [part.name]
    server.behavior = "well"
    capsys.readouterr()
    fetch(tmp_path)
    assert server.asked[-1] == f"bytes={have}-"
    assert "of it are there" in capsys.readouterr().err


def test_a_server_that_cannot_go_on_begins_again(server, tmp_path):
    server.behavior = "no ranges"
    fetch(tmp_path)
    assert [bool(asked) for asked in server.asked] == [False, True]
    assert len(corpora.librispeech(tmp_path / "LibriSpeech", "dev-mini")) == 2


def test_a_server_that_refuses_to_go_on_is_asked_from_the_beginning(server, tmp_path):
    (tmp_path / "librispeech-dev-mini.tar.gz.part").write_bytes(b"of something else")
    server.behavior = "refuses ranges"
    fetch(tmp_path)
    assert server.asked == ["bytes=17-", None]


def test_a_server_that_tells_no_length_is_read_to_its_end(server, tmp_path):
    server.behavior = "no length"
    fetch(tmp_path)


@pytest.mark.parametrize("extra", [0, 10])
def test_a_part_that_is_whole_or_too_long_is_no_trouble(server, tmp_path, extra):
    part = tmp_path / "librispeech-dev-mini.tar.gz.part"
    part.write_bytes(server.content + b"x" * extra)
    fetch(tmp_path)
    assert len(server.asked) == (1 if extra else 0)


def test_a_download_that_was_killed_goes_on(server, tmp_path):
    server.content = tar_of({**FILES, "LibriSpeech/more": os.urandom(3_000_000)})
    archive = server.offer()
    server.behavior = "slow"
    program = f"""
        import dataclasses, siamlab
        from siamlab.corpora import _archives
        archive = _archives.Archive(**{dataclasses.asdict(archive)!r})
        _archives.ARCHIVES["librispeech/dev-mini"] = archive
        siamlab.corpora.download("librispeech/dev-mini", {str(tmp_path)!r})
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    part = tmp_path / "librispeech-dev-mini.tar.gz.part"
    try:
        while not (part.exists() and part.stat().st_size > 200_000):
            assert child.poll() is None
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    have = part.stat().st_size
    assert 200_000 < have < len(server.content)
    server.behavior = "well"
    fetch(tmp_path)
    assert server.asked[-1] == f"bytes={have}-"
    assert len(corpora.librispeech(tmp_path / "LibriSpeech", "dev-mini")) == 2


def test_another_checksum_is_named_and_nothing_stays(server, tmp_path):
    server.offer(sha256="0" * 64)
    with pytest.raises(errors.StorageError, match="another checksum than 0000"):
        fetch(tmp_path)
    assert left(tmp_path) == []


def test_another_size_is_named_before_anything_is_got(server, tmp_path):
    server.offer(bytes=len(server.content) - 1)
    with pytest.raises(errors.StorageError, match="is not the file whose checksum"):
        fetch(tmp_path)
    server.behavior = "no length"
    with pytest.raises(errors.StorageError, match="sends more than"):
        fetch(tmp_path)


def test_a_server_that_has_it_no_more_is_named(server, tmp_path):
    server.behavior = "gone"
    with pytest.raises(errors.StorageError, match=r"cannot be had \(404"):
        fetch(tmp_path)


def test_a_disk_that_is_too_small_is_named_first(server, tmp_path):
    server.offer(bytes=10**18)
    with pytest.raises(errors.StorageError, match=r"2000000000.0 GB are needed"):
        fetch(tmp_path)
    assert not server.asked
    (tmp_path / "file").touch()
    with pytest.raises(errors.StorageError, match="cannot write to"):
        fetch(tmp_path / "file")


EVIL = {
    "a name that leads out": (tar_of({**FILES, "../evil": b"x"}), ".tar.gz"),
    "one that does so late": (
        tar_of({**FILES, "LibriSpeech/a/../../../evil": b"x"}),
        ".tar.gz",
    ),
    "an absolute name": (tar_of({**FILES, "/tmp/siamlab-evil": b"x"}), ".tar.gz"),
    "a symbolic link": (
        tar_of(FILES, [("LibriSpeech/l", tarfile.SYMTYPE, "/etc")]),
        ".tar.gz",
    ),
    "a hard link": (
        tar_of(FILES, [("LibriSpeech/l", tarfile.LNKTYPE, "LibriSpeech/SPEAKERS.TXT")]),
        ".tar.gz",
    ),
    "a device": (tar_of(FILES, [("LibriSpeech/d", tarfile.CHRTYPE, "")]), ".tar.gz"),
    "a name that leads out of a zip": (zip_of({**FILES, "../evil": b"x"}), ".zip"),
    "with the slashes of Windows": (zip_of({**FILES, "..\\evil": b"x"}), ".zip"),
    "a link in a zip": (zip_of(FILES, [("LibriSpeech/l", "/etc")]), ".zip"),
}


@pytest.mark.parametrize("kind", EVIL)
def test_no_member_lands_outside(server, tmp_path, kind):
    content, ending = EVIL[kind]
    server.offer(content, ending)
    folder = tmp_path / "deep" / "down"
    with pytest.raises(
        errors.StorageError, match=r"its member .* nothing of it is used"
    ):
        fetch(folder)
    assert left(tmp_path / "deep") == ["down"]
    assert left(folder) == [f"librispeech-dev-mini{ending}"]  # to look at
    assert not os.path.exists("/tmp/siamlab-evil")


def test_a_zip_is_unpacked_as_well(server, tmp_path):
    server.offer(zip_of(FILES), ".zip")
    assert len(corpora.librispeech(fetch(tmp_path), "dev-mini")) == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (tar_of(FILES)[:-5000], "cannot be unpacked"),
        (b"no archive", "cannot be unpacked"),
        (tar_of({"elsewhere/a": b""}), "holds no folder LibriSpeech/dev-mini"),
    ],
    ids=["cut", "no archive", "of something else"],
)
def test_an_archive_that_is_something_else_is_named(
    server, tmp_path, content, sentence
):
    server.offer(content)
    with pytest.raises(errors.StorageError, match=sentence):
        fetch(tmp_path)
    assert not (tmp_path / "LibriSpeech").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("voxceleb", "robots.ox.ac.uk.*VoxCeleb 2.*vox2_meta.csv in ROOT"),
        ("voxceleb/vox1", "ask for access"),
        ("common_voice", "commonvoice.mozilla.org.*ROOT/clips"),
        ("timit", "LDC93S1.*ROOT/TRAIN"),
        ("audiomnist", "git clone.*ROOT/data"),
    ],
)
def test_where_the_others_are_is_said(tmp_path, name, sentence):
    with pytest.raises(errors.CorpusError, match=sentence):
        corpora.download(name, tmp_path)


def test_a_name_that_is_none_is_named(tmp_path):
    with pytest.raises(errors.ArgumentError, match=r"'libri'.*librispeech/dev-clean"):
        corpora.download("libri", tmp_path)


def test_what_is_offered_looks_right():
    for name, archive in _archives.ARCHIVES.items():
        assert len(archive.sha256) == 64
        assert set(archive.sha256) <= set("0123456789abcdef")
        assert archive.url.startswith("https://")
        assert archive.bytes > 10**7
        assert archive.license.startswith("CC BY")
        assert callable(getattr(corpora, name.split("/")[0]))
    assert len({a.sha256 for a in _archives.ARCHIVES.values()}) == len(
        _archives.ARCHIVES
    )


ZEROS = {"LibriSpeech/dev-mini/84/1/0.flac": bytes(2**25)}


def header_of_zeros():
    """A member whose name would take 32 MB."""
    file = io.BytesIO()
    headers = {"comment": "0" * 2**25}
    with tarfile.open(
        fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (tar_of(ZEROS), ".tar.gz"),
        (header_of_zeros(), ".tar.gz"),
        (
            zip_of({f"LibriSpeech/{k}": bytes(2**17) for k in range(9)}),
            ".zip",
        ),
    ],
    ids=["a member of zeros", "a header of zeros", "a zip that is stored"],
)
def test_an_archive_that_would_fill_the_disk_is_refused(
    server, tmp_path, content, ending
):
    if ending == ".zip":
        content = packed(content)
    server.offer(content, ending)
    with pytest.raises(errors.StorageError, match="20 times its size"):
        fetch(tmp_path)
    assert not (tmp_path / "LibriSpeech").exists()


def packed(content):
    """The same zip, deflated."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    return file.getvalue()
