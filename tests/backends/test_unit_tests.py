"""The unit tests of what is built on keras.ops pass on Keras' other backends as well.

JAX compiles each operation for each shape, so that a test takes many times as long:
these take two minutes. Left out are tests of saving, those that run a network without
compiling it, and the slowest ones of the losses and of CTC. To run them:

    KERAS_BACKEND=jax python -m pytest tests/networks
"""

import os
import sys
from pathlib import Path

import pytest
from processes import QUICK_XLA, run

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "tests/test_distances.py",
    "tests/layers/test_layers.py",
    "tests/losses/test_losses.py",
    "tests/metrics/test_keras_metrics.py",
    "tests/networks/test_phone_recognition.py",
    "tests/test_scaling.py",
    "tests/training/test_cudnn.py",
    "tests/training/test_old_weights.py",
)
# One of five losses that are compared with a loop over all pairs is enough.
LEFT_OUT = (
    "(a_loss_of_pairs_and_its_gradient and not contrastive1) "
    "or survives_saving or saved_and_loaded or slow_ge2e "
    "or recorded_logits or logits_of_an_utterance or (padding and 3-) "
    "or learns_to_transcribe"
)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_they_pass(backend):
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    chosen = ["-k", f"not ({LEFT_OUT})", *FILES]
    settings = os.environ | {"KERAS_BACKEND": backend, "XLA_FLAGS": QUICK_XLA}
    done = run(*command, *chosen, cwd=ROOT, env=settings)
    passed = int(done.stdout.rsplit(" passed", 1)[0].split()[-1])
    assert passed > 250
