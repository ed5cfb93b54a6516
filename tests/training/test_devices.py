"""What a training runs on, and which of a model's layers are fast there."""

import importlib

import keras
import numpy as np
import pytest
from keras import layers

from siamlab import ctc, errors, networks
from siamlab.training import cudnn, device_report

BACKEND = keras.backend.backend()
ON_TENSORFLOW = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="it is TensorFlow's list of devices that is changed"
)


def wrapped():
    """Recurrent layers at every place where one can hide."""
    inner = keras.Sequential(
        [keras.Input((6, 4)), layers.LSTM(3, recurrent_dropout=0.1, name="hidden")],
        name="inner",
    )
    return keras.Sequential(
        [
            keras.Input((5, 6, 4)),
            layers.TimeDistributed(inner, name="each"),
            layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both"),
            layers.RNN(layers.LSTMCell(2), name="cells"),
        ]
    )


def test_layers_are_found_wherever_they_are():
    report = device_report(wrapped())
    found = {layer.name: layer for layer in report.layers}
    assert list(found) == ["each/inner/hidden", "both", "cells"]
    kinds = [layer.kind for layer in report.layers]
    assert kinds == ["LSTM", "Bidirectional GRU", "RNN"]
    assert found["each/inner/hidden"].verdict.path == "loop"
    assert found["both"].verdict == cudnn.decide(layers.GRU(2))
    refused = found["cells"].verdict.refusals
    assert [refusal.instead for refusal in refused] == ["LSTM"]
    assert not report.fast


def test_a_layer_that_stands_twice_is_one_row():
    shared = layers.LSTM(3, name="shared")
    a, b = keras.Input((6, 4)), keras.Input((6, 4))
    model = keras.Model([a, b], layers.subtract([shared(a), shared(b)]))
    assert [layer.name for layer in device_report(model).layers] == ["shared"]


@pytest.mark.parametrize("base", ["base", "xvector"])
def test_our_networks_of_speakers_are_fast_on_every_backend(base):
    make = {"base": networks.blstm_encoder, "xvector": networks.xvector_encoder}[base]
    for net in (
        make(units=4, output_dim=3),
        networks.SpeakerNet(make(units=4, output_dim=3)),
        networks.Siamese(make(units=4, output_dim=3), "cosine"),
    ):
        report = device_report(net)
        assert report.fast, report
        assert len(report.layers) == (2 if base == "base" else 0)
        assert {layer.mask for layer in report.layers} <= {"none"}


def test_our_networks_of_phones_have_a_mask_that_only_tensorflow_takes():
    net = networks.ctc_blstm(ctc.Vocabulary(("a",)), n_bins=4, units=(3, 2))
    report = device_report(net)
    assert [layer.mask for layer in report.layers] == ["some", "some"]
    assert report.fast == (BACKEND == "tensorflow")
    x = {"spectrogram": np.zeros((2, 9, 4), "f4"), "frames": np.array([9, 5])}
    masks = {layer.mask for layer in device_report(net, x).layers}
    assert masks == {"right-padded"}


@pytest.mark.parametrize(
    ("kind", "values"),
    {
        "right-padded": [[1, 1, 0], [1, 0, 0]],
        "with holes": [[1, 0, 1], [1, 1, 1]],
        "with empty rows": [[1, 1, 1], [0, 0, 0]],
        "none": None,
    }.items(),
)
def test_the_mask_of_a_batch_decides(kind, values):
    parts = [keras.Input((3, 2)), layers.LSTM(4)]
    x = np.ones((2, 3, 2), np.float32)
    if values is not None:
        parts.insert(1, layers.Masking())
        x *= np.array(values, np.float32)[:, :, None]
    model = keras.Sequential(parts)
    (found,) = device_report(model, x).layers
    assert found.mask == kind
    assert found.verdict == cudnn.decide(parts[-1], mask=kind)
    # Nothing of the report stays behind.
    assert "inner_loop" not in vars(parts[-1])


def test_a_state_that_is_kept_is_not_moved():
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, 3, 2)), layers.LSTM(4, stateful=True)]
    )
    device_report(model, np.ones((2, 3, 2), np.float32))
    for state in model.layers[0].states:
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(state), 0)


def test_what_cannot_be_called_is_said_to_be_unknown():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.lstm = layers.LSTM(3, name="lstm")

        def call(self, x):
            return self.lstm(x)

    model = Own()
    assert [layer.mask for layer in device_report(model).layers] == ["unknown"]
    x = np.zeros((2, 5, 4), np.float32)
    assert [layer.mask for layer in device_report(model, x).layers] == ["none"]


def test_without_a_model_it_is_about_the_machine():
    report = device_report()
    assert report.layers == ()
    assert report.backend == BACKEND
    assert report.versions["Keras"] == keras.__version__
    assert report.cores >= 1
    assert "recurrent" not in repr(report)
    with pytest.raises(errors.ArgumentError, match=r"model must be a .*; got str"):
        device_report("model.keras")


def test_it_shows_itself_as_text_and_as_a_table():
    report = device_report(wrapped())
    for text in (repr(report), report._repr_html_()):
        assert "each/inner/hidden" in text
        assert "recurrent_dropout=0.1" in text
    table = report.table()
    assert list(table.layer) == ["each/inner/hidden", "both", "cells"]
    assert list(table.columns)[:3] == ["layer", "kind", "mask"]


@ON_TENSORFLOW
def test_without_a_gpu_it_would_and_with_one_it_does(monkeypatch):
    import tensorflow as tf

    net = networks.blstm_encoder(units=4, output_dim=3)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    assert "2 of 2 recurrent layers would, on a GPU, run" in repr(device_report(net))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["gpu"])
    details = {"device_name": "A Card"}
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda gpu: details
    )
    assert "A Card; " in repr(device_report(net))
    assert "2 of 2 recurrent layers run on cuDNN" in repr(device_report(net))


@ON_TENSORFLOW
def test_whether_xla_compiles_is_decided_as_keras_decides(monkeypatch):
    import tensorflow as tf

    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    gpu = tf.config.PhysicalDevice("gpu", "GPU")
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [gpu])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {})
    yes = []
    for model in (
        networks.blstm_encoder(units=4, output_dim=3),
        networks.xvector_encoder(units=4, output_dim=3),
        keras.Sequential([keras.Input((3, 2)), layers.LSTM(2, use_bias=False)]),
        keras.Sequential([keras.Input((3, 2)), layers.LSTM(2, use_cudnn=False)]),
        keras.Sequential([keras.Input((3, 2)), layers.RNN(layers.LSTMCell(2))]),
    ):
        says = device_report(model).xla
        assert says.startswith("yes") == model._resolve_auto_jit_compile(), says
        yes.append(says.startswith("yes"))
    assert yes == [False, True, True, True, True]
