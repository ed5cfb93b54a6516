import itertools

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import distances, errors, losses, networks

SMALL = {"n_frames": 12, "n_mels": 8, "units": 6, "output_dim": 5}


@pytest.fixture
def segments(rng):
    """Eight segments of four speakers."""
    return rng.normal(size=(8, 12, 8)).astype(np.float32), np.arange(8) // 2


def all_pairs(x, ids):
    i, j = np.array([*itertools.combinations(range(len(x)), 2)]).T
    return (x[i], x[j]), (ids[i] == ids[j])[:, None].astype(int)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "loss"),
    [("softmax", losses.KLHinge()), ("unit", losses.SupervisedContrastive())],
)
def test_training_lowers_loss_and_error_rate(features, head, loss):
    scaler = sl.scaling.StandardScaler().fit(features)
    encoder = networks.blstm_encoder(**SMALL, head=head, scaler=scaler)
    net = networks.SpeakerNet(encoder)
    net.compile(keras.optimizers.Adam(0.01), loss=loss)
    batches = sl.sampling.SpeakerBatches(
        features, n_speakers=4, n_segments=4, n_frames=12, steps_per_epoch=15, seed=0
    )
    history = net.fit(batches, epochs=10, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    embeddings = sl.embed(net, features)
    verification = sl.metrics.verify(embeddings, features.speakers, n_resamples=5)
    assert verification.eer < 0.2


@pytest.mark.slow
def test_a_seed_determines_the_trained_weights(segments):
    def trained():
        keras.utils.set_random_seed(5)
        net = networks.SpeakerNet(networks.blstm_encoder(**SMALL))
        # Compiling a training step takes longer than these.
        net.compile("adam", loss=losses.KLHinge(), run_eagerly=True)
        net.fit(*segments, batch_size=4, epochs=2, verbose=0)
        return net.get_weights()

    np.testing.assert_equal(trained(), trained())


LOAD = """
import numpy as np, siamlab.networks, keras
net, data = keras.saving.load_model("net.keras"), np.load("data.npz")
x, ids = data["x"], data["ids"]
np.testing.assert_allclose(net.predict(x, verbose=0), data["y"], atol=1e-6)
net.fit(x, ids, batch_size=8, epochs=2, verbose=0)
loss = net.evaluate(x, ids, batch_size=8, verbose=0)
np.testing.assert_allclose(loss, data["loss"], rtol=1e-5)
print(int(net.optimizer.iterations), net.loss.margin, type(net).__name__)
"""


@pytest.mark.slow
def test_a_network_loaded_in_a_new_process_continues_as_if_never_saved(
    features, segments, tmp_path, monkeypatch, in_a_process
):
    scaler = sl.scaling.StandardScaler().fit(features)
    encoder = networks.blstm_encoder(**SMALL, dropout=0.0, scaler=scaler)
    net, loss = networks.SpeakerNet(encoder), losses.KLHinge(margin=0.7)
    net.compile(keras.optimizers.Adam(0.01), loss=loss, run_eagerly=True)
    x, ids = segments
    net.fit(x, ids, batch_size=8, epochs=3, verbose=0)
    net.save(tmp_path / "net.keras")
    y = net.predict(x, verbose=0)
    net.fit(x, ids, batch_size=8, epochs=2, verbose=0)
    loss = net.evaluate(x, ids, batch_size=8, verbose=0)
    np.savez(tmp_path / "data.npz", x=x, ids=ids, y=y, loss=loss)
    monkeypatch.chdir(tmp_path)
    assert in_a_process(LOAD).split() == ["5", "0.7", "SpeakerNet"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of tf2onnx
@pytest.mark.parametrize("kind", [networks.SpeakerNet, networks.Siamese])
def test_a_network_is_exported_before_its_first_call(kind, segments, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    net = kind(networks.blstm_encoder(**SMALL))
    net.export(tmp_path / "net.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    names = [each.name for each in session.get_inputs()]
    x, _ = segments
    inputs = [x] if kind is networks.SpeakerNet else [x, x[::-1]]
    (exported,) = session.run(None, dict(zip(names, inputs, strict=True)))
    expected = net(x if kind is networks.SpeakerNet else inputs)
    np.testing.assert_allclose(exported, expected, atol=1e-5)


def test_a_network_is_saved_before_it_is_compiled(tmp_path):
    net = networks.SpeakerNet(networks.blstm_encoder(**SMALL))
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_equal(loaded.get_weights(), net.get_weights())
    assert not loaded.compiled


@pytest.mark.parametrize(
    ("head", "distance", "pair_loss", "batch_loss"),
    [
        ("softmax", "kl", losses.DistanceHinge, losses.KLHinge),
        ("unit", "euclidean", losses.DistanceContrastive, losses.Contrastive),
    ],
)
def test_all_pairs_of_a_batch_cost_the_same_in_both_models(
    segments, head, distance, pair_loss, batch_loss
):
    x, ids = segments
    encoder = networks.blstm_encoder(**SMALL, head=head)
    pairs, same = all_pairs(x, ids)
    of_pairs, of_batch = pair_loss(1.5), batch_loss(1.5, weighting="pairs")
    found = float(of_pairs(same, networks.Siamese(encoder, distance)(pairs)))
    expected = float(of_batch(ids, networks.SpeakerNet(encoder)(x)))
    assert found == pytest.approx(expected, rel=1e-4)


def test_both_inputs_pass_through_one_encoder(rng):
    siamese = networks.Siamese(networks.blstm_encoder(**SMALL), distance="kl")
    a, b = rng.normal(size=(2, 3, 12, 8)).astype(np.float32)
    p, q = siamese.encoder(a), siamese.encoder(b)
    expected = np.stack([distances.kl(p, q), distances.kl(q, p)], axis=1)
    np.testing.assert_allclose(siamese((a, b)), expected, atol=1e-6)
    np.testing.assert_allclose(siamese((b, a)), expected[:, ::-1], atol=1e-6)
    assert len(siamese.trainable_variables) == len(siamese.encoder.trainable_variables)


@keras.saving.register_keras_serializable("tests")
def manhattan(a, b):
    return keras.ops.sum(keras.ops.abs(a - b), axis=-1)


@pytest.mark.slow
@pytest.mark.parametrize("distance", ["kl", manhattan])
def test_a_trained_siamese_network_is_saved_and_loaded(segments, tmp_path, distance):
    pairs, same = all_pairs(*segments)
    siamese = networks.Siamese(networks.blstm_encoder(**SMALL), distance)
    loss, metrics = losses.DistanceHinge(), [sl.metrics.EER()]
    siamese.compile("adam", loss=loss, metrics=metrics, run_eagerly=True)
    siamese.fit(pairs, same, batch_size=14, verbose=0)
    siamese.save(tmp_path / "siamese.keras")
    loaded = sl.load_model(tmp_path / "siamese.keras")
    before = siamese.evaluate(pairs, same, verbose=0, return_dict=True)
    after = loaded.evaluate(pairs, same, verbose=0, return_dict=True)
    assert after == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("model", [networks.SpeakerNet, networks.Siamese])
def test_an_encoder_that_is_not_a_model_is_named(model):
    with pytest.raises(errors.ArgumentError, match=r"must be a keras\.Model; got str"):
        model("encoder")
