import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist, squareform

from siamlab import clusters, errors


@pytest.fixture
def clouds(rng):
    """Four speakers of ten utterances, far from each other."""
    centers = 10 * np.eye(4, 8).repeat(10, axis=0)
    return centers + rng.normal(size=(40, 8)), np.arange(4).repeat(10)


def test_clouds_far_apart_are_found(clouds):
    x, speakers = clouds
    assert clusters.hierarchical(x, n=4).tolist() == speakers.tolist()
    assert clusters.hierarchical(x, threshold=0.5).tolist() == speakers.tolist()


def test_clusters_are_numbered_as_they_appear(clouds, rng):
    x, speakers = clouds
    order = rng.permutation(40)
    found = clusters.hierarchical(x[order], n=4)
    assert found[0] == 0
    first = [int(np.flatnonzero(found == c)[0]) for c in range(4)]
    assert first == sorted(first)
    assert len({(c, s) for c, s in zip(found, speakers[order], strict=True)}) == 4


def test_joining_is_by_the_mean_distance_of_all_pairs(rng):
    x = rng.normal(size=(9, 3))
    groups = [[i] for i in range(9)]
    distances = squareform(pdist(x, "cosine"))
    heights = []
    while len(groups) > 1:  # slow and obvious
        mean, a, b = min(
            (distances[np.ix_(g, h)].mean(), i, j)
            for i, g in enumerate(groups)
            for j, h in enumerate(groups)
            if i < j
        )
        heights.append(mean)
        groups[a] += groups.pop(b)
    np.testing.assert_allclose(clusters.tree(x)[:, 2], heights)


def test_a_matrix_of_distances_is_not_taken_for_points(clouds):
    square = squareform(pdist(clouds[0], "cosine"))
    with pytest.raises(errors.ArgumentError, match="as if its rows were points"):
        clusters.hierarchical(square, n=4)


@pytest.mark.parametrize("arguments", [{}, {"n": 2, "threshold": 0.5}])
def test_either_number_or_threshold_has_to_be_given(clouds, arguments):
    with pytest.raises(errors.ArgumentError, match="either n or threshold"):
        clusters.hierarchical(clouds[0], **arguments)


def test_an_embedding_without_direction_is_named(clouds):
    clouds[0][7] = 0
    with pytest.raises(errors.ArgumentError, match="all zeros, the first is row 7"):
        clusters.hierarchical(clouds[0], n=4)


def test_more_clusters_than_utterances_are_named(clouds):
    with pytest.raises(errors.ArgumentError, match=r"n must be 1 to 40.*got 41"):
        clusters.hierarchical(clouds[0], n=41)


def test_ward_needs_euclidean_distances(clouds):
    with pytest.raises(errors.ArgumentError, match='needs metric "euclidean"'):
        clusters.hierarchical(clouds[0], n=4, linkage="ward")
    found = clusters.hierarchical(clouds[0], n=4, linkage="ward", metric="euclidean")
    assert found.tolist() == clouds[1].tolist()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 39])
def test_purity_is_what_counting_finds(clouds, rng, metric, k):
    x, speakers = clouds[0], rng.permutation(clouds[1])
    distances = cdist(x, x, metric)
    shares = []
    for i in range(40):
        others = sorted((j for j in range(40) if j != i), key=lambda j: distances[i, j])
        shares.append(np.mean([speakers[j] == speakers[i] for j in others[:k]]))
    purity = clusters.neighbor_purity(x, speakers, k=k, metric=metric)
    assert purity == pytest.approx(np.mean(shares))


def test_purity_with_all_neighbors_is_chance(clouds):
    purity = clusters.neighbor_purity(*clouds, k=39)
    assert purity == pytest.approx(9 / 39)
    assert purity.chance == pytest.approx(9 / 39)


def test_purity_of_noise_is_near_chance_and_so_are_shuffled_names(rng):
    noise, speakers = rng.normal(size=(400, 20)), np.arange(20).repeat(20)
    purity = clusters.neighbor_purity(noise, speakers)
    shuffled = clusters.shuffled_purity(noise, speakers, seed=1)
    assert purity == pytest.approx(purity.chance, abs=0.03)
    assert shuffled.shape == (20,)
    assert shuffled.mean() == pytest.approx(purity.chance, abs=0.01)


def test_too_many_neighbors_are_named(clouds):
    with pytest.raises(errors.ArgumentError, match=r"k must be 1 to 39.*got 40"):
        clusters.neighbor_purity(*clouds, k=40)


def test_labels_of_another_length_are_named(clouds):
    with pytest.raises(errors.ArgumentError, match=r"shape \(40,\).*got \(3,\)"):
        clusters.neighbor_purity(clouds[0], [0, 1, 2])


def test_a_map_keeps_neighbors_and_is_the_same_for_a_seed(clouds):
    first, second = (clusters.umap(clouds[0], seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (40, 2)
    assert first.dtype == np.float32
    assert clusters.neighbor_purity(first, clouds[1], metric="euclidean") > 0.9


@pytest.mark.parametrize("n", [4, 9, 12])
def test_a_map_of_few_utterances_is_drawn(rng, n):
    assert np.isfinite(clusters.umap(rng.normal(size=(n, 6)))).all()


def test_a_map_of_fewer_is_refused(rng):
    with pytest.raises(errors.ArgumentError, match="at least 4 utterances"):
        clusters.umap(rng.normal(size=(3, 6)))


def test_embeddings_that_are_not_finite_are_named(clouds):
    clouds[0][3, 2] = np.nan
    with pytest.raises(errors.ArgumentError, match="NaN or infinity"):
        clusters.hierarchical(clouds[0], n=2)
