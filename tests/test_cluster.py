"""Work on a cluster: two workers, killed as clusters kill them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import soundfile

import siamlab as sl
from siamlab import errors, parallel
from siamlab.features import plan, sharding, shards

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

SPECTROGRAM = sl.Spectrogram(n_mels=20)
SHARD_BYTES = 8000


@pytest.fixture(scope="module")
def cluster():
    """Two workers with a process each: they take seconds to start."""
    # A piece of work may cost two workers, where Dask's own limit is four.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=None,
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def recordings(tmp_path, rng):
    """Thirty recordings of three speakers, of which one is none."""
    for i in range(30):
        path = tmp_path / "corpus" / "abc"[i // 10] / f"{i:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.uniform(-0.5, 0.5, 8000 + 800 * i), 16000)
    corpus = sl.corpora.folder(tmp_path / "corpus")
    os.truncate(corpus.table.path[13], 20)
    return sl.corpora.folder(tmp_path / "corpus")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shards"


def sharded(corpus, folder, **others):
    return sl.extract(
        corpus, SPECTROGRAM, folder=folder, shard_bytes=SHARD_BYTES, **others
    )


def contents(folder):
    """Bytes and time of change of each shard."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.glob("*.npy")
    }


def check_nothing_lost_or_doubled(features, corpus):
    assert features.table.path.tolist() == corpus.table.path.drop(13).tolist()
    assert features.rejected.path.tolist() == [corpus.table.path[13]]
    for row in range(0, len(corpus), 7):
        place = row - (row > 13)
        expected = SPECTROGRAM(*corpus[row])
        np.testing.assert_allclose(features[place], expected, atol=0.00501)
    written = [
        shards.about(path)["lengths"]
        for path in sorted(features_folder(features).glob("*.npy"))
    ]
    assert sum(map(len, written)) == len(corpus)
    frames = [n for lengths in written for n in lengths if n >= 0]
    assert frames == features.lengths.tolist()


def features_folder(features):
    return features._arrays._folder


def test_a_cluster_makes_what_the_cores_here_make(
    cache, client, recordings, folder, capsys
):
    found = sharded(recordings, folder, client=client)
    assert capsys.readouterr().err.count("1 of 30 recordings rejected") == 1
    check_nothing_lost_or_doubled(found, recordings)
    expected = sharded(recordings, folder.with_name("here"))
    pd.testing.assert_frame_equal(found.table, expected.table)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    before = contents(folder)
    # Another cluster, or none, finds all of it.
    sharded(recordings, folder)
    assert contents(folder) == before


def test_without_a_folder_shards_lie_in_the_cache(cache, client, recordings):
    found = sl.extract(recordings, SPECTROGRAM, client=client)
    check_nothing_lost_or_doubled(found, recordings)
    assert cache / "shards" in features_folder(found).parents


def test_a_worker_that_is_killed_costs_the_shard_it_was_at(
    cache, client, recordings, folder
):
    made = plan.Plan(recordings, SPECTROGRAM, SHARD_BYTES)
    there, killed = {}, []
    client.run(slow_down)

    def kill():
        # As soon as a third is there.
        while len(list(folder.glob("*.npy"))) < len(made) // 3:
            time.sleep(0.002)
        there.update(contents(folder))
        killed.extend(client.run(os.getpid).values())
        os.kill(killed[0], signal.SIGKILL)
        assert not (folder / "manifest.json").exists()

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill)
        features = sharded(recordings, folder, client=client)
        killer.result()
    check_nothing_lost_or_doubled(features, recordings)
    after = contents(folder)
    # What was there when it died was not made a second time.
    assert len(made) // 3 <= len(there) < len(made)
    assert all(after[name] == content for name, content in there.items())
    assert not list(folder.glob("*.part"))
    client.wait_for_workers(2)
    assert killed[0] not in client.run(os.getpid).values()
    client.run(slow_down, 0.0)


def slow_down(seconds=0.05):
    """In a worker: from now on, each recording takes longer to read."""
    from siamlab import audio

    read = getattr(audio.read, "quick", audio.read)

    def slowly(path, **stretch):
        time.sleep(seconds)
        return read(path, **stretch)

    slowly.quick = read
    audio.read = slowly


PROGRAM = """
import sys, time
import distributed
import siamlab as sl
from siamlab import audio

def slow():
    read = audio.read
    def slowly(path, **stretch):
        time.sleep(0.1)
        return read(path, **stretch)
    audio.read = slowly

def extract(client):
    sl.extract(
        sl.corpora.folder(sys.argv[1]),
        sl.Spectrogram(bands=20),
        client=client,
        folder=sys.argv[2],
        shard_bytes=8000,
    )

if __name__ == "__main__":
    if sys.argv[3] == "here":
        slow()
        extract(None)
    else:
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address=None, memory_limit=None
        ) as cluster, distributed.Client(cluster) as client:
            client.run(slow)
            extract(client)
"""


@pytest.mark.slow
def test_everything_killed_twice_goes_on_with_other_workers(
    cache, client, recordings, folder, tmp_path
):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    root = os.path.dirname(os.path.dirname(recordings.table.path[0]))
    before = {}
    for where, stop in (("cluster", 3), ("here", 6)):
        with subprocess.Popen(
            [sys.executable, str(program), root, str(folder), where],
            start_new_session=True,  # its workers die with it
            stderr=subprocess.DEVNULL,
        ) as process:
            while len(list(folder.glob("*.npy"))) < stop:
                assert process.poll() is None
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
        after = contents(folder)
        assert len(after) < len(plan.Plan(recordings, SPECTROGRAM, SHARD_BYTES))
        assert not (folder / "manifest.json").exists()
        assert all(after[name] == content for name, content in before.items())
        before = after
    features = sharded(recordings, folder, client=client)
    check_nothing_lost_or_doubled(features, recordings)
    after = contents(folder)
    assert all(after[name] == content for name, content in before.items())
    expected = sharded(recordings, tmp_path / "at once")
    for a, b in zip(features, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def die(*job):
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_die_over_the_same_piece_are_named(client):
    with pytest.raises(errors.WorkerError, match=r"2 workers died over .*\(0,\)"):
        list(parallel.results(die, [(0,)], client=client))


def test_strict_raises_on_a_cluster_too(cache, client, recordings, folder):
    with pytest.raises(errors.AudioError, match=r"13\.wav"):
        sharded(recordings, folder, client=client, strict=True)
    assert not (folder / "manifest.json").exists()
    assert len(sharded(recordings, folder, client=client)) == 29


def wait_and_return(number):
    time.sleep(0.05)
    return number


def test_only_a_few_pieces_wait_at_a_time(client):
    asked = []
    jobs = ((asked.append(i) or i,) for i in range(10**9))
    done = parallel.results(wait_and_return, jobs, client=client)
    found = [next(done) for _ in range(6)]
    assert all(number == result for number, result in found)
    assert len(asked) < 20
    # What is queued goes with who asked for it: so does Ctrl-C end it.
    done.close()
    deadline = time.monotonic() + 10
    while client.futures and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not client.futures


def test_a_cluster_that_is_gone_is_named(cluster):
    client = distributed.Client(cluster, set_as_default=False)
    done = parallel.results(
        wait_and_return, ((i,) for i in range(10**9)), client=client
    )
    next(done)
    client.close()
    with pytest.raises(errors.WorkerError, match="cluster is gone"):
        list(done)


def test_what_is_no_client_is_named(recordings, folder):
    with pytest.raises(errors.ArgumentError, match=r"distributed.Client .* got 'tcp"):
        sharded(recordings, folder, client="tcp://scheduler:8786")


def test_without_dask_the_message_says_how_to_get_it(recordings, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(errors.SiamlabError, match=r'pip install "siamlab\[cluster\]"'):
        sharded(recordings, folder, client=object())


def test_a_worker_that_does_not_see_the_folder_is_named(recordings, folder):
    made = plan.Plan(recordings, SPECTROGRAM, SHARD_BYTES)
    job = (made.name, 0, made[0], False)
    with pytest.raises(errors.WorkerError, match=r"sees no shards in .*all machines"):
        sharding.make(SPECTROGRAM, folder, *job)
    sl.extract(recordings, folder=folder)
    with pytest.raises(errors.WorkerError, match="sees other shards in"):
        sharding.make(SPECTROGRAM, folder, *job)


def test_a_folder_that_only_workers_see_is_named(folder, monkeypatch):
    folder.mkdir()
    monkeypatch.setattr(sharding, "_PATIENCE_S", 0.3)
    with pytest.raises(errors.WorkerError, match=r"00000.npy, which is not there on"):
        sharding._wait_for(folder / plan.file(0))


def test_another_siamlab_on_a_worker_is_named(client, monkeypatch):
    monkeypatch.setattr(parallel, "__version__", "0.0.1")
    with pytest.raises(errors.WorkerError, match=r"here it is 0.0.1. Install the same"):
        list(parallel.results(pow, [(2, 3)], client=client))


def test_a_worker_without_siamlab_is_named(client, monkeypatch):
    monkeypatch.setattr(parallel, "_PROBE", "__import__('no_siamlab')")
    with pytest.raises(
        errors.WorkerError, match=r"tcp://.* has no no_siamlab; install"
    ):
        list(parallel.results(pow, [(2, 3)], client=client))


def imports_what_is_missing():
    import no_such_reader  # noqa: F401


def test_a_worker_that_lacks_a_package_is_named(client):
    with pytest.raises(errors.WorkerError, match="cannot import no_such_reader"):
        list(parallel.results(imports_what_is_missing, [()], client=client))


@pytest.fixture
def embedded():
    """A corpus of the embedded voices, as shards are made of it, and its rows."""
    corpus = sl.corpora.voices(n_speakers=3, n_utterances=4)
    return corpus, sl.embed(corpus)


def test_an_encoder_embeds_on_a_cluster(cache, client, embedded, folder):
    corpus, expected = embedded
    spectrogram = sl.encoder().spectrogram
    features = sl.extract(corpus, spectrogram, folder=folder, shard_bytes=10**5)
    assert len(list(folder.glob("*.npy"))) > 3
    for given in (corpus, features, features.select([7, 2, 5]), sl.extract(corpus)):
        found = sl.embed(given, client=client)
        rows = [7, 2, 5] if len(found) == 3 else slice(None)
        np.testing.assert_allclose(found, expected[rows], atol=2e-4)
        here = sl.embed(features) if given is corpus else sl.embed(given)
        np.testing.assert_allclose(found, here, atol=1e-6)
        assert found.speakers.tolist() == expected.speakers[rows].tolist()


@pytest.mark.slow
def test_a_keras_network_embeds_on_a_cluster(client, rng):
    import keras

    keras.utils.set_random_seed(1)
    base = sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=5, output_dim=4)
    net = sl.networks.SpeakerNet(base)
    utterances = [rng.normal(size=(n, 6)).astype(np.float32) for n in (35, 10, 94, 4)]
    # One piece, so that TensorFlow starts on one worker only.
    found = sl.embed(net, utterances, client=client)
    np.testing.assert_allclose(found, sl.embed(net, utterances), atol=1e-6)
    with pytest.raises(errors.ArgumentError, match=r"utterance 4 has shape \(30, 5\)"):
        sl.embed(net, [*utterances, np.zeros((30, 5))], client=client)


def test_rows_that_are_kept_are_not_computed_again(embedded, tmp_path, monkeypatch):
    corpus, expected = embedded
    features = sl.extract(corpus)
    monkeypatch.setattr(sl.features.arrays, "_PIECE_BYTES", 3 * 10**5)
    folder = tmp_path / "rows"
    calls = []
    forward = sl.embeddings.Encoder.__call__

    def interrupted(self, x):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(len(x))
        return forward(self, x)

    with monkeypatch.context() as patch:
        patch.setattr(sl.embeddings.Encoder, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sl.embed(features, folder=folder)
        assert len(list(folder.rglob("*.npy"))) == 3
        calls.clear()
        patch.setattr(
            sl.embeddings.Encoder,
            "__call__",
            lambda self, x: calls.append(len(x)) or forward(self, x),
        )
        found = sl.embed(features, folder=folder)
        pieces = len(list(features.arrays.pieces()))
        assert len(calls) == pieces - 3
        np.testing.assert_allclose(found, expected, atol=1e-6)
        # Another network, or other frames, are other rows.
        np.testing.assert_array_equal(sl.embed(features, folder=folder), found)
        assert len(calls) == pieces - 3
        sl.embed(features.map(lambda x: x - 1), folder=folder)
        assert len(calls) == 2 * pieces - 3
        sl.embed(features, folder=folder, hop_frames=70)
        assert len(calls) == 3 * pieces - 3
