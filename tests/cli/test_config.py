"""The file that `siamlab train` reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.cli import main
from siamlab.cli._config import Config
from siamlab.errors import ArgumentError


def test_folders_are_relative_to_the_file(tmp_path, monkeypatch):
    text = "data: voices\ntest_data: others\nlearning_rate: 1e-3"
    (tmp_path / "a.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    config = Config.read("a.yaml")
    assert config.data == str(tmp_path / "voices")
    assert config.test_data == str(tmp_path / "others")
    assert config.learning_rate == 0.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "with the names data, layout, subset"),
        ("- 3", "expected lines such as `epochs: 8`"),
        ("a: [", "cannot be read as YAML"),
        ("data: x\nepochs: many", "epochs: expected int, received 'many'"),
        ("data: x\nepochs: 0", "epochs: expected at least 1, received 0"),
        ("data: x\nloss: Hinge", "loss: expected SupervisedContrastive, GE2E"),
        ("epochs: 3", "data must be the folder"),
        ("data: 3", "data: expected str | None, received 3"),
    ],
)
def test_an_error_says_what_was_expected_and_what_was_received(tmp_path, text, message):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError) as raised:
        Config.read(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.binary(max_size=100))
def test_a_damaged_file_is_always_an_argument_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("damaged") / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ArgumentError):
        Config.read(path)


def test_the_printed_defaults_are_a_configuration(tmp_path, capsys):
    assert main(["train"]) == 1
    assert "siamlab train --defaults" in capsys.readouterr().err
    assert main(["train", "--defaults"]) == 0
    path = tmp_path / "a.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert Config.read(path) == Config(layout="voices")
