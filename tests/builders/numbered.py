"""Features that tell from where a segment was cut."""

import numpy as np
import pandas as pd

import siamlab as sl


def numbered_features(speakers, lengths=100, **columns):
    """Features whose values are 1000 times their utterance, plus their frame."""
    lengths = np.broadcast_to(lengths, len(speakers))
    arrays = [
        np.tile(np.float32(1000 * i + np.arange(n))[:, None], (1, 4))
        for i, n in enumerate(lengths)
    ]
    return sl.Features(arrays, pd.DataFrame({"speaker": speakers, **columns}))
