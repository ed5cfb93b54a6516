"""siamlab doctor MODEL.keras --data FILE.npz."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import siamlab as sl
from siamlab.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def twins(margin, head="unit"):
    base = sl.networks.blstm_encoder(
        n_frames=6, n_mels=5, units=4, output_dim=8, head=head
    )
    net = sl.networks.Siamese(base, "euclidean")
    net.compile("adam", loss=sl.losses.DistanceHinge(margin=margin))
    return net


@pytest.fixture
def saved(tmp_path):
    """Save a model and a batch; give their paths."""

    def save(model, **arrays):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(2, 24, 6, 5)).astype("float32")
        batch = {"a": a, "b": b, "y": (np.arange(24) % 2).astype("float32")[:, None]}
        np.savez(tmp_path / "batch.npz", **{**batch, **arrays})
        model(list((a, b))) if not model.built else None
        model.save(tmp_path / "model.keras")
        return str(tmp_path / "model.keras"), "--data", str(tmp_path / "batch.npz")

    return save


def test_healthy_is_0(saved, capsys):
    assert main(["doctor", *saved(twins(margin=0.5))]) == 0
    assert "siamese: no faults found" in capsys.readouterr().out


def test_faults_are_1(saved, capsys):
    assert main(["doctor", *saved(twins(margin=9.0))]) == 1
    assert "S14" in capsys.readouterr().out


def test_json(saved, capsys):
    assert main(["doctor", *saved(twins(margin=9.0)), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert "S14" in [finding["code"] for finding in report["findings"]]


def test_a_loss_by_its_name_or_from_a_file(saved, tmp_path, capsys):
    path = tmp_path / "own.py"
    path.write_text(
        "from keras import ops\n"
        "def loss(y, d):\n"
        "    return y * d + (1 - y) * ops.relu(9.0 - d)\n"
    )
    files = saved(twins(margin=0.5))
    assert main(["doctor", *files, "--import", str(path), "--loss", "loss"]) == 1
    assert "S14" in capsys.readouterr().out
    assert main(["doctor", *files, "--loss", "no_such_loss"]) == 2
    assert "--import FILE.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "nowhere.keras"}, "there is no file"),
        ({"data": "nowhere.npz"}, "not an .npz file"),
        ({"arrays": {"spkr": np.ones(3)}}, "must hold y, and x, or a and b"),
    ],
)
def test_what_cannot_be_examined_is_2(saved, capsys, change, sentence):
    files = list(saved(twins(margin=0.5), **change.get("arrays", {})))
    files[0] = change.get("model", files[0])
    files[2] = change.get("data", files[2])
    assert main(["doctor", *files]) == 2
    assert sentence in capsys.readouterr().err


def test_json_is_printed_for_an_error_as_well(saved, capsys):
    files = saved(twins(margin=0.5))
    assert main(["doctor", "nowhere.keras", *files[1:], "--json"]) == 2
    assert "no file" in json.loads(capsys.readouterr().out)["error"]


def test_a_damaged_model_is_2(saved, capsys):
    files = saved(twins(margin=0.5))
    with open(files[0], "r+b") as file:
        file.truncate(100)
    assert main(["doctor", *files]) == 2
    assert "cannot be loaded" in capsys.readouterr().err


def test_lambda_layers_are_run_only_when_they_are_allowed(saved, capsys):
    base = sl.networks.blstm_encoder(
        n_frames=6, n_mels=5, units=4, output_dim=8, head="unit"
    )
    a, b = keras.Input((6, 5), name="a"), keras.Input((6, 5), name="b")
    distance = layers.Lambda(
        lambda p: (p[0][:, :1] - p[1][:, :1]) ** 2 + (p[0][:, 1:2] - p[1][:, 1:2]) ** 2
    )
    model = keras.Model([a, b], distance([base(a), base(b)]))
    model.compile("adam", sl.losses.DistanceHinge(margin=0.5))
    files = saved(model)
    assert main(["doctor", *files]) == 2
    assert "--unsafe" in capsys.readouterr().err
    assert main(["doctor", *files, "--unsafe"]) == 0


def test_a_byte_that_changed_in_a_model_or_a_batch_is_2(saved, capsys):
    files = saved(twins(margin=0.5))
    for path in (files[0], files[2]):
        with open(path, "rb") as file:
            whole = file.read()
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 1
        with open(path, "wb") as file:
            file.write(changed)
        assert main(["doctor", *files]) == 2
        assert "is wrong; copy it again" in capsys.readouterr().err
        with open(path, "wb") as file:
            file.write(whole)
