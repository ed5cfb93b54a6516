"""A small TIMIT, for the contract and for its own tests."""

import numpy as np
import pytest
import soundfile

PHONES = "0 2000 h#\n2000 5000 sh\n5000 9000 iy\n9000 9500 pau\n9500 16040 h#\n"
WORDS = "2000 9000 she\n"
TEXT = "0 16000 She had your dark suit.\n"


@pytest.fixture(scope="session")
def a_timit():
    """Write a small TIMIT; libsndfile writes NIST SPHERE as well as RIFF."""
    return write


def write(root, upper=True, form="NIST", speakers=("FCJF0", "MDAC0"), part="train"):
    case = str.upper if upper else str.lower
    rng = np.random.default_rng(0)
    for k, speaker in enumerate(speakers):
        folder = root / case(part) / case(f"dr{k + 1}") / case(speaker)
        folder.mkdir(parents=True)
        for sentence in ("sa1", "sx37", "si648"):
            sound = rng.uniform(-0.5, 0.5, 16000)
            path = folder / case(f"{sentence}.wav")
            soundfile.write(path, sound, 16000, format=form, subtype="PCM_16")
            (folder / case(f"{sentence}.phn")).write_text(PHONES)
            (folder / case(f"{sentence}.wrd")).write_text(WORDS)
            (folder / case(f"{sentence}.txt")).write_text(TEXT)
    return root
