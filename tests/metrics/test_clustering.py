import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab import errors, metrics


def best_assignment_by_trying_all(speakers, clusters):
    speaker_ids, cluster_ids = list(set(speakers)), list(set(clusters))
    # Clusters without a speaker are matched with None, which is never right.
    speaker_ids += [None] * max(0, len(cluster_ids) - len(speaker_ids))
    correct = max(
        sum(speaker_of[c] == s for s, c in zip(speakers, clusters, strict=True))
        for order in itertools.permutations(speaker_ids, len(cluster_ids))
        for speaker_of in [dict(zip(cluster_ids, order, strict=True))]
    )
    return 1 - correct / len(speakers)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1))
def test_misclassification_rate_uses_the_best_assignment(labels):
    speakers, clusters = zip(*labels, strict=True)
    assert metrics.misclassification_rate(speakers, clusters) == pytest.approx(
        best_assignment_by_trying_all(speakers, clusters)
    )


def test_cluster_names_do_not_matter():
    assert metrics.misclassification_rate(list("aabb"), [7, 7, 3, 3]) == 0.0
    assert metrics.misclassification_rate(list("aabb"), [0, 0, 0, 0]) == 0.5


def test_missing_labels_raise():
    with pytest.raises(errors.ArgumentError, match=r"labels_pred .*got \(1,\)"):
        metrics.misclassification_rate([0, 1], [0])
    with pytest.raises(errors.ArgumentError, match="got none"):
        metrics.misclassification_rate([], [])
