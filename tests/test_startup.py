"""What `import siamlab` does and what it leaves for later, in real processes."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import siamlab


def python(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )


def test_importing_siamlab_loads_nothing_heavy():
    done = python(
        "import sys, siamlab\n"
        "heavy = 'tensorflow keras librosa pandas matplotlib scipy umap numba'\n"
        "print([name for name in heavy.split() if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "program",
    [
        "import siamlab; siamlab.networks.blstm_encoder(units=2)",
        "import siamlab, tensorflow as tf; tf.zeros(3) + 1",
        "import siamlab, keras; keras.ops.ones(3)",
        "import siamlab, umap; umap.UMAP",
    ],
)
def test_tensorflow_starts_without_a_word(program):
    done = python(program)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
def test_tensorflow_keeps_the_memory_of_a_step():
    program = """
import os, resource, siamlab
os.environ.update({settings})
import keras, numpy as np

class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return np.zeros((512, 20, 64), "float32"), np.zeros((512, 20, 64), "float32")

lstm = [keras.layers.LSTM(64, return_sequences=True) for _ in "ab"]
net = keras.Sequential([keras.Input((20, 64)), *lstm])
net.compile(loss="mse")
batches = Batches()
net.fit(batches, verbose=0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
net.fit(batches, verbose=0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    theirs = {"TF_CPU_ALLOCATOR_USE_BFC": "0"}  # a person's own setting comes first
    ours, without = (
        int(python(program.replace("{settings}", repr(settings))).stdout)
        for settings in ({}, theirs)
    )
    assert ours < without / 4


def test_errors_of_an_import_are_still_seen():
    program = """
import sys, types, siamlab
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            raise ImportError("no such library")
sys.meta_path.insert(1, Broken())
try:
    import tensorflow
except ImportError as error:
    print(error)
"""
    assert python(program).stdout == "no such library\n"


def test_the_finder_steps_aside_once_it_is_done():
    program = """
import sys, siamlab, keras, tensorflow
print(sum("siamlab" in type(f).__module__ for f in sys.meta_path))
print(type(tensorflow.__spec__.loader).__module__.startswith("siamlab"))
print(siamlab.layers.Scale in keras.saving.get_custom_objects().values())
"""
    assert python(program).stdout.split() == ["0", "False", "True"]


def test_a_keras_that_is_there_already_learns_our_classes():
    program = """
import keras, siamlab
print("siamlab>SpeakerNet" in keras.saving.get_custom_objects())
"""
    assert python(program).stdout.split() == ["True"]


def test_every_public_name_is_there():
    for name in dir(siamlab):
        assert getattr(siamlab, name) is not None
    assert set(siamlab.__all__) <= set(dir(siamlab))


MODULES = [
    module.name
    for module in pkgutil.walk_packages(siamlab.__path__, "siamlab.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_what_it_announces(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    import doctest

    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize("name", ["callbacks", "layers", "losses", "embeddings"])
def test_any_module_may_come_first(name):
    # Each brings Keras in, and Keras our classes, while it is half loaded itself.
    program = f"""
import siamlab.{name}, keras
known = keras.saving.get_custom_objects()
print(all(f"siamlab>{{c}}" in known for c in ("Scale", "KLHinge", "SpeakerNet")))
"""
    assert python(program).stdout.split() == ["True"]
