"""Rules for CTC that need no model: from logs, tables, decoders and source code."""

import keras
import numpy as np
import pandas as pd

from siamlab.doctor import examine


def look(**facts):
    report = examine(None, kind="ctc", **facts)
    broken = [r for r in report.skipped.values() if r.startswith("the rule met")]
    assert not broken, broken
    return report


def test_long_steps_are_found():
    sgd = keras.optimizers.SGD
    long = sgd(0.02, momentum=0.9, nesterov=True)
    assert "C18" in look(optimizer=long)
    clipped = sgd(0.02, momentum=0.9, nesterov=True, clipnorm=5.0)  # notebook 03
    short = sgd(0.01, momentum=0.9)
    for fine in (keras.optimizers.Adam(), short, sgd(0.02), clipped):
        assert "C18" in look(optimizer=fine).passed
    rng = np.random.default_rng(0)
    assert "C18" in look(grad_norms=rng.uniform(4, 90, 50), clipnorm=5)
    assert "C18" not in look(grad_norms=rng.uniform(0, 6, 50), clipnorm=5)
    assert "C18" in look(history={"loss": [90, 40, 30, 60, 95]})
    assert "C18" not in look(history={"loss": [90, 40, 30, 31, 28]})


def test_decay_is_found():
    assert "C19" in look(optimizer_kwargs={"lr": 0.1, "decay": 1e-6})
    assert "C19" not in look(optimizer_kwargs={"weight_decay": 1e-6})
    text = "model.compile(optimizer=SGD(0.02, decay=1e-6, momentum=0.9))"
    assert "C19" in look(source=text)
    text = text.replace("decay=", "weight_decay=")
    assert "C19" not in look(source=text)
    adam = keras.optimizers.Adam()
    adam.decay = 1e-4
    assert "C19" in look(optimizer=adam)


TABLE = pd.DataFrame(
    {
        "utterance": ["u1"] * 4 + ["u2"] * 3,
        "phone": list("abbc") + list("aab"),
    }
)


def no_repeats(frames):
    return [f for i, f in enumerate(frames) if i == 0 or f != frames[i - 1]]


def test_lost_doubles_are_found():
    assert "C20" in look(segments_table=TABLE, labels=[[1, 2, 3], [1, 2]])
    whole = [[1, 2, 2, 3], [1, 1, 2]]
    assert "C20" not in look(segments_table=TABLE, labels=whole)
    assert "C20" in look(segments_table=TABLE, collapse=no_repeats)
    frames = [[1, 1, 2, 2, 2, 2, 3], [1, 1, 1, 1, 2]]
    assert "C20" in look(collapse=no_repeats, frame_labels=frames, labels=whole)


def blanks_first(p, blank=0):
    best = [k for k in p.argmax(-1) if k != blank]
    return no_repeats(best)


def repeats_first(p, blank=0):
    return [int(k) for k in no_repeats(list(p.argmax(-1))) if k != blank]


def test_a_decoder_that_drops_blanks_first_is_found():
    assert "C21" in look(decode=blanks_first)
    assert "C21" in look(decode=repeats_first, blank=0).passed
    assert "C21" in look(decode=lambda b: [repeats_first(p) for p in b]).passed
    assert "C21" in look(
        decode=lambda b: ["".join("xabcdefgh"[k] for k in blanks_first(p)) for p in b],
    )


def test_frames_without_a_label_that_became_class_0_are_found():
    hot = np.eye(4)[[1, 2, 0, 3]]
    hot[1] = 0
    classes = hot.argmax(-1)
    assert "C22" in look(one_hot=hot, classes=classes)
    mended = np.where(hot.any(-1), classes, -1)
    assert "C22" not in look(one_hot=hot, classes=mended)
    assert "C22" in look(frame_labels=[1, -1, 0, 3], classes=classes)


def test_a_loader_that_hides_broken_files_is_found(tmp_path):
    files = []
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.zeros((4, 2)))
        files.append(tmp_path / f"{i}.npy")

    def hides(paths):
        found = []
        for path in paths:
            try:
                found.append(np.load(path))
            except Exception:
                pass
        return found

    def honest(paths):
        return [np.load(path) for path in paths]

    assert "C23" in look(loader=hides, files=files)
    assert "C23" not in look(loader=honest, files=files)
    text = "def f(p):\n    try:\n        return read(p)\n    except {}:\n        pass"
    assert "C23" in look(source=text.format("Exception"))
    assert "C23" not in look(source=text.format("FileNotFoundError"))


def test_an_order_by_length_is_found():
    n = np.array([50, 20, 90, 30, 70, 40])
    by_length = np.argsort(n).tolist()
    assert "C24" in look(order=[by_length] * 3, lengths=n)
    rng = np.random.default_rng(0)
    shuffled = [rng.permutation(6).tolist() for _ in range(3)]
    assert "C24" not in look(order=shuffled, lengths=n)
    assert "C24" not in look(order=[by_length, *shuffled], lengths=n)


def test_a_training_without_validation_or_seed_is_found():
    assert "C25" in look(fit={"epochs": 3}, seed=3)
    assert "C25" not in look(fit={"shuffle": False})
    assert "C25" not in look(fit={"validation_split": 0.1}, seed=3)
    assert "C25" in look(fit={"validation_split": 0.1}, seed=None)
    fit, history = {"epochs": 2}, {"loss": [2, 1]}
    assert "C25" in look(fit=fit, history=history)
    history = {**history, "val_loss": [2, 1]}
    assert "C25" not in look(fit=fit, history=history)
    assert "C25" in look(source="model.fit(x, y, epochs=3)")


def test_a_training_without_curriculum_is_found():
    n = np.arange(10, 90, 10)
    order = [[7, 3, 0, 5, 1, 6, 2, 4]]
    assert "C26" in look(order=order, lengths=n, loss_by_utterance=3.0 * n)
    assert "C26" not in look(
        order=[list(range(8))], lengths=n, loss_by_utterance=3.0 * n
    )
