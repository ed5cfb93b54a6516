import inspect

import keras
import numpy as np
import pytest

from siamlab import distances, errors, losses, posts

NAMES = [fix.name for fix in posts.FIXES]


@pytest.mark.slow
@pytest.mark.parametrize("n_fixes", range(len(NAMES) + 1))
def test_every_program_has_a_loss_and_compares_its_outputs(n_fixes, features):
    program = posts.with_fixes(*NAMES[:n_fixes], units=4)
    net = program.network(features)
    x, y = program.batches(features, steps=2)[0]
    assert np.isfinite(float(net.compute_loss(x, y, net(x))))
    outputs = net.get_layer("base_network")(x[0] if isinstance(x, tuple) else x)
    similarities = program.similarities(np.asarray(outputs))
    np.testing.assert_allclose(similarities, similarities.T, atol=1e-4)


def test_fixes_bring_those_that_they_need():
    assert posts.with_fixes().fixes == ()
    hinges = posts.with_fixes("a hinge for each").fixes
    assert hinges == ("shape", "both directions", "a hinge for each")
    not_needed = set(NAMES) - set(posts.with_fixes("cosines").fixes)
    assert not_needed == {"metric", "scaling", "margin"}


def test_an_unknown_fix_raises():
    with pytest.raises(errors.ArgumentError, match="'more data'"):
        posts.with_fixes("more data")


def test_the_lines_to_replace_stand_in_the_program():
    source = inspect.getsource(posts.siamese) + inspect.getsource(posts.fixes)
    for fix in posts.FIXES:
        assert fix.posted in source


def test_similarities_are_those_of_the_loss(rng):
    outputs = rng.normal(0.5, 1, size=(4, 6)).astype("float32")
    p, q = (np.clip(outputs[i], 1e-7, 1) for i in (0, 1))
    expected = -np.sum((p - q) * np.log(p / q))
    posted = posts.with_fixes().similarities(outputs)
    assert posted[0, 1] == pytest.approx(expected, rel=1e-4)
    soft = np.asarray(keras.ops.softmax(outputs))
    fixed = posts.with_fixes("softmax").similarities(soft)
    expected = -distances.symmetric_kl(soft[0], soft[1])
    assert fixed[0, 1] == pytest.approx(expected, rel=1e-4)


def test_the_loss_follows_the_fixes(features):
    kinds = {
        "shape": (losses.DistanceHinge, 1.0),
        "margin": (losses.DistanceHinge, 3.0),
        "all pairs": (losses.KLHinge, 1.0),
    }
    for name, (kind, margin) in kinds.items():
        loss = posts.with_fixes(name, units=4).network(features).loss
        assert (type(loss), loss.margin) == (kind, margin)
