"""The doctor during training."""

import keras
import numpy as np
import pytest
from keras import layers

import siamlab as sl
from siamlab.doctor import Watch

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def data(n=24, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 6, 5)).astype("float32"), (np.arange(n) % 6).astype(
        "int32"
    )


def network(loss=None, optimizer="adam", **dense):
    """Keras' default, XLA, would compile each training for longer than it lasts."""
    model = keras.Sequential(
        [keras.Input((6, 5)), layers.Flatten(), layers.Dense(8, **dense)]
    )
    loss = sl.losses.Contrastive(margin=4.0) if loss is None else loss
    model.compile(optimizer, loss, jit_compile=False)
    return model


def fit(model, watch, x=None, y=None, **more):
    if x is None:
        x, y = data()
    model.fit(x, y, verbose=0, callbacks=[watch], **more)
    return watch


def codes(watch):
    return [finding.code for finding in watch.findings]


def test_a_healthy_training_is_left_in_peace(capsys):
    model = network()
    watch = fit(model, Watch(data()), epochs=2)
    assert codes(watch) == []
    assert capsys.readouterr().out == ""
    assert [look["epoch"] for look in watch.history] == [0, 1, 2]


def test_collapse_is_seen_before_the_first_step(capsys):
    loss = sl.losses.Contrastive(margin=1.0)
    model = network(loss, "sgd", kernel_initializer="zeros")
    watch = fit(model, Watch(data()))
    assert codes(watch)[0] == "S11"
    assert "before the first step" in capsys.readouterr().out


def test_collapse_is_seen_when_it_comes():
    """A loss that only pulls together, and a large rate."""

    def pull(ids, e):
        return keras.ops.mean(keras.ops.square(e))

    model = network(pull, keras.optimizers.SGD(2.0))
    x, y = data()
    watch = fit(
        model,
        Watch((0.3 * x + 1, y), verbose=0),
        0.3 * x + 1,
        y,
        epochs=12,
        batch_size=24,
    )
    assert "S11" in codes(watch)
    assert "after step" in watch.findings[codes(watch).index("S11")].evidence


def test_a_dead_hinge_is_seen():
    model = network(sl.losses.Contrastive(margin=0.01), "sgd")
    assert "S10" in codes(fit(model, Watch(data(), verbose=0)))


def test_clipped_steps_are_seen():
    sgd = keras.optimizers.SGD(1e-3, clipnorm=1e-6)
    model = network("sparse_categorical_crossentropy", sgd)
    watch = fit(model, Watch(data(), verbose=0), epochs=3)
    assert codes(watch) == ["C18"]
    assert all(look["clipped"] for look in watch.history)


def test_unscaled_input_is_reported_before_the_first_step_only():
    model = keras.Sequential([keras.Input((6, 5)), layers.LSTM(4), layers.Dense(6)])
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    x, y = data()
    watch = fit(model, Watch((40 * x, y), verbose=0), 40 * x, y)
    assert codes(watch) in (["S30"], ["S30", "S11"])  # which may follow from it
    assert "before the first step" in watch.findings[0].evidence


def test_a_loss_that_rises_again_is_reported():
    watch = fit(network(), Watch(data(), verbose=0))
    loss = watch.history[-1]["loss"]
    watch.on_epoch_end(1, {"loss": loss / 2})
    assert codes(watch) == []
    watch.on_epoch_end(2, {"loss": loss})
    assert codes(watch) == ["C18"]
    assert "after step" in watch.findings[0].evidence


def test_only_blanks_are_seen():
    symbols = sl.ctc.Vocabulary(("a", "b"))
    net = sl.networks.ctc_blstm(symbols, n_bins=5, units=(4,))
    x, _ = data(4)
    bias = net.encoder.layers[-1].bias
    bias.assign([0.0, 0.0, 12.0])  # the blank is the last output
    net.compile(keras.optimizers.SGD(1e-9), jit_compile=False)
    batches = sl.sampling.UtteranceBatches(list(x), [[0, 1]] * 4, batch_size=4)
    watch = Watch(batches[0], verbose=0)
    net.fit(batches, epochs=1, verbose=0, callbacks=[watch])
    assert codes(watch) == ["C16"]
    assert watch.history[-1]["blanks"] == 1.0


def test_the_training_is_the_same_as_without():
    def train(callbacks):
        keras.utils.set_random_seed(3)
        dropped = [layers.Dropout(0.3), *network().layers]
        model = keras.Sequential([keras.Input((6, 5)), *dropped])
        loss = sl.losses.Contrastive(margin=4.0)
        model.compile("adam", loss)  # as Keras does by default
        x, y = data()
        model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
        return model.get_weights()

    for one, other in zip(train([]), train([Watch(data(), verbose=0)]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_so_many_steps():
    model = network()
    watch = fit(model, Watch(data(), every=2, verbose=0), batch_size=6)
    assert [look["step"] for look in watch.history] == [0, 2, 4, 4]


def test_arguments_are_checked():
    with pytest.raises(sl.SiamlabError, match="must be at least"):
        Watch(data(), every=0)
