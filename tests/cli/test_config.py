"""The file that `siamlab train` reads."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.cli import main
from siamlab.cli._config import LOSSES, Config
from siamlab.errors import ArgumentError


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.integers(1, 99),
    st.floats(1e-6, 1.0),
    st.booleans(),
    st.sampled_from(LOSSES),
)
def test_a_configuration_is_the_same_after_writing_and_reading(
    tmp_path_factory, epochs, learning_rate, augment, loss
):
    config = Config(
        data="/voices",
        epochs=epochs,
        learning_rate=learning_rate,
        augment=augment,
        loss=loss,
    )
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert Config.read(path) == config


def test_folders_are_relative_to_the_file(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text("data: voices\ntest_data: others")
    monkeypatch.chdir(tmp_path)
    config = Config.read("a.yaml")
    assert config.data == str(tmp_path / "voices")
    assert config.test_data == str(tmp_path / "others")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown names 'epoch'; valid names: data, layout"),
        ("- 3", "expected names with values, such as `epochs: 8`; got list"),
        ("a: [", "cannot be read as YAML"),
        ("[" * 3000, "too many nested lists"),
        ("data: x\nepochs: many", "epochs must be a whole number; got 'many'"),
        ("data: x\nepochs: true", "epochs must be a whole number; got True"),
        ("data: x\nepochs: 0", "epochs must be 1 to 1000000; got 0"),
        ("data: x\nseed: 4294967296", "seed must be 0 to 2147483647; got 4294967296"),
        ("data: x\nlearning_rate: 1e-3", "got '1e-3'; YAML reads 1e-3 as text"),
        ("data: x\nlearning_rate: .nan", "learning_rate must be 1e-09 to 10.0"),
        ("data: x\nloss: Hinge", "loss must be one of SupervisedContrastive, GE2E"),
        ("data: x\nlayout: tape", "layout must be one of folder, librispeech"),
        ("epochs: 3", "data must name the folder"),
        ("data: 3", "data must be text, or nothing; got 3"),
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
    assert main(["train", "--defaults"]) == 0
    path = tmp_path / "a.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert Config.read(path) == Config(layout="voices")
    assert yaml.safe_load(path.read_text())["epochs"] == 8


def test_the_command_without_a_file_explains_what_it_expects(capsys):
    assert main(["train"]) == 1
    assert "siamlab train --defaults" in capsys.readouterr().err
