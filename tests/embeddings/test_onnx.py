"""The encoder as an ONNX file, which runs where there is neither Keras nor siamlab."""

import json
import subprocess
import sys
import textwrap
import warnings

import keras
import numpy as np
import onnxruntime
import pytest

import siamlab as sl
from siamlab.embeddings import Encoder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An encoder, the same network in Keras, and its ONNX file."""
    keras.utils.set_random_seed(5)
    x = np.random.default_rng(5).normal(-50, 15, size=(400, 16))
    # With a floor: also what is silent has to come out the same.
    net = sl.networks.xvector_encoder(
        n_mels=16,
        units=6,
        output_dim=5,
        scaler=sl.scaling.StandardScaler(floor_db=-80.0).fit(x),
    )
    spectrogram = sl.Spectrogram(n_mels=16)
    encoder = Encoder.from_network(net, spectrogram, {"n_frames": 30, "hop_frames": 15})
    again = encoder.network([sl.layers.RandomGain(10.0)])  # idle in inference
    path = tmp_path_factory.mktemp("onnx") / "encoder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter, about NumPy
        again.export(path, format="onnx", verbose=False)
    return encoder, again, path


@pytest.mark.parametrize("frames", [1, 2, 31, 120, 333])
@pytest.mark.parametrize("segments", [1, 3])
def test_onnx_computes_what_keras_and_numpy_do(exported, segments, frames):
    encoder, net, path = exported
    x = np.random.default_rng(frames).normal(-50, 30, (segments, frames, 16))
    x = x.astype(np.float32)
    session = onnxruntime.InferenceSession(path)
    (there,) = session.run(None, {session.get_inputs()[0].name: x})
    assert there.shape == (segments, 5)
    np.testing.assert_allclose(there, encoder(x), atol=1e-4)
    expected = keras.ops.convert_to_numpy(net(x))
    np.testing.assert_allclose(there, expected, atol=1e-4)


def test_the_file_needs_nothing_but_onnxruntime(exported):
    encoder, _, path = exported
    program = f"""
        import json, sys
        import numpy as np, onnxruntime
        session = onnxruntime.InferenceSession({str(path)!r})
        x = np.full((1, 40, 16), -50.0, np.float32)
        (y,) = session.run(None, {{session.get_inputs()[0].name: x}})
        print(json.dumps(y.tolist()))
        assert not {{"keras", "tensorflow", "siamlab"}} & set(sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = encoder(np.full((1, 40, 16), -50.0, np.float32))
    np.testing.assert_allclose(json.loads(done.stdout), expected, atol=1e-4)
