"""What `import siamlab` does and what it leaves for later; real processes."""

import sys

import pytest
from processes import run


def python(program):
    return run(sys.executable, "-c", program)


PAIRS = "import numpy as np, siamlab; siamlab.distances.pairwise_kl(np.eye(2))"
EMBED = """
import numpy as np, siamlab as sl
noise = np.random.default_rng(0).normal(size=16000).astype("float32") / 10
assert sl.encoder().embed(noise, 16000).shape == (128,)
"""


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        (
            "import siamlab",
            "tensorflow keras librosa pandas matplotlib scipy umap numba",
        ),
        (EMBED, "tensorflow keras librosa numba pandas scipy.signal"),
        (PAIRS, "tensorflow keras"),
    ],
    ids=["import", "embed", "distances"],
)
def test_what_needs_no_heavy_package_imports_none_and_no_hook(program, heavy):
    done = python(
        f"import sys; before = list(sys.meta_path)\n{program}\n"
        f"print([name for name in {heavy.split()} if name in sys.modules])\n"
        "print(sys.meta_path == before)"
    )
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


@pytest.mark.slow
def test_the_course_starts_quietly_with_the_same_random_numbers_and_figures():
    program = """
import random, siamlab as sl
sl.course.start(seed=1)
import keras, matplotlib.pyplot as plt, numpy as np, tensorflow as tf, umap
print(random.random(), np.random.rand(), float(keras.random.normal(())))
print(plt.rcParams["axes.spines.top"])
sl.load_model  # registers layers, losses, networks and metrics
known = keras.saving.get_custom_objects()
names = ("Scale", "KLHinge", "SpeakerNet", "EER")
print(all(f"siamlab>{name}" in known for name in names))
"""
    first, second = python(program), python(program)
    assert first.stdout == second.stdout
    assert first.stdout.splitlines()[1:] == ["False", "True"]
    assert first.stderr == ""


@pytest.mark.slow
def test_the_command_line_shows_no_start_up_lines():
    command = [sys.executable, "-m", "siamlab", "doctor", "missing.keras"]
    done = run(*command, "--data", "missing.npz", check=False)
    assert done.stdout == ""
    assert done.stderr.startswith("siamlab: ")
    assert done.stderr.count("\n") == 1


def test_environment_variables_of_the_user_are_kept(monkeypatch):
    names = ("TF_CPU_ALLOCATOR_USE_BFC", "TF_CPU_BFC_MEM_LIMIT_IN_MB")
    monkeypatch.setenv(names[0], "0")
    monkeypatch.delenv(names[1], raising=False)
    done = python(f"import os, siamlab; print(*map(os.environ.get, {names}))")
    used, limit = done.stdout.split()
    assert used == "0"
    assert limit != "None"
