"""Settings for tests and notebooks, alone or together."""

import os
import shutil
import tempfile

# Threads of TensorFlow, of linear algebra, and of Numba (for UMAP).
THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def pytest_configure(config):
    """Use a cache of this run, and no progress bars.

    The kernels of the notebooks inherit both settings.
    """
    # The times in a bar differ from run to run.
    os.environ["SIAMLAB_PROGRESS"] = "0"
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist uses the folder of its parent
    if getattr(config.option, "numprocesses", None):
        # One thread per process: more would wait for each other.
        for name in THREADS:
            os.environ.setdefault(name, "1")
    config.siamlab_cache = tempfile.mkdtemp(prefix="siamlab-tests-")
    config.siamlab_former_cache = os.environ.get("SIAMLAB_CACHE")
    os.environ["SIAMLAB_CACHE"] = config.siamlab_cache


def pytest_unconfigure(config):
    """Remove the cache of this run."""
    if not hasattr(config, "siamlab_cache"):
        return
    shutil.rmtree(config.siamlab_cache, ignore_errors=True)
    if config.siamlab_former_cache is None:
        os.environ.pop("SIAMLAB_CACHE", None)
    else:
        os.environ["SIAMLAB_CACHE"] = config.siamlab_former_cache
