"""Which LSTM runs on cuDNN, compared with Keras' own decision.

No GPU is needed: Keras is told that it has one, and an exception in place of cuDNN
shows whether a call reaches it.
"""

import importlib

import keras
import numpy as np
import pytest
from keras import layers

from siamlab import ctc, errors, networks
from siamlab.training import device_report, why_not_cudnn

BACKEND = keras.backend.backend()
ALL = ("tensorflow", "jax", "torch")
MASKS = {
    "none": None,
    "right-padded": np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool),
    "other": np.array([[1, 0, 1, 1], [1, 1, 1, 1]], bool),
}


class ReachedCudnn(BaseException):
    """A call of a layer reached cuDNN."""


@pytest.fixture
def simulated_gpu(monkeypatch):
    """Keras finds a GPU, and its call of cuDNN raises `ReachedCudnn`."""

    def call_cudnn(*args, **kwargs):
        raise ReachedCudnn

    if BACKEND == "torch":
        pytest.skip("Keras asks PyTorch's tensors, not a function, for the device")
    # `keras.src.backend.jax.rnn` as an attribute is a function of the same name.
    rnn = importlib.import_module(f"keras.src.backend.{BACKEND}.rnn")
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    if BACKEND == "tensorflow":
        monkeypatch.setattr("tensorflow.raw_ops.CudnnRNNV3", call_cudnn)
    else:
        monkeypatch.setattr("jax.experimental.rnn.lstm", call_cudnn)


def keras_uses_cudnn(layer, mask):
    x = keras.ops.zeros((2, 4, 3))
    try:
        layer(x, mask=None if mask is None else keras.ops.convert_to_tensor(mask))
    except ReachedCudnn:
        return True
    except ValueError:  # use_cudnn=True where it cannot be used
        return False
    return False


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"activation": "relu"},
        {"activation": None},
        {"activation": keras.ops.tanh},
        {"recurrent_activation": "hard_sigmoid"},
        {"use_bias": False},
        {"unroll": True},
        {"dropout": 0.5},
        {"recurrent_dropout": 0.5},
        {"use_cudnn": True},
        {"use_cudnn": False},
        {"return_sequences": True},
        {"go_backwards": True},
        {"reset_after": False},
    ],
    ids=lambda arguments: "-".join(arguments) or "defaults",
)
def test_the_reasons_agree_with_keras(kind, arguments, simulated_gpu):
    if "reset_after" in arguments and kind is layers.LSTM:
        return
    for name, mask in MASKS.items():
        layer = kind(2, **arguments)
        reasons = why_not_cudnn(layer, mask=name)
        assert (reasons == []) == keras_uses_cudnn(layer, mask), (name, reasons)


def test_a_layer_over_cells_and_a_bidirectional():
    over_cells = layers.RNN(layers.LSTMCell(3))
    assert why_not_cudnn(over_cells) == ["RNN over LSTMCell (use LSTM)"]
    both = layers.Bidirectional(layers.LSTM(3, use_bias=False))
    assert why_not_cudnn(both) == ["use_bias=False (set use_bias=True)"]


@pytest.mark.skipif(BACKEND != "jax", reason="replaces cuDNN in JAX")
def test_on_jax_some_layers_return_frames_in_the_wrong_order(monkeypatch, rng):
    """JAX's own slow LSTM takes the place of cuDNN's."""
    import jax.experimental.rnn as fused

    def slow(x, h, c, weights, lengths, dropout, bidirectional, **settings):
        sizes = [settings[key] for key in ("input_size", "hidden_size", "num_layers")]
        parts = fused.unpack_lstm_weights(weights, *sizes, bidirectional)
        return fused.lstm_ref(x, h, c, *parts, lengths, *sizes, dropout, bidirectional)

    candidates = [
        layers.LSTM(4, go_backwards=True),
        layers.LSTM(4, go_backwards=True, return_sequences=True),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.1)),
    ]
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    expected = [np.asarray(layer(x)) for layer in candidates]
    rnn = importlib.import_module("keras.src.backend.jax.rnn")
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    monkeypatch.setattr(fused, "lstm", slow)
    for layer, y in zip(candidates, expected, strict=True):
        agrees = np.allclose(np.asarray(layer(x)), y, atol=1e-5)
        assert agrees == (why_not_cudnn(layer) == [])


def test_backends_differ_in_masks_precision_and_gru():
    padded = {b: why_not_cudnn(layers.LSTM(3), b, "right-padded") for b in ALL}
    assert [reasons == [] for reasons in padded.values()] == [True, False, False]
    half = {b: why_not_cudnn(layers.LSTM(3, dtype="mixed_float16"), b) for b in ALL}
    assert [reasons == [] for reasons in half.values()] == [True, False, True]
    assert why_not_cudnn(layers.GRU(3), "jax") == ["a GRU on JAX (use LSTM)"]


INVALID = {
    "layer must be an LSTM": lambda: why_not_cudnn(layers.Dense(3)),
    "one of none, right": lambda: why_not_cudnn(layers.LSTM(3), mask="left"),
    r"must be a keras\.Model; got str": lambda: device_report("net.keras"),
}


@pytest.mark.parametrize(("message", "call"), INVALID.items())
def test_invalid_arguments_raise(call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call()


def test_the_report_finds_layers_in_wrappers_and_models():
    hidden = layers.LSTM(3, recurrent_dropout=0.1, name="hidden")
    inner = keras.Sequential([keras.Input((6, 4)), hidden])
    shared = layers.Bidirectional(layers.LSTM(2), name="shared")
    a, b = keras.Input((5, 6, 4)), keras.Input((5, 6, 4))
    sequences = [layers.TimeDistributed(inner)(x) for x in (a, b)]
    model = keras.Model([a, b], layers.subtract([shared(x) for x in sequences]))
    report = device_report(model)
    reasons = dict(zip(report["layer"], report["why_not_cudnn"], strict=True))
    assert reasons == {"hidden": "recurrent_dropout=0.1 (use dropout)", "shared": ""}


def test_the_networks_of_siamlab_use_cudnn():
    for make, n_layers in ((networks.blstm_encoder, 2), (networks.xvector_encoder, 0)):
        report = device_report(networks.SpeakerNet(make(units=4, output_dim=3)))
        assert list(report["why_not_cudnn"]) == [""] * n_layers
    vocabulary = ctc.Vocabulary(("a",))
    report = device_report(networks.ctc_blstm(vocabulary, n_bins=4, units=(3,)))
    assert list(report["mask"]) == ["right-padded"]
    assert (report["why_not_cudnn"][0] == "") == (BACKEND == "tensorflow")
