import os

import numpy as np
import pytest

from siamlab import _files, cli, errors


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new folder" / "a.txt"
    with _files.atomic_write(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]


def fail_to_write(path):
    with _files.atomic_write(path) as temporary:
        temporary.write_text("half")
        raise KeyError


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError):
        fail_to_write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "file").touch()
    with _files.atomic_write(tmp_path / "atomic file"):
        pass
    mode = (tmp_path / "atomic file").stat().st_mode
    assert mode == (tmp_path / "file").stat().st_mode


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(errors.StorageError, match=r"cannot write to .*choose another"):
        with _files.atomic_write(tmp_path / "file" / "a"):
            pass


def test_a_digest_depends_on_each_part_and_its_bounds():
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"), (["ab", "c"],), (b"abc",)]
    assert len({_files.digest(*each) for each in parts}) == len(parts)


def test_the_command_shows_and_deletes_cached_files(cache, capsys):
    def siamlab_cache(*arguments):
        assert cli.main(["cache", *arguments]) == 0
        return capsys.readouterr().out

    assert "empty" in siamlab_cache()
    for kind in ("features", "voices"):
        _files.save_array(_files.cache_folder(kind) / "a.npy", np.zeros(100))
    assert siamlab_cache().startswith(str(cache))
    assert '"kind": "voices", "files": 1, "bytes": 928' in siamlab_cache("--json")
    assert siamlab_cache("--clear", "features") == "928B deleted\n"
    assert [kind for kind, _, _ in _files.cache_entries()] == ["voices"]
    assert '{"freed": 928}' in siamlab_cache("--clear", "--json")
    assert _files.cache_entries() == []
