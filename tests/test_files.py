import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from siamlab import _files, errors


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new folder" / "a.txt"
    with _files.atomic_write(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write():
        with _files.atomic_write(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_process_killed_while_writing_leaves_no_entry(tmp_path):
    program = """
import sys, time
from siamlab import _files
with _files.atomic_write(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""
    path = tmp_path / "entry"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "a"
    with pytest.raises(errors.StorageError, match=r"cannot write to .*choose another"):
        with _files.atomic_write(path):
            pass


@settings(deadline=None)
@given(hnp.arrays(hnp.floating_dtypes(sizes=(16, 32, 64)), hnp.array_shapes()))
def test_arrays_come_back_as_they_were(tmp_path_factory, array):
    kept = _files.Kept(tmp_path_factory.mktemp("kept"))
    kept.save("0a", array)
    for found in (kept.load("0a"), kept.open("0a"), np.load(kept.path("0a"))):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@settings(deadline=None)
@given(st.data())
def test_a_byte_that_changed_is_noticed(tmp_path_factory, data):
    kept = _files.Kept(tmp_path_factory.mktemp("kept"))
    kept.save("0a", np.arange(10.0))
    content = bytearray(kept.path("0a").read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    kept.path("0a").write_bytes(content)
    assert kept.load("0a") is None


@pytest.mark.parametrize("left", [0, 1, 24, 100])
def test_an_entry_that_was_cut_is_noticed(tmp_path, left):
    kept = _files.Kept(tmp_path)
    kept.save("0a", np.arange(10.0))
    content = kept.path("0a").read_bytes()
    kept.path("0a").write_bytes(content[:left])
    assert kept.load("0a") is None


def test_an_entry_that_has_gone_says_what_to_do(tmp_path):
    with pytest.raises(errors.StorageError, match="make the features again"):
        _files.Kept(tmp_path).open("0a")


def test_a_digest_depends_on_each_part_and_on_where_it_ends():
    digests = {
        _files.digest("ab", "c"),
        _files.digest("a", "bc"),
        _files.digest("abc"),
        _files.digest("c", "ab"),
        _files.digest(["ab", "c"]),
        _files.digest(b"abc"),
    }
    assert len(digests) == 6


def test_a_file_is_named_by_its_content(tmp_path):
    for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (_files.file_digest(tmp_path / name) for name in "abc")
    assert a == b != c


def test_the_cache_can_be_shown_and_cleared(cache):
    assert _files.cache_folder() == cache
    assert _files.cache_entries() == []
    _files.Kept(_files.cache_folder("features")).save("0a", np.zeros(100))
    (rows,) = [_files.cache_entries()]
    ((kind, files, size),) = rows
    assert (kind, files) == ("features", 1)
    assert _files.clear_cache("voices") == 0
    assert _files.clear_cache() == size > 800
    assert _files.cache_entries() == []


def test_the_command_shows_and_clears_the_cache(cache):
    _files.Kept(_files.cache_folder("features")).save("0a", np.zeros(100))
    _files.Kept(_files.cache_folder("voices")).save("0a", np.zeros(100))

    def siamlab(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "siamlab", "cache", *arguments],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "SIAMLAB_CACHE": str(cache)},
        )
        return done.stdout

    shown = siamlab()
    assert shown.startswith(str(cache))
    assert "features" in shown
    assert '"kind": "voices", "files": 1' in siamlab("--json")
    assert "deleted" in siamlab("--clear", "features")
    assert "features" not in siamlab()
    assert "voices" in siamlab()


def test_old_temporary_files_do_not_pass_for_entries(tmp_path):
    kept = _files.Kept(tmp_path)
    kept.save("0a", np.zeros(3))
    leftover = kept.path("0a").with_name("0a.npy.1234.part")
    leftover.write_bytes(b"half")
    os.utime(leftover, (time.time() - 1e6,) * 2)
    np.testing.assert_array_equal(kept.load("0a"), np.zeros(3))


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_is_written_has_the_permissions_of_any_other_file(tmp_path):
    (tmp_path / "other").touch()
    (tmp_path / "folder").mkdir()
    with _files.atomic_write(tmp_path / "ours") as temporary:
        temporary.write_text("done")
    with _files.atomic_folder(tmp_path / "ours-too"):
        pass
    for ours, other in (("ours", "other"), ("ours-too", "folder")):
        assert (tmp_path / ours).stat().st_mode == (tmp_path / other).stat().st_mode


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x80\x04."])
def test_an_entry_that_is_no_array_any_more_says_what_to_do(tmp_path, content):
    kept = _files.Kept(tmp_path)
    kept.save("0a", np.arange(3))
    kept.path("0a").write_bytes(content)
    assert kept.load("0a") is None
    with pytest.raises(errors.StorageError, match=r"gone or damaged now; make"):
        kept.open("0a")


def test_an_archive_is_checked_before_it_is_opened(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(1000))
    _files.check_zip(path)
    whole = bytearray(path.read_bytes())
    whole[500] ^= 1
    path.write_bytes(whole)
    with pytest.raises(errors.StorageError, match=r"x\.npy has another checksum"):
        _files.check_zip(path)
    path.write_bytes(whole[:400])
    with pytest.raises(errors.StorageError, match="is damaged"):
        _files.check_zip(path)


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2**28 + 1))
    with pytest.raises(errors.StorageError, match="made to fill the memory"):
        _files.check_zip(path)
