"""Each fix of the siamese program removes its fault from the report."""

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab.doctor import examine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def features():
    return sl.extract(sl.corpora.voices(n_speakers=8, n_utterances=4))


# Faults that remain after each fix and those before it.
REMAINING = {
    (): "S1 S3 S5 S6 S7 S8 S9 S30",
    ("shape",): "S3 S5 S6 S7 S8 S9 S30",
    ("metric", "scaling", "softmax"): "S8 S9",
    ("metric", "scaling", "softmax", "both directions"): "S9",
    ("metric", "scaling", "softmax", "a hinge for each"): "",
    ("scaling", "cosines"): "",
}


@pytest.mark.parametrize(("fixes", "codes"), REMAINING.items())
def test_each_fix_removes_its_fault(fixes, codes, features):
    keras.utils.set_random_seed(0)
    program = sl.posts.with_fixes(*fixes, units=16)
    report = examine(program.network(features), program.batches(features, steps=1)[0])
    # Whether a margin of 1 is out of scale depends on the random weights.
    assert set(report.codes) - {"S10"} == set(codes.split()), report


def test_networks_of_phones_are_healthy_once_their_input_is_scaled(features):
    symbols = sl.ctc.Vocabulary(
        tuple(sorted({p for t in features.transcripts() for p in t}))
    )
    shortest = features.select(np.argsort([len(x) for x in features])[:4])
    labeled = sl.sampling.phone_labels(shortest, symbols)
    batch = sl.sampling.UtteranceBatches(*labeled, batch_size=4)[0]
    for scaler, codes in (
        (sl.scaling.StandardScaler().fit(features), ()),
        (None, ("C1",)),
    ):
        net = sl.networks.ctc_blstm(symbols, features[0].shape[1], (8,), scaler)
        assert examine(net, batch).codes == codes
