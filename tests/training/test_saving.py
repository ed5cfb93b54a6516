"""Files that are refused; good ones are loaded in networks/test_speaker_models.py."""

import keras
import pytest

import siamlab as sl
from siamlab import errors


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
