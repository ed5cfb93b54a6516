import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab import errors, sampling


def test_short_arrays_are_repeated(rng):
    short = np.arange(7)[:, None]
    expected = np.tile(np.arange(7), 6)[:40]
    np.testing.assert_array_equal(sampling.segment(short, 40, rng)[:, 0], expected)
    np.testing.assert_array_equal(sampling.segments(short, 40)[0, :, 0], expected)


@given(st.integers(1, 60), st.integers(1, 20), st.one_of(st.none(), st.integers(1, 9)))
def test_segments_equal_the_slow_loop(n, n_frames, hop_frames):
    array = np.arange(2 * n).reshape(n, 2)
    found = sampling.segments(array, n_frames, hop_frames)
    if n < n_frames:
        assert len(found) == 1
        return
    starts = range(0, n - n_frames + 1, hop_frames or n_frames)
    np.testing.assert_array_equal(found, [array[i : i + n_frames] for i in starts])


IMPOSSIBLE = {
    "n_frames must be at least 1; got 0": lambda x, rng: sampling.segments(x, 0),
    "hop_frames must be .* got -1": lambda x, rng: sampling.segments(x, 4, -1),
    r"one frame; got \(0, 3\)": lambda x, rng: sampling.segments(x[:0], 4),
    r"one frame.* \(0, 3\)": lambda x, rng: sampling.segment(x[:0], 4, rng),
}


@pytest.mark.parametrize(("message", "cut"), IMPOSSIBLE.items())
def test_impossible_segments_raise(cut, message, rng):
    with pytest.raises(errors.ArgumentError, match=message):
        cut(np.zeros((20, 3)), rng)
