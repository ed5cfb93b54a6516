"""Encoders in ONNX files, which these tests write."""

import json
import pickle

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import siamlab as sl
from siamlab.embeddings import OnnxEncoder
from siamlab.errors import ArgumentError, StorageError

DIM = 6


def write(path, shape=("batch", "time", 80), kind=TensorProto.FLOAT, pooled=True):
    """Write a network: the mean and the deviation of each band, then a matrix."""
    weights = np.random.default_rng(0).normal(size=(shape[-1], DIM)).astype(np.float32)
    nodes = [helper.make_node("Cast", ["feats"], ["x"], to=TensorProto.FLOAT)]
    if pooled:
        nodes += [
            helper.make_node("Mul", ["x", "x"], ["squares"]),
            helper.make_node("ReduceMean", ["squares"], ["m"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["m", "weights"], ["embs"]),
        ]
    else:
        nodes.append(helper.make_node("MatMul", ["x", "weights"], ["embs"]))
    rank = (shape[0], DIM) if pooled else (*shape[:2], DIM)
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("feats", kind, shape)],
        [helper.make_tensor_value_info("embs", TensorProto.FLOAT, rank)],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = helper.make_opsetid("", 13)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def run_by_hand(path, samples, sr):
    """Embed a recording as one segment with onnxruntime alone."""
    spectrogram = sl.Spectrogram.kaldi_fbank()
    x = np.log(10) / 10 * spectrogram(samples, sr) + np.log(32768.0**2)
    x = (x - x.mean(axis=0))[None].astype(np.float32)
    y = onnxruntime.InferenceSession(path).run(None, {"feats": x})[0][0]
    return y / np.linalg.norm(y)


@pytest.fixture
def corpus():
    return sl.corpora.voices(n_speakers=3, n_utterances=2)


def test_it_computes_what_onnxruntime_computes(tmp_path, corpus):
    path = write(tmp_path / "encoder.onnx")
    samples, sr = corpus[0]
    n_frames = len(sl.Spectrogram.kaldi_fbank()(samples, sr))
    encoder = sl.encoder(path, n_frames=n_frames)
    assert isinstance(encoder, OnnxEncoder)
    assert encoder.dim == DIM
    expected = run_by_hand(path, samples, sr)
    np.testing.assert_allclose(encoder.embed(samples, sr), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, "time", 80), ("batch", 120, 80), (1, 90, 80)])
def test_fixed_sizes_of_batch_and_time(tmp_path, corpus, shape):
    encoder = sl.encoder(write(tmp_path / "encoder.onnx", shape))
    fixed = shape[1] if isinstance(shape[1], int) else 300
    assert (encoder.n_frames, encoder.hop_frames) == (fixed, fixed // 2)
    with pytest.raises(ArgumentError, match="frames; got n_frames=77"):
        sl.encoder(write(tmp_path / "fixed.onnx", (1, 90, 80)), n_frames=77)
    free = sl.encoder(write(tmp_path / "free.onnx"), n_frames=fixed)
    np.testing.assert_allclose(
        sl.embed(encoder, corpus), sl.embed(free, corpus), atol=1e-5
    )


def test_the_mean_is_subtracted_only_if_the_network_needs_it(tmp_path, corpus):
    path = write(tmp_path / "encoder.onnx")
    x = sl.Spectrogram.kaldi_fbank()(*corpus[0])[None]
    with_mean = sl.encoder(path, subtract_mean=False)
    nepers = (np.log(10) / 10 * x + np.log(32768.0**2)).astype(np.float32)
    y = onnxruntime.InferenceSession(path).run(None, {"feats": nepers})[0]
    expected = y / np.linalg.norm(y)
    np.testing.assert_allclose(with_mean(x), expected, atol=1e-4)
    np.testing.assert_allclose(sl.encoder(path)(x + 3), sl.encoder(path)(x), atol=1e-5)


def test_what_takes_an_encoder_takes_it(tmp_path, corpus):
    encoder = sl.encoder(write(tmp_path / "encoder.onnx"))
    features = sl.extract(corpus, encoder.spectrogram)
    embedded = sl.embed(encoder, features)
    np.testing.assert_array_equal(embedded, sl.embed(encoder, corpus))
    assert sl.metrics.verify(embedded, features.speakers).eer <= 0.5
    found = sl.embeddings.channel_robustness(encoder, features, seed=0)
    assert 0 <= found.randomized <= 1
    names, models = sl.embeddings.enroll(embedded, features.speakers)
    assert models.shape == (len(names), DIM)
    with pytest.raises(ArgumentError, match=r"layer= needs a keras\.Model"):
        sl.embed(encoder, features, layer="dense")
    with pytest.raises(ArgumentError, match="its own spectrogram settings"):
        sl.embed(encoder, sl.extract(corpus))


def test_another_process_loads_the_file_again(tmp_path, corpus):
    encoder = sl.encoder(write(tmp_path / "encoder.onnx"), n_frames=100)
    again = pickle.loads(pickle.dumps(encoder))
    assert repr(again) == repr(encoder)
    np.testing.assert_array_equal(again.embed(*corpus[0]), encoder.embed(*corpus[0]))


def test_the_command_line_evaluates_it(tmp_path, a_folder_of_voices, in_a_process):
    path = write(tmp_path / "encoder.onnx")
    folder = tmp_path / "voices"
    folder.mkdir()
    a_folder_of_voices(folder, 3, 2)
    program = "import sys; from siamlab.cli import main; main(sys.argv[1:])"
    arguments = ("evaluate", "--data", folder, "--encoder", path, "--json")
    printed = json.loads(in_a_process(program, *map(str, arguments)))
    assert printed["speakers"] == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": ("batch", "time", 64)}, "one input .* feats .*64"),
        ({"shape": ("batch", 80)}, "must have one input"),
        ({"shape": (4, "time", 80)}, "must have one input"),
        ({"kind": TensorProto.DOUBLE}, r"must have one input .*tensor\(double\)"),
        ({"pooled": False}, r"an output of shape \(batch, dim\).*\(1, 300, 6\)"),
    ],
    ids=str,
)
def test_networks_with_other_inputs_or_outputs_are_refused(tmp_path, settings, message):
    if len(settings.get("shape", ())) == 2:
        settings = settings | {"pooled": False}
    path = write(tmp_path / "encoder.onnx", **settings)
    with pytest.raises(ArgumentError, match=message):
        sl.encoder(path)


def test_names_of_features_and_damaged_files(tmp_path):
    path = write(tmp_path / "encoder.onnx")
    with pytest.raises(ArgumentError, match="got 'mfcc'"):
        sl.encoder(path, features="mfcc")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StorageError, match="not a readable ONNX file"):
        sl.encoder(path)
    with pytest.raises(StorageError, match="not a readable ONNX file"):
        sl.encoder(tmp_path / "missing.onnx")
