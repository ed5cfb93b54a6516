import itertools

import numpy as np
import pytest

from siamlab import errors, metrics


def test_misclassification_rate_uses_the_best_assignment(rng):
    speakers, clusters = rng.integers(3, size=(2, 20))
    most_correct = max(
        np.sum(np.array(speaker_of)[clusters] == speakers)
        for speaker_of in itertools.permutations(range(3))
    )
    rate = metrics.misclassification_rate(speakers, clusters)
    assert rate == pytest.approx(1 - most_correct / 20)


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [([7, 7, 3, 3], 0), ([0, 0, 0, 0], 0.5), ([0, 1, 2, 3], 0.5)],
)
def test_cluster_names_do_not_matter(clusters, expected):
    assert metrics.misclassification_rate(list("aabb"), clusters) == expected


def test_missing_labels_raise():
    with pytest.raises(errors.ArgumentError, match=r"labels_pred .*got \(1,\)"):
        metrics.misclassification_rate([0, 1], [0])
    with pytest.raises(errors.ArgumentError, match="got none"):
        metrics.misclassification_rate([], [])
