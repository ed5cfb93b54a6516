"""Models of enrolled speakers, and trials against them."""

import numpy as np
import pytest

import siamlab as sl
from siamlab.errors import ArgumentError


def test_enrollment_normalizes_averages_and_normalizes(rng):
    embeddings, speakers = rng.normal(size=(12, 5)), np.arange(12) % 3
    embeddings[0] *= 1000  # a long vector does not dominate
    names, models = sl.embeddings.enroll(embeddings, speakers)
    assert names.tolist() == [0, 1, 2]
    for name, model in zip(names, models, strict=True):
        unit = [v / np.linalg.norm(v) for v in embeddings[speakers == name]]
        mean = np.mean(unit, axis=0)
        np.testing.assert_allclose(model, mean / np.linalg.norm(mean), rtol=1e-5)


def test_trials_score_each_utterance_against_each_enrolled_speaker(rng):
    names, models = sl.embeddings.enroll(rng.normal(size=(4, 5)), ["a", "a", "b", "c"])
    embeddings, speakers = rng.normal(size=(3, 5)), ["b", "x", "a"]
    y_true, y_score = sl.embeddings.trials(names, models, embeddings, speakers)
    assert y_true.shape == y_score.shape == (9,)
    k = 0
    for row, speaker in zip(embeddings, speakers, strict=True):
        for name, model in zip(names, models, strict=True):
            assert y_score[k] == pytest.approx(row @ model / np.linalg.norm(row))
            assert y_true[k] == (name == speaker)
            k += 1


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match=r"speakers must have shape \(3,\).*\(1,\)"):
        sl.embeddings.enroll(np.ones((3, 2)), ["a"])
    with pytest.raises(ArgumentError, match=r"got \(0, 2\)"):
        sl.embeddings.enroll(np.ones((0, 2)), [])
    with pytest.raises(ArgumentError, match=r"models must have shape \(1, 2\).*\(2, 2"):
        sl.embeddings.trials(["a"], np.ones((2, 2)), np.ones((1, 2)), ["a"])
