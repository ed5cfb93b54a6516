"""Fixtures for all tests.

- `seed` (for every test): seeds Python, NumPy and Keras.
- `rng`: a seeded generator.
- `features`: spectrograms of four speakers.
- `labeled_embeddings`: embeddings of four speakers, and their names.
- `cache`: an empty cache for one test; all others share one for the run.
- `data`: a folder of real recordings.
- `a_timit`: writes a small corpus in TIMIT's layout.
- `a_folder_of_voices`: writes recordings, a folder for each speaker.
- `browser_path`: the program file of a browser.
- `browser`: that browser, without a window.
- `in_a_process`: runs a program in a process, with another backend or cache.

A test whose recordings or browser are missing is skipped. With
``SIAMLAB_REQUIRE_DATA=1`` or ``SIAMLAB_REQUIRE_BROWSER=1`` it fails instead.
"""

import os
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from processes import run

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


# The files of these take longest.
_FIRST = "backends", "browser", "doctor", "notebooks", "cli", "training"


def pytest_collection_modifyitems(items):
    """Mark tests by what they need: ``-m "not browser"`` leaves those out.

    Long files come first, so that two processes end at nearly the same time.
    """
    items.sort(key=lambda item: item.path.parent.name not in _FIRST)
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "data" in names:
            item.add_marker(pytest.mark.data)
        if "browser_path" in names:
            item.add_marker(pytest.mark.browser)


def missing(what, switch):
    """Skip the test, or fail if the switch is set to 1."""
    if os.environ.get(switch) == "1":
        pytest.fail(f"{what} ({switch}=1)", pytrace=False)
    pytest.skip(what)


def _seed_everything():
    random.seed(20)
    np.random.seed(20)  # noqa: NPY002 - libraries may still use the global state
    # A test without Keras does not wait for its import. Keras imported later seeds
    # itself from Python's generator.
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(20)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """Seed what tests share, whichever of them comes first."""
    if fixturedef.scope != "function":
        _seed_everything()


@pytest.fixture(autouse=True)
def seed():
    """Seed Python, NumPy and Keras, so that each run draws the same numbers."""
    _seed_everything()


@pytest.fixture
def rng():
    """A generator that draws the same numbers in each run."""
    return np.random.default_rng(20)


@pytest.fixture
def features(rng):
    """Four speakers with five utterances each; a speaker has one spectral shape."""
    import pandas as pd

    import siamlab as sl

    speakers = np.arange(20) // 5
    arrays = rng.normal(-50, 12, (4, 1, 8))[speakers] + rng.normal(0, 6, (20, 60, 8))
    return sl.Features([*arrays.astype("f4")], pd.DataFrame({"speaker": speakers}))


@pytest.fixture
def labeled_embeddings(rng):
    """Four speakers with ten utterances each, far apart."""
    centers = 10 * np.eye(4, 8).repeat(10, axis=0)
    return centers + rng.normal(size=(40, 8)), np.array(list("abcd")).repeat(10)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, for this test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SIAMLAB_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def data():
    """The folder that holds ``librispeech-mini`` and ``fsdd-mini``."""
    chosen = os.environ.get("SIAMLAB_TEST_DATA")
    folder = Path(chosen) if chosen else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        missing(
            f"no recordings at {folder}; SIAMLAB_TEST_DATA names another folder",
            "SIAMLAB_REQUIRE_DATA",
        )
    return folder


@pytest.fixture(scope="session")
def a_folder_of_voices():
    """Write some of the synthetic voices to ROOT/SPEAKER/NUMBER.wav; gives the root."""
    return _folder_of_voices


def _folder_of_voices(root, speakers, utterances):
    import siamlab as sl

    corpus = sl.corpora.voices(n_speakers=speakers, n_utterances=utterances)
    for i, speaker in enumerate(corpus.table.speaker):
        (root / speaker).mkdir(exist_ok=True)
        soundfile.write(root / speaker / f"{i}.wav", *corpus[i])
    return root


@pytest.fixture(scope="session")
def in_a_process():
    """Run a program with arguments and environment variables; returns its output."""
    return _in_a_process


def _in_a_process(program, *arguments, **environment):
    environment = os.environ | environment
    return run(sys.executable, "-c", program, *arguments, env=environment).stdout


@pytest.fixture(scope="session")
def browser_path():
    """The program file of a Chromium or a Chrome."""
    chosen = os.environ.get("SIAMLAB_BROWSER")
    for name in (chosen,) if chosen else BROWSERS:
        if found := shutil.which(name):
            return found
    missing(
        f"no browser found as {chosen or 'chromium or google-chrome'}; "
        "SIAMLAB_BROWSER names one",
        "SIAMLAB_REQUIRE_BROWSER",
    )


@pytest.fixture(scope="session")
def browser(browser_path):
    """A browser without a window."""
    import jupyter_pages  # only here, because Playwright is an extra

    with jupyter_pages.chromium(browser_path) as browser:
        yield browser


_PHONES = "0 2000 h#\n2000 5000 sh\n5000 9000 iy\n9000 9500 pau\n9500 16040 h#\n"
_WORDS = "2000 9000 she\n"
_TEXT = "0 16000 She had your dark suit.\n"


@pytest.fixture(scope="session")
def a_timit():
    """Write a small TIMIT; libsndfile writes NIST SPHERE as well as RIFF."""
    return _write_timit


def _write_timit(
    root, upper=True, form="NIST", speakers=("FCJF0", "MDAC0"), part="train"
):
    case = str.upper if upper else str.lower
    rng = np.random.default_rng(0)
    for k, speaker in enumerate(speakers):
        folder = root / case(part) / case(f"dr{k + 1}") / case(speaker)
        folder.mkdir(parents=True)
        for sentence in ("sa1", "sx37", "si648"):
            sound = rng.uniform(-0.5, 0.5, 16000)
            path = folder / case(f"{sentence}.wav")
            soundfile.write(path, sound, 16000, format=form, subtype="PCM_16")
            (folder / case(f"{sentence}.phn")).write_text(_PHONES)
            (folder / case(f"{sentence}.wrd")).write_text(_WORDS)
            (folder / case(f"{sentence}.txt")).write_text(_TEXT)
    return root
