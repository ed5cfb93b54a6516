"""The file that `siamlab train` reads."""

import pytest

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


ERRORS = {
    "with the names data, layout, subset": "epoch: 3",
    "expected lines such as `epochs: 8`": "- 3",
    "cannot be read as YAML": "a: [",
    "epochs: expected int; received 'many'": "data: x\nepochs: many",
    "epochs: expected at least 1; received 0": "data: x\nepochs: 0",
    "loss: expected one of SupervisedContrastive, GE2E": "data: x\nloss: Hinge",
    "data must be the folder": "epochs: 3",
    "learning_rate: expected more than 0; received 0": "data: x\nlearning_rate: 0",
    "data: expected str | None; received 3": "data: 3",
}


@pytest.mark.parametrize(("message", "text"), ERRORS.items())
def test_an_error_says_what_was_expected_and_what_was_received(tmp_path, text, message):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError) as raised:
        Config.read(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


def test_the_printed_defaults_are_a_configuration(tmp_path, capsys):
    assert main(["train"]) == 1
    assert "siamlab train --defaults" in capsys.readouterr().err
    assert main(["train", "--defaults"]) == 0
    path = tmp_path / "a.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert Config.read(path) == Config(layout="voices")
