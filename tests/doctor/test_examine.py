"""Examining programs of every form, and leaving them as they were."""

import random

import keras
import numpy as np
import pytest
from keras import layers, ops

import siamlab as sl
from siamlab.doctor import examine
from siamlab.doctor.case import Case


def squared(a, b):
    return ops.sum((a - b) ** 2, axis=-1, keepdims=True)


def hinge(margin):
    def loss(y, d):
        return y * d + (1 - y) * ops.relu(margin - d)

    return loss


def batch(pairs=32, frames=6, bands=5, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, pairs, frames, bands)).astype("float32")
    same = (np.arange(pairs) % 2).astype("float32")[:, None]
    b = np.where(same[:, :, None] == 1, a + 0.3 * b, b).astype("float32")
    return [a, b], same


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def base(frames=6, bands=5, units=8):
    return keras.Sequential(
        [keras.Input((frames, bands)), layers.Flatten(), layers.Dense(units)]
    )


def functional(network=None, distance=squared):
    network = network or base()
    a, b = keras.Input((6, 5)), keras.Input((6, 5))
    return keras.Model([a, b], distance(network(a), network(b)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.network = base()

    def call(self, inputs):
        a, b = inputs
        return squared(self.network(a), self.network(b))


class Joined(keras.Model):
    """Both inputs in one call of the base network."""

    def __init__(self):
        super().__init__()
        self.network = base()

    def call(self, inputs):
        both = self.network(ops.concatenate(inputs, axis=0))
        return squared(*ops.split(both, 2, axis=0))


class InItsTrainStep(keras.Model):
    """The loss is computed by the model itself."""

    def __init__(self):
        super().__init__()
        self.network = base()

    def call(self, inputs):
        a, b = inputs
        return squared(self.network(a), self.network(b))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **_):
        return ops.mean(hinge(25.0)(ops.cast(y, "float32"), y_pred))


FORMS = {
    "functional": functional,
    "subclassed": Subclassed,
    "joined": Joined,
    "embeddings out, distance in the loss": lambda: functional(
        distance=lambda a, b: ops.stack([a, b], axis=1)
    ),
}


def compiled(form):
    model = FORMS[form]()
    loss = hinge(25.0)
    if "embeddings" in form:

        def loss(y, e):
            return hinge(25.0)(y, squared(e[:, 0], e[:, 1]))

    model.compile("adam", loss)
    return model


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_model_is_examined(form):
    report = examine(compiled(form), batch())
    assert report.healthy
    examined = {
        "S1",
        "S2",
        "S8",
        "S10",
        "S11",
        "S12",
        "S13",
        "S15",
        "S16",
        "S17",
        "S30",
    }
    assert examined <= set(report.passed)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_margin_out_of_scale_is_found_in_any_form(form):
    model = compiled(form)
    x, y = batch()
    few = [1e-3 * e for e in x]  # distances far below the margin, without a bound
    assert "S10" in examine(model, (few, y))


def test_a_loss_of_the_model_itself_is_reached():
    model = InItsTrainStep()
    model.compile("adam")
    report = examine(model, batch())
    assert report.healthy
    assert {"S10", "S12", "S16"} <= set(report.passed)


def test_a_plain_function_of_two_embeddings_is_examined():
    a, b = np.random.default_rng(0).normal(size=(2, 40, 8)).astype("float32")
    y = (np.arange(40) % 2).astype("float32")[:, None]
    report = examine(squared, ((a, b), y), loss=hinge(20.0), kind="siamese")
    assert report.healthy
    report = examine(squared, ((a, b), y), loss=hinge(1e-3), kind="siamese")
    assert report.codes == ("S10",)


def test_arrays_alone_are_examined():
    e = np.ones((30, 8)) + 1e-7 * np.random.default_rng(0).normal(size=(30, 8))
    report = examine(None, embeddings=e, speakers=np.arange(30) // 5, kind="siamese")
    assert {"S11", "S37"} <= set(report.codes)


def test_what_cannot_be_examined_is_never_called_in_order():
    def broken(a, b):
        raise RuntimeError("no distance today")

    a = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    report = examine(broken, ((a, a), np.ones((8, 1))), loss=hinge(1.0), kind="siamese")
    assert report.healthy
    assert not {"S1", "S8", "S10", "S12"} & set(report.passed)
    assert "no distance today" in str(report.skipped)


def test_the_program_is_as_it_was():
    model = functional()
    model.compile(keras.optimizers.Adam(), hinge(25.0), metrics=["accuracy"])
    x, y = batch()
    model.fit(x, y, verbose=0)
    everything = [*model.variables, *model.optimizer.variables]
    everything += model.metrics_variables
    before = [ops.convert_to_numpy(v.value).copy() for v in everything]
    numbers = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    copies = [e.copy() for e in x], y.copy()
    examine(model, (x, y))
    for variable, value in zip(everything, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), value)
    np.testing.assert_array_equal(
        np.random.get_state()[1],  # noqa: NPY002
        numbers[0],
    )
    assert random.getstate() == numbers[1]
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(y, copies[1])


def test_batch_statistics_stay_as_they_were():
    network = keras.Sequential(
        [
            keras.Input((6, 5)),
            layers.BatchNormalization(),
            layers.Dropout(0.5, seed=1),
            layers.Flatten(),
            layers.Dense(8),
        ]
    )
    model = functional(network)
    model.compile("adam", hinge(25.0))
    before = [ops.convert_to_numpy(v.value).copy() for v in model.variables]
    examine(model, batch())
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), value)


def test_layers_answer_as_before_after_an_examination():
    call, operation = keras.layers.Layer.__call__, keras.Operation.__call__
    examine(compiled("functional"), batch())
    assert keras.layers.Layer.__call__ is call
    assert keras.Operation.__call__ is operation


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_scale_of_distances_does_not_matter_where_the_margin_follows(scale):
    def distance(a, b):
        return scale * squared(a, b)

    model = functional(distance=distance)
    model.compile("adam", hinge(25.0 * scale))
    assert examine(model, batch()).healthy


def test_names_do_not_matter():
    def odd(network):
        return keras.Sequential(
            [keras.Input((6, 5)), layers.Flatten(), layers.Dense(8, name="softmax_kl")]
        )

    model = functional(odd(None))
    model.compile("adam", hinge(25.0))
    assert examine(model, batch()).healthy


class TwoCalls(keras.Model):
    """Both inputs through the same layers, the second's tower first where turned."""

    def __init__(self, turned):
        super().__init__()
        self.turned = turned
        self.flat, self.dense = layers.Flatten(), layers.Dense(4, use_bias=False)
        self.scale = layers.Rescaling(2.0)

    def embed(self, x):
        return self.scale(self.dense(self.flat(x)))

    def call(self, inputs):
        order = (1, 0) if self.turned else (0, 1)
        embeddings = {i: self.embed(inputs[i]) for i in order}
        return squared(embeddings[0], embeddings[1])


@pytest.mark.parametrize("turned", [False, True])
def test_embeddings_are_made_up_for_both_inputs_whichever_is_called_first(turned):
    """Noise and its opposite give opposite embeddings where nothing is added."""
    model = TwoCalls(turned)
    model.compile("adam", hinge(25.0))
    pair = Case(model, batch(), kind="siamese").pair
    one, other = pair.made["opposite"]
    np.testing.assert_allclose(one, -other, rtol=1e-4)


def test_labels_may_mean_different_when_they_are_one():
    def loss(y, d):
        return (1 - y) * d + y * ops.relu(25.0 - d)

    model = functional()
    model.compile("adam", loss, metrics=[keras.metrics.BinaryAccuracy(threshold=12.5)])
    x, y = batch()
    assert examine(model, (x, 1 - y)).healthy


def test_a_batch_may_come_from_what_fit_takes():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            x, y = batch(seed=index)
            return tuple(x), y

    assert examine(compiled("subclassed"), Batches()).healthy


def test_two_batches_that_are_one_are_repeats():
    one = batch()
    report = examine(compiled("functional"), [(one[0], one[1]), (one[0], one[1])])
    assert report.codes == ("S25",)


def test_kind_has_to_be_known():
    with pytest.raises(sl.SiamlabError, match='kind="siamese"'):
        examine(None, kind=None)
    with pytest.raises(sl.SiamlabError, match="got 'vision'"):
        examine(None, kind="vision")


def test_a_fact_that_nobody_knows_is_refused_with_those_that_are():
    with pytest.raises(
        sl.SiamlabError, match="no rule knows spkrs; known are distance"
    ):
        examine(None, kind="siamese", spkrs=[1])


def test_something_else_than_a_batch_is_refused():
    with pytest.raises(sl.SiamlabError, match=r"a batch is \(x, y\)"):
        examine(compiled("functional"), 3)
