import keras
import numpy as np
import pytest

from siamlab import distances, errors, metrics


def test_eer_over_several_batches_equals_the_numpy_function(rng):
    y_true = np.arange(60) % 3 == 0
    # Rounded to get ties.
    d = np.round(rng.gamma(2, size=60) + ~y_true, 1).astype(np.float32)
    metric = metrics.EER(capacity=64)
    for part in np.split(np.arange(60), [7, 30]):
        metric.update_state(y_true[part, None], d[part, None])
    assert float(metric.result()) == pytest.approx(metrics.eer(y_true, -d), abs=1e-6)
    metric.reset_state()
    metric.update_state([1, 0], [[1.0], [9.0]])
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "kl"])
def test_outputs_are_compared_within_each_batch(distance, rng):
    speakers = np.arange(24) % 4
    outputs = rng.dirichlet(np.ones(5), size=24).astype(np.float32)
    metric, y_true, d = metrics.EER(distance), [], []
    for batch in (slice(0, 14), slice(14, 24)):
        metric.update_state(speakers[batch], outputs[batch])
        all_pairs = getattr(distances, f"pairwise_{distance}")(outputs[batch])
        i, j = np.triu_indices(len(outputs[batch]), 1)
        both_directions = np.asarray(all_pairs) + np.asarray(all_pairs).T
        d += both_directions[i, j].tolist()
        y_true += (speakers[batch][i] == speakers[batch][j]).tolist()
    expected = metrics.eer(y_true, -np.array(d))
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_both_directions_of_a_divergence_are_added():
    metric = metrics.EER()
    metric.update_state([1, 0], [[0.4, 0.5], [0.7, 0.1]])
    assert float(metric.result()) == 1.0


def test_one_kind_of_pair_has_no_error_rate():
    metric = metrics.EER()
    metric.update_state([1, 1], [[1.0], [2.0]])
    assert np.isnan(float(metric.result()))


def test_more_pairs_than_the_capacity_raise():
    metric = metrics.EER(capacity=4)
    for _ in range(2):
        metric.update_state([1, 0, 1], [[1.0], [2.0], [3.0]])
    with pytest.raises(errors.ArgumentError, match=r"at least 6, .*got 4"):
        metric.result()


def update(*arguments, distance=None):
    metrics.EER(distance).update_state(*arguments)


ONES = np.ones((4, 8))
INVALID = {
    "None or one of cosine, .*got 'manhattan'": lambda: metrics.EER("manhattan"),
    r"shape \(batch, 1\).*got distances of .*\(3,\)": lambda: update([1] * 3, [1] * 3),
    r"\(4, 8\).*For embeddings.*EER\(\"cosine\"\)": lambda: update(ONES[0, :4], ONES),
    r"\(batch, units\).*\(4, 8\) and ids of shape \(3,\)": lambda: update(
        [1] * 3, ONES, distance="kl"
    ),
    "does not support sample weights": lambda: update([1], [[1.0]], [1]),
}


@pytest.mark.parametrize(("message", "make"), INVALID.items())
def test_invalid_arguments_raise(make, message):
    with pytest.raises(errors.ArgumentError, match=message):
        make()


def test_a_metric_survives_saving():
    metric = metrics.EER("kl", capacity=99)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()


def test_the_metric_works_in_training_and_starts_anew_in_each_epoch(rng):
    x, y = rng.normal(size=(40, 3)), np.arange(40)[:, None] % 2
    net = keras.Sequential([keras.layers.Dense(1, activation="softplus")])
    net.compile("sgd", loss="mse", metrics=[metrics.EER()])
    history = net.fit(x, y, epochs=2, verbose=0, validation_data=(x, y)).history
    d = net.predict(x, verbose=0)[:, 0]
    expected = metrics.eer(y[:, 0], -d)
    assert history["val_eer"][-1] == pytest.approx(expected, abs=1e-6)


def test_the_metric_compares_embeddings_in_an_evaluation(rng):
    x, speakers = rng.normal(size=(40, 3)), np.arange(40)[:, None] // 8
    encoder = keras.Sequential([keras.layers.Dense(4)])
    encoder.compile("sgd", loss="mse", metrics=[metrics.EER("cosine")])
    found = encoder.evaluate(x, speakers, verbose=0, return_dict=True)
    assert 0 < found["eer"] < 1
