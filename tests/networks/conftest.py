import numpy as np
import pandas as pd
import pytest

import siamlab as sl


@pytest.fixture
def features(rng):
    """Four speakers with five utterances each; a speaker has one spectral shape."""
    shapes = rng.normal(-50, 12, size=(4, 8))
    arrays = [
        (shapes[i // 5] + rng.normal(0, 6, size=(60, 8))).astype(np.float32)
        for i in range(20)
    ]
    table = pd.DataFrame({"speaker": [f"s{i // 5}" for i in range(20)]})
    return sl.Features(arrays, table)
