import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors, metrics

# Few values, so that many are tied.
DISTANCES = st.lists(st.integers(0, 6), min_size=4, max_size=40)


@settings(deadline=None, max_examples=40)
@given(DISTANCES, st.integers(0, 99), st.integers(1, 4))
def test_over_an_epoch_they_are_the_figures_of_all_its_pairs(found, seed, batches):
    rng = np.random.default_rng(seed)
    d = np.array(found, np.float32)
    same = rng.permutation(np.arange(len(d)) % 2)
    running = {
        metrics.EER(capacity=64): metrics.eer(same, -d),
        metrics.AUC(capacity=64): metrics.auc(same, -d),
        metrics.AccuracyAt(2.5): metrics.accuracy_at(same, -d, -2.5),
    }
    for metric, expected in running.items():
        for part in np.array_split(np.arange(len(d)), batches):
            metric.update_state(same[part][:, None], d[part][:, None])
        assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "kl"])
def test_of_outputs_they_compare_all_pairs_of_a_batch(rng, distance):
    ids = np.arange(9) // 2
    outputs = rng.dirichlet(np.ones(5), size=9).astype(np.float32)
    one = getattr(sl.distances, distance)
    i, j = np.triu_indices(9, k=1)
    p, q = outputs[i], outputs[j]
    d = np.asarray(one(p, q)) + np.asarray(one(q, p))
    metric = metrics.EER(distance)
    metric.update_state(ids, outputs)
    assert float(metric.result()) == pytest.approx(
        metrics.eer(ids[i] == ids[j], -d), abs=1e-6
    )


def test_no_pair_goes_across_batches(rng):
    ids, outputs = np.arange(8) // 2, rng.normal(size=(8, 3)).astype(np.float32)
    metric = metrics.AUC("cosine")
    metric.update_state(ids[:4], outputs[:4])
    metric.update_state(ids[4:], outputs[4:])
    scores, same = [], []
    for part in (slice(0, 4), slice(4, 8)):
        s, t = metrics.pair_scores(outputs[part], ids[part])
        scores, same = [*scores, *s], [*same, *t]
    assert float(metric.result()) == pytest.approx(metrics.auc(scores, same), abs=1e-6)


def test_both_directions_count_and_labels_may_stand_in_a_row():
    metric = metrics.AccuracyAt(1.0)
    metric.update_state([1, 0], [[0.4, 0.5], [0.4, 0.7]])
    assert float(metric.result()) == 1.0


def test_a_new_epoch_begins_empty():
    metric = metrics.EER()
    metric.update_state([1, 0], [[9.0], [1.0]])
    assert float(metric.result()) == 1.0
    metric.reset_state()
    metric.update_state([1, 0], [[1.0], [9.0]])
    assert float(metric.result()) == 0.0


def test_weights_leave_pairs_out():
    metric = metrics.EER()
    metric.update_state([1, 0, 1], [[1.0], [2.0], [9.0]], sample_weight=[1, 1, 0])
    assert float(metric.result()) == 0.0
    with pytest.raises(errors.ArgumentError, match="take no sample weights"):
        metrics.EER("cosine").update_state([1, 0], np.eye(2), sample_weight=[1, 1])


def test_one_kind_of_pair_has_no_error_rate():
    metric = metrics.EER()
    metric.update_state([1, 1], [[1.0], [2.0]])
    assert np.isnan(float(metric.result()))


def test_more_pairs_than_there_is_room_for_are_refused_rather_than_forgotten():
    metric = metrics.EER(capacity=4)
    for _ in range(2):
        metric.update_state([1, 0, 1], [[1.0], [2.0], [3.0]])
    with pytest.raises(errors.ArgumentError, match=r"room for 4 pairs.*has 6 or more"):
        metric.result()
    with pytest.raises(errors.ArgumentError, match="room for 4 pairs"):
        metrics.EER(capacity=4).update_state(np.ones(5), np.ones((5, 1)))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: metrics.EER("manhattan"), "None or one of cosine, .*got 'manhattan'"),
        (lambda: metrics.AUC(capacity=1), "capacity must be at least 2; got 1"),
        (
            lambda: metrics.EER().update_state(np.ones(3), np.ones(3)),
            r"distances \(batch, directions\) and labels.*got \(3,\) and \(3,\)",
        ),
        (
            lambda: metrics.EER("kl").update_state(np.ones(3), np.ones((4, 2))),
            r"outputs \(batch, units\) and labels.*got \(4, 2\) and \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        make()


METRICS = [metrics.EER(), metrics.AUC("kl", capacity=99), metrics.AccuracyAt(0.3)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_a_metric_survives_saving(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()


def test_a_checkpoint_keeps_the_epoch_with_the_lowest_eer(tmp_path, rng):
    base = sl.networks.blstm_encoder(n_frames=6, n_mels=4, units=3, output_dim=4)
    twins = sl.networks.Siamese(base, "kl", sl.losses.DistanceHinge())
    twins.compile(keras.optimizers.SGD(0.5), metrics=[metrics.EER(), metrics.AUC()])
    a, b = rng.normal(size=(2, 40, 6, 4)).astype(np.float32)
    same = (np.arange(40) % 2)[:, None]
    path = tmp_path / "best.keras"
    keeper = keras.callbacks.ModelCheckpoint(
        path, monitor="val_eer", mode="min", save_best_only=True
    )
    history = twins.fit(
        (a, b),
        same,
        batch_size=8,
        epochs=5,
        validation_data=((a, b), same),
        validation_batch_size=7,
        callbacks=[keeper],
        verbose=0,
    ).history
    best = keras.saving.load_model(path)
    d = best.predict((a, b), verbose=0).sum(axis=1)
    expected = metrics.eer(same[:, 0], -d)
    assert min(history["val_eer"]) == pytest.approx(expected, abs=1e-6)


PROGRAM = """
import siamlab as sl, keras, numpy as np
rng = np.random.default_rng(0)
base = sl.networks.blstm_encoder(n_frames=6, n_mels=4, units=3, output_dim=4)
twins = sl.networks.Siamese(base, "kl", sl.losses.DistanceHinge())
twins.compile(metrics=[sl.metrics.EER(), sl.metrics.AUC(), sl.metrics.AccuracyAt(0.1)])
a, b = rng.normal(size=(2, 40, 6, 4)).astype("float32")
same = (np.arange(40) % 2)[:, None]
twins.fit((a, b), same, batch_size=8, epochs=1, verbose=0)
found = twins.evaluate((a, b), same, batch_size=7, verbose=0, return_dict=True)
d = twins.predict((a, b), verbose=0).sum(axis=1)
assert abs(found["eer"] - sl.metrics.eer(same[:, 0], -d)) < 1e-6, found
assert abs(found["auc"] - sl.metrics.auc(same[:, 0], -d)) < 1e-6, found
net = sl.networks.SpeakerNet(
    sl.networks.blstm_encoder(
        frames=6, bands=4, units=3, outputs=4, head="unit",
        augmentation=[
            sl.layers.RandomEQ(), sl.layers.RandomGain(), sl.layers.RandomNoise(),
            sl.layers.RandomReverb(),
        ],
    ),
    sl.losses.Triplet(),
)
for loss in (sl.losses.Triplet(), sl.losses.GE2E(), sl.losses.SupervisedContrastive()):
    net.compile(loss=loss, metrics=[sl.metrics.EER("cosine")])
    history = net.fit(a, np.arange(40) // 4, batch_size=20, epochs=1, verbose=0).history
    assert np.isfinite([history["loss"], history["eer"]]).all(), history
print(keras.backend.backend())
"""


def test_they_count_the_same_with_jax(in_a_process):
    assert in_a_process(PROGRAM, KERAS_BACKEND="jax").split() == ["jax"]
