"""Loading saved networks."""

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import errors


def test_a_loaded_network_has_its_loss_and_metrics(tmp_path):
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    net.compile("sgd", loss=sl.losses.DistanceHinge(), metrics=[sl.metrics.EER()])
    x, y = np.ones((4, 3)), np.array([0, 1, 0, 1])
    net.fit(x, y, verbose=0)
    net.save(tmp_path / "net.keras")
    loaded = sl.load_model(tmp_path / "net.keras")
    assert isinstance(loaded.loss, sl.losses.DistanceHinge)
    assert loaded.evaluate(x, y, verbose=0) == net.evaluate(x, y, verbose=0)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "net.keras"
    sl.networks.blstm_encoder(n_frames=5, n_mels=3, units=2, output_dim=2).save(path)
    for content in (path.read_bytes()[:-3000], b"no archive"):
        path.write_bytes(content)
        with pytest.raises(errors.StorageError, match=r"net\.keras cannot be loaded"):
            sl.load_model(path)
    path.unlink()
    with pytest.raises(errors.StorageError, match=r"net\.keras does not exist"):
        sl.load_model(path)


def test_code_in_a_file_is_not_run(tmp_path):
    layer = keras.layers.Lambda(lambda x: 2 * x)
    net = keras.Sequential([keras.Input((3,)), layer])
    net.save(tmp_path / "net.keras")
    with pytest.raises(errors.StorageError, match="replace it with a registered"):
        sl.load_model(tmp_path / "net.keras")
