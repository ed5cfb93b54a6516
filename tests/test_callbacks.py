import sys

import keras
import numpy as np
import pytest

from siamlab import callbacks, progress


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse", run_eagerly=True)
    return model


@pytest.fixture
def shown(monkeypatch, capsys):
    """Lines that a log file gets, each state of the bar at once."""
    monkeypatch.setenv("SIAMLAB_PROGRESS", "1")
    monkeypatch.setattr(progress, "_LOG_INTERVAL_S", 0.0)
    monkeypatch.setattr(progress, "_in_jupyter", lambda: False)
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
