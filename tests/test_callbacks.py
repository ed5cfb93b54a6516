import sys

import keras
import numpy as np
import pytest

from siamlab import _progress, callbacks, ctc, networks, sampling


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse", run_eagerly=True)
    return model


@pytest.fixture
def shown(monkeypatch, capsys):
    """Lines that a log file gets, each state of the bar at once."""
    monkeypatch.setenv("SIAMLAB_PROGRESS", "1")
    monkeypatch.setattr(_progress, "_LOG_INTERVAL_S", 0.0)
    monkeypatch.setattr(_progress, "_in_jupyter", lambda: False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)

    def lines():
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err.splitlines()

    return lines


def train(model, **arguments):
    x = np.zeros((12, 2))
    bar = callbacks.Progress()
    model.fit(x, x[:, :1], batch_size=4, verbose=0, callbacks=[bar], **arguments)


def test_one_bar_counts_the_steps_of_all_epochs(model, shown):
    train(model, epochs=3)
    last = shown()[-1]
    assert last.startswith("training: 100%")
    assert "9/9" in last
    assert "epoch=3" in last


def test_the_figures_of_the_last_epoch_stand_beside_it(model, shown):
    x = np.zeros((12, 2))
    train(model, epochs=2, validation_data=(x, x[:, :1]))
    last = shown()[-1]
    assert "loss=0" in last
    assert "val_loss=0" in last


def test_validation_is_not_counted_as_training(model, shown):
    train(model, epochs=2, validation_split=1 / 3)
    assert "4/4" in shown()[-1]


def test_a_training_that_goes_on_counts_what_was_done(model, shown):
    train(model, initial_epoch=2, epochs=4)
    lines = shown()
    assert "12/12" in lines[-1]
    # Six steps were there before; what the log shows next is the seventh.
    assert " 7/12" in lines[1]


def test_it_is_silent_where_no_bars_are_wanted(model, shown, monkeypatch):
    monkeypatch.setenv("SIAMLAB_PROGRESS", "0")
    train(model, initial_epoch=1, epochs=3)
    assert shown() == []


def test_steps_that_nobody_counted_are_counted_all_the_same(model, shown):
    def endless():
        while True:
            yield np.zeros((4, 2)), np.zeros((4, 1))

    bar = callbacks.Progress()
    settings = {"steps_per_epoch": 2, "epochs": 2, "shuffle": False}
    model.fit(endless(), verbose=0, callbacks=[bar], **settings)
    assert "4/4" in shown()[-1]


def test_figures_of_single_steps_are_not_asked_for():
    """Keras fetches them from the device for whoever hears of the end of a step."""
    ours, none = callbacks.Progress(), keras.callbacks.Callback()
    for name in ("on_batch_end", "on_train_batch_end"):
        assert getattr(type(ours), name) is getattr(type(none), name)


def test_several_steps_in_one_call_are_counted(model, shown):
    model.compile(loss="mse", steps_per_execution=2)
    train(model, epochs=2)
    assert "6/6" in shown()[-1]


@pytest.fixture
def spoken(rng):
    """Two utterances."""
    return [rng.normal(size=(frames, 4)) for frames in (12, 9)]


def a_network():
    keras.utils.set_random_seed(0)
    net = networks.ctc_blstm(ctc.Vocabulary(("a", "b")), n_bins=4, units=(3,))
    net.compile("adam", run_eagerly=True)  # compiling takes longer here
    return net


def listen(net, spoken, epochs, *listeners):
    batches = sampling.UtteranceBatches(spoken, [[0, 1], [1]])
    net.fit(batches, epochs=epochs, verbose=0, callbacks=list(listeners))


def equal(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_outputs_are_kept_from_before_the_first_step_to_after_the_last(spoken):
    net, outputs = a_network(), callbacks.Outputs(spoken)
    before = net.logits(spoken)
    listen(net, spoken, 2, outputs)
    assert len(outputs.logits) == 3
    assert equal(outputs.logits[0], before)
    assert not equal(outputs.logits[1], before)
    assert equal(outputs.logits[-1], net.logits(spoken))


def test_a_second_fit_goes_on_listening(spoken):
    net, outputs = a_network(), callbacks.Outputs(spoken[:1])
    listen(net, spoken, 1, outputs)
    listen(net, spoken, 1, outputs)
    assert len(outputs.logits) == 3
    assert equal(outputs.logits[-1], net.logits(spoken[:1]))


def test_listening_does_not_disturb_the_training(spoken):
    alone, heard = a_network(), a_network()
    listen(alone, spoken, 2)
    listen(heard, spoken, 2, callbacks.Outputs(spoken))
    assert equal(alone.get_weights(), heard.get_weights())
