"""Recordings and shards for the tests of this folder."""

import pytest
from sound_folders import Tree

import siamlab as sl


@pytest.fixture
def recordings(tmp_path):
    """Twelve recordings of three speakers, 0.5 to 1.05 s of noise, as a corpus."""
    tree = Tree(tmp_path / "corpus")
    for i in range(12):
        tree.sound(f"{'abc'[i // 4]}/{i:02d}.wav", seconds=0.5 + 0.05 * i)
    return sl.corpora.folder(tree.root)


@pytest.fixture
def folder(tmp_path):
    """A folder for shards, which does not exist yet."""
    return tmp_path / "shards"


@pytest.fixture
def storage(folder):
    """Where to extract to: by default into shards of two or three utterances."""
    return {"folder": folder, "shard_bytes": 8000}


@pytest.fixture
def extract(storage):
    """Extract 20 mel bands of a corpus."""
    return lambda corpus, **arguments: sl.extract(
        corpus, sl.Spectrogram(n_mels=20), **storage | arguments
    )


@pytest.fixture
def contents(tmp_path):
    """Bytes and modification time of each stored array, when called."""
    return lambda: {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(tmp_path.rglob("*.npy"))
    }
