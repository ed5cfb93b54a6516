"""The unit tests of what is built on keras.ops pass on Keras' other backends as well.

JAX compiles each operation for each shape, so that a test takes many times as long:
these take more than a minute. Left out are tests of saving, those that run a network
without compiling it, and most of those that differ in a loss or a size only. To run
all of them:

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
LEFT_OUT = (
    "survives_saving or saved_and_loaded "
    "or recorded_logits or logits_of_an_utterance "
    "or a_loss_of_pairs_and_its_gradient or slow_ge2e or slow_triplet or slow_aam "
    "or (a_batch_without_one_kind_of_pair and not ids0-KLHinge) "
    "or (speaker_ids_may_be_large and not KLHinge) "
    "or outputs_are_compared_within_each_batch or eer_over_several_batches "
    "or (padding and not 1-ctc) or learns_to_transcribe or learns_the_labeled_frames "
    "or (a_converted_layer and not 5-3-3) "
    "or (the_reasons_agree_with_keras and not defaults) or finds_layers_in_wrappers "
    "or the_networks_of_siamlab_use_cudnn"
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
    assert passed > 200
