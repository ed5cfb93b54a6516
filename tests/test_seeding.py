"""Each test starts from the same random state."""

import random

import keras
import numpy as np
import pytest

_first: list[tuple] = []


@pytest.mark.parametrize("repetition", range(2))
def test_each_test_draws_the_same_numbers(repetition):
    drawn = (
        random.random(),
        np.random.random(),  # noqa: NPY002 - the global state is the subject
        float(keras.random.normal(())),
    )
    _first.append(drawn)
    assert drawn == _first[0]
