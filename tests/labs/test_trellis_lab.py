"""The trellis lab: the sums over all paths of CTC."""

import itertools

import numpy as np
import pytest

from siamlab import ctc, errors
from siamlab.labs.trellis import TrellisLab, trellis


def make():
    return TrellisLab()


def settings(rng):
    """Random values of all controls."""
    return {
        "probabilities": rng.dirichlet([1, 1, 1], 6).clip(0.01).tolist(),
        "labels": str(rng.choice(["ab", "aa"])),
        "shown": "forward",
    }


def numbers(result):
    """What the view computes, too."""
    names = "forward", "backward", "posteriors", "loss"
    return {name: getattr(result, name) for name in names}


@pytest.mark.parametrize("labels", [[1, 2], [1, 1], [2, 1, 2], [1]])
def test_the_sums_are_those_of_all_paths(labels):
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 5)
    total = sum(
        np.prod([row[k] for row, k in zip(p, path, strict=True)])
        for path in itertools.product(range(3), repeat=5)
        if [k for k, _ in itertools.groupby(path) if k] == labels
    )
    found = trellis(p, labels)
    assert np.exp(-found.loss) == pytest.approx(total)
    posteriors, loss = ctc.lattice(np.log(p), labels, blank=0)
    assert found.loss == pytest.approx(loss)
    np.testing.assert_allclose(found.posteriors, posteriors, atol=1e-9)
    # At every frame, forward and backward values together give all paths.
    states = np.zeros(2 * len(labels) + 1, int)
    states[1::2] = labels
    each = (found.forward * found.backward / p[:, states]).sum(axis=1)
    np.testing.assert_allclose(each, total)


def test_two_equal_labels_need_a_blank():
    lab = TrellisLab()
    first = lab.result.loss
    lab.labels = "aa"
    assert lab.result.loss > first
    assert "loss" in lab.readout


def test_a_probability_of_0_is_refused():
    with pytest.raises(errors.ArgumentError, match="above 0"):
        trellis([[1.0, 0.0]], [1])
