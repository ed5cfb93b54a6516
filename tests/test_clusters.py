import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist, squareform

from siamlab import clusters, errors


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 39])
def test_purity_equals_the_slow_loop(labeled_embeddings, rng, metric, k):
    x, speakers = labeled_embeddings[0], rng.permutation(labeled_embeddings[1])
    distances = cdist(x, x, metric)
    fractions = []
    for i in range(40):
        others = sorted((j for j in range(40) if j != i), key=lambda j: distances[i, j])
        fractions.append(np.mean([speakers[j] == speakers[i] for j in others[:k]]))
    purity = clusters.neighbor_purity(x, speakers, k=k, metric=metric)
    assert purity == pytest.approx(np.mean(fractions))
    assert purity.chance == pytest.approx(9 / 39)
    again = clusters.neighbor_purity(distances, speakers, k=k, metric="precomputed")
    assert again == pytest.approx(purity)


def test_a_point_is_not_its_own_neighbor_even_among_duplicates():
    near = clusters.nearest_neighbors(np.ones((6, 3)), k=3, metric="euclidean")
    assert not (near == np.arange(6)[:, None]).any()


def test_purity_of_noise_and_of_shuffled_labels_is_at_chance(rng):
    noise, speakers = rng.normal(size=(400, 20)), np.arange(20).repeat(20)
    purity = clusters.neighbor_purity(noise, speakers)
    shuffled = clusters.shuffled_purity(noise, speakers, seed=1)
    assert purity == pytest.approx(purity.chance, abs=0.03)
    assert shuffled.shape == (20,)
    assert shuffled.mean() == pytest.approx(purity.chance, abs=0.01)


@pytest.mark.slow
def test_umap_preserves_neighbors_and_is_reproducible(labeled_embeddings):
    x, speakers = labeled_embeddings
    first, second = (clusters.umap(x, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (40, 2)
    assert clusters.neighbor_purity(first, speakers, metric="euclidean") > 0.9


@pytest.mark.slow
def test_umap_works_with_few_utterances(rng):
    assert np.isfinite(clusters.umap(rng.normal(size=(4, 6)))).all()


INVALID = {
    "at least 4 utterances": lambda x, y: clusters.umap(x[:3]),
    "got a distance matrix": lambda x, y: clusters.umap(squareform(pdist(x))),
    "NaN or infinity": lambda x, y: clusters.neighbor_purity(x * np.nan, y),
    "must not be all zeros": lambda x, y: clusters.neighbor_purity(x * 0, y),
    r"from 1 to 39.*got 40": lambda x, y: clusters.neighbor_purity(x, y, k=40),
    r"\(40,\).*got \(3,\)": lambda x, y: clusters.shuffled_purity(x, y[:3]),
}


@pytest.mark.parametrize(("message", "call"), INVALID.items())
def test_invalid_arguments_raise(labeled_embeddings, call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call(*labeled_embeddings)
