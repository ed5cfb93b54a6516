"""Which LSTM runs on cuDNN: compared with Keras' own decision, on its backend.

No GPU is needed. Keras is told that there is one, and cuDNN is replaced by an alarm:
either a call gets there, or it does not.
"""

import importlib

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siamlab import doctor, errors
from siamlab.training import cudnn

BACKEND = keras.backend.backend()
ROWS, FRAMES = 2, 4
MASKS = {
    "none": None,
    "right-padded": np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool),
    "with holes": np.array([[1, 0, 1, 1], [1, 1, 1, 1]], bool),
    "with empty rows": np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool),
}


class Taken(BaseException):
    """A call got to cuDNN. (torch's backend catches every Exception there.)"""


class Looped(BaseException):
    """A call got to the loop over frames."""


def alarm(kind):
    def ring(*args, **kwargs):
        raise kind

    return ring


@pytest.fixture
def a_gpu(monkeypatch):
    """Keras believes in a GPU; gives what a compiled step asks of a mask."""
    monkeypatch.setattr(keras.layers.RNN, "inner_loop", alarm(Looped))
    # `keras.src.backend.jax.rnn` is a function: the module has its name in common.
    rnn = importlib.import_module(f"keras.src.backend.{BACKEND}.rnn")
    if BACKEND == "tensorflow":
        import tensorflow as tf

        monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
        monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", alarm(Taken))
        ask = rnn._assert_valid_mask
        # An eager call would go back to the loop; `fit` compiles the question in.
        monkeypatch.setattr(rnn, "_assert_valid_mask", lambda mask: None)
        return lambda mask: ask(tf.constant(mask))
    if BACKEND == "jax":
        import jax.experimental.rnn

        monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
        monkeypatch.setattr(jax.experimental.rnn, "lstm", alarm(Taken))
    else:
        _a_gpu_of_torch(monkeypatch, rnn)
    return lambda mask: None


def _a_gpu_of_torch(monkeypatch, rnn):
    import torch

    class OnCuda(torch.Tensor):
        device = type("Device", (), {"type": "cuda"})()

    def moved(function):
        def call(inputs, *args, **kwargs):
            return function(inputs.as_subclass(OnCuda), *args, **kwargs)

        return call

    keep = rnn.convert_to_tensor
    monkeypatch.setattr(
        rnn,
        "convert_to_tensor",
        lambda x, **how: x if isinstance(x, OnCuda) else keep(x, **how),
    )
    monkeypatch.setattr(rnn, "_is_cuda_cudnn_available", lambda: True)
    backend = importlib.import_module("keras.src.backend")
    for kind in ("lstm", "gru"):
        monkeypatch.setattr(rnn, f"_cudnn_{kind}", alarm(Taken))
        monkeypatch.setattr(backend, kind, moved(getattr(backend, kind)))


def decided(layer, mask, check_mask):
    """What Keras does with a call, as a `Verdict`'s path."""
    x = keras.ops.zeros((ROWS, FRAMES, 3))
    given = None if mask is None else keras.ops.convert_to_tensor(mask)
    try:
        layer(x, mask=given)
    except Taken:
        try:
            if mask is not None:
                check_mask(mask)
        except Exception:
            return "error"
        return "cuDNN"
    except ValueError as error:
        if "use_cudnn=True was specified" not in str(error):
            raise
        return "error"
    except Looped:
        return "loop"
    return "loop"  # one of the backend's own


def native(name):
    """The backend's own tanh or sigmoid, where it has one that is a function."""
    module = importlib.import_module(cudnn._NATIVE[BACKEND])
    return getattr(module, name, getattr(keras.ops, name))


# Each argument's default comes first.
ARGUMENTS = {
    "activation": ("tanh", "relu", None, native("tanh"), keras.ops.tanh),
    "recurrent_activation": ("sigmoid", "hard_sigmoid", native("sigmoid")),
    "use_bias": (True, False),
    "unroll": (False, True),
    "dropout": (0.0, 0.5),
    "recurrent_dropout": (0.0, 0.5),
    "use_cudnn": ("auto", True, False),
    "go_backwards": (False, True),
    "return_sequences": (False, True),
}


KINDS = {
    keras.layers.LSTM: ARGUMENTS,
    keras.layers.GRU: {**ARGUMENTS, "reset_after": (True, False)},
}


@st.composite
def some_arguments(draw, kind):
    """A few arguments that are not at their default."""
    chosen = draw(st.sets(st.sampled_from(list(KINDS[kind])), max_size=3))
    return {name: draw(st.sampled_from(KINDS[kind][name])) for name in sorted(chosen)}


def compare(kind, arguments, check_mask):
    layer = kind(2, **arguments)
    for name, mask in MASKS.items():
        found = cudnn.decide(layer, mask=mask)
        path = "cuDNN" if found.path == "wrong" else found.path
        assert path == decided(layer, mask, check_mask), (arguments, name)
        assert bool(found.refusals) == (found.path != "cuDNN")
        yield path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_argument_decides_as_in_keras(kind, a_gpu):
    paths = set()
    for name, values in KINDS[kind].items():
        for value in values:
            paths.update(compare(kind, {name: value}, a_gpu))
    assert paths >= {"loop", "error"}
    assert "cuDNN" in paths or (BACKEND, kind) == ("jax", keras.layers.GRU)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_several_arguments_decide_as_in_keras(kind, a_gpu, data):
    assert list(compare(kind, data.draw(some_arguments(kind)), a_gpu))


@pytest.mark.skipif(BACKEND != "jax", reason="it is JAX's LSTM that is asked")
def test_on_jax_one_pair_of_arguments_gives_other_numbers(monkeypatch, rng):
    """cuDNN's place is taken by the slow LSTM that JAX compares it with."""
    import jax.experimental.rnn as fused

    def slow(x, h, c, weights, lengths, **how):
        sizes = [how[name] for name in ("input_size", "hidden_size", "num_layers")]
        parts = fused.unpack_lstm_weights(weights, *sizes, how["bidirectional"])
        rest = how["dropout"], how["bidirectional"]
        return fused.lstm_ref(x, h, c, *parts, lengths, *sizes, *rest)

    both = keras.layers.Bidirectional
    layers = [
        keras.layers.LSTM(4, return_sequences=sequences, go_backwards=backwards)
        for sequences in (False, True)
        for backwards in (False, True)
    ]
    layers += [
        both(keras.layers.LSTM(4, return_sequences=sequences, dropout=dropout))
        for sequences in (False, True)
        for dropout in (0.0, 0.1)
    ]
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    expected = [np.asarray(layer(x)) for layer in layers]
    rnn = importlib.import_module("keras.src.backend.jax.rnn")
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    monkeypatch.setattr(fused, "lstm", slow)
    paths = [cudnn.decide(layer, "jax").path for layer in layers]
    found = [
        "cuDNN" if np.allclose(np.asarray(layer(x)), y, atol=1e-5) else "wrong"
        for layer, y in zip(layers, expected, strict=True)
    ]
    assert found == paths
    assert [path == "wrong" for path in paths] == 2 * [False, False, False, True]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_jax_has_the_types_for_it_that_we_say(dtype, monkeypatch):
    """Compiled for CUDA, on a machine without: half precision fails before that."""
    jax = pytest.importorskip("jax")
    import jax.experimental.rnn as fused

    sizes = "compute_rnn_workspace_reserve_space_sizes"
    monkeypatch.setattr(fused.gpu_rnn, sizes, lambda *args: (1, 1), raising=False)

    def lstm(x, state, weights, lengths):
        return fused.lstm(x, state, state, weights, lengths, 3, 4, 1, 0.0, False)

    n = fused.get_num_params_in_lstm(3, 4, 1, False)
    shapes = [jax.ShapeDtypeStruct(s, dtype) for s in ((2, 5, 3), (1, 2, 4), (n,))]
    lengths = jax.ShapeDtypeStruct((2,), "int32")
    traced = jax.jit(lstm).trace(*shapes, lengths)
    complaint = ""
    try:
        traced.lower(lowering_platforms=("cuda",))
    except Exception as error:  # where JAX is built for the processor, always
        complaint = str(error)
    refused = "Unknown output type" in complaint
    policy = "float32" if dtype == "float32" else f"mixed_{dtype}"
    verdict = cudnn.decide(keras.layers.LSTM(4, dtype=policy), "jax")
    assert refused == (verdict.path == "error") == (dtype != "float32")


def test_tensorflow_has_half_precision_for_it():
    kernels = pytest.importorskip("tensorflow.python.framework.kernels")
    from tensorflow.python.framework import dtypes

    if not importlib.import_module("tensorflow").test.is_built_with_cuda():
        pytest.skip("this TensorFlow was built without CUDA")
    found = kernels.get_registered_kernels_for_op("CudnnRNNV3").kernel
    types = {t for k in found for c in k.constraint for t in c.allowed_values.list.type}
    assert {dtypes.float16, dtypes.bfloat16} <= {dtypes.as_dtype(t) for t in types}
    for policy in ("mixed_float16", "mixed_bfloat16"):
        layer = keras.layers.LSTM(4, dtype=policy)
        assert cudnn.decide(layer, "tensorflow").fast


@pytest.mark.parametrize("backend", cudnn.BACKENDS)
def test_a_layer_over_cells_is_never_fast(backend):
    layers = keras.layers
    for cell, instead in (
        (layers.LSTMCell(3), "LSTM"),
        (layers.GRUCell(3), "GRU"),
        ([layers.LSTMCell(3), layers.LSTMCell(3)], "LSTM"),
        (layers.SimpleRNNCell(3), ""),
    ):
        found = cudnn.decide(layers.RNN(cell), backend)
        assert found.path == "loop"
        assert [refusal.instead for refusal in found.refusals] == [instead]
    assert cudnn.refusals(layers.SimpleRNN(3))[0].instead == ""


@pytest.mark.parametrize("how", [{}, {"dropout": 0.1}, {"stateful": True}])
@pytest.mark.parametrize("mask", ["none", "right-padded"])
def test_a_bidirectional_is_as_good_as_the_worse_of_two(mask, how):
    both = keras.layers.Bidirectional(
        keras.layers.LSTM(3, return_sequences=True, **how)
    )
    for backend in cudnn.BACKENDS:
        verdicts = [
            cudnn.decide(each, backend, mask) for each in cudnn.directions(both)
        ]
        found = cudnn.decide(both, backend, mask)
        if backend == "jax" and mask == "none" and not how:
            # JAX is given both at once, and puts the frames in order itself.
            assert [verdict.path for verdict in verdicts] == ["cuDNN", "wrong"]
            assert found.fast
        else:
            paths = [cudnn.PATHS.index(verdict.path) for verdict in verdicts]
            assert found.path == cudnn.PATHS[max(paths)]
    mixed = keras.layers.Bidirectional(
        keras.layers.LSTM(3),
        backward_layer=keras.layers.LSTM(3, use_bias=False, go_backwards=True),
    )
    assert cudnn.decide(mixed).refusals[0].what == "use_bias=False"


def test_the_doctor_asks_the_same(rng):
    x = rng.normal(size=(16, 6, 4)).astype(np.float32)
    for layer, found in (
        (keras.layers.LSTM(3), False),
        (keras.layers.LSTM(3, recurrent_dropout=0.1), True),
        (keras.layers.RNN(keras.layers.LSTMCell(3)), True),
    ):
        net = keras.Sequential([keras.Input((6, 4)), layer, keras.layers.Dense(2)])
        report = doctor.examine(net, (x, np.arange(16) % 2), kind="siamese")
        assert ("S33" in report) == found, report
        if found:
            assert cudnn.refusals(layer)[0].what in report["S33"].evidence


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1))
def test_a_mask_is_right_padded_if_it_is_made_of_lengths(rows):
    mask = np.array(rows)
    lengths = mask.sum(axis=1)
    made = np.arange(3) < lengths[:, None]
    kind = cudnn.mask_kind(mask)
    assert (kind == "with holes") == (not np.array_equal(made, mask))
    if kind != "with holes":
        assert (kind == "right-padded") == lengths.all()


def test_what_is_no_layer_no_mask_and_no_backend_is_refused():
    layer = keras.layers.LSTM(3)
    with pytest.raises(errors.ArgumentError, match="or a Bidirectional; got Dense"):
        cudnn.refusals(keras.layers.Dense(3))
    with pytest.raises(errors.ArgumentError, match="one of tensorflow, jax, torch"):
        cudnn.decide(layer, "theano")
    with pytest.raises(errors.ArgumentError, match="mask must be one of none, right"):
        cudnn.decide(layer, mask="left")
    with pytest.raises(errors.ArgumentError, match=r"got shape \(3,\)"):
        cudnn.mask_kind(np.ones(3))
