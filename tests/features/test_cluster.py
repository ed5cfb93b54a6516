"""Extraction and embedding on a Dask cluster whose workers are killed."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import siamlab as sl
from siamlab import errors
from siamlab.embeddings import pieces
from siamlab.features import jobs, shards

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

SPECTROGRAM = sl.Spectrogram(n_mels=20)
SHARD_BYTES = 8000


@pytest.fixture(scope="module")
def cluster():
    """Two workers with a process each; they take seconds to start."""
    # By default, Dask gives up after four workers have died over the same job.
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
def recordings(recordings, tmp_path):
    """The corpus of this folder's tests, with one recording that is damaged."""
    os.truncate(recordings.table.path[5], 20)
    return sl.corpora.folder(tmp_path / "corpus")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shards"


def extract(corpus, folder, **arguments):
    return sl.extract(
        corpus, SPECTROGRAM, folder=folder, shard_bytes=SHARD_BYTES, **arguments
    )


def contents(folder):
    """Bytes and modification time of each shard."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.glob("*.npy")
    }


def check_nothing_is_lost_or_doubled(features, corpus):
    good = corpus.select(np.delete(np.arange(12), 5))
    assert features.table.path.tolist() == good.table.path.tolist()
    assert features.rejected.path.tolist() == [corpus.table.path[5]]
    for frames, recording in zip(features, good, strict=True):
        np.testing.assert_allclose(frames, SPECTROGRAM(*recording), atol=0.00501)


def test_a_cluster_makes_the_same_shards_as_one_machine(
    cache, client, recordings, folder, capsys
):
    features = extract(recordings, folder, client=client)
    assert capsys.readouterr().err.count("1 of 12 recordings rejected") == 1
    check_nothing_is_lost_or_doubled(features, recordings)
    expected = extract(recordings, folder.with_name("here"))
    pd.testing.assert_frame_equal(features.table, expected.table)
    for name, (content, _) in contents(folder.with_name("here")).items():
        assert contents(folder)[name][0] == content
    before = contents(folder)
    extract(recordings, folder)
    assert contents(folder) == before
    # Without a folder, the shards are in the cache.
    features = sl.extract(recordings, SPECTROGRAM, client=client)
    check_nothing_is_lost_or_doubled(features, recordings)
    assert cache / "shards" in features.folder.parents


def slow_down(seconds):
    """Make each recording take longer to read; run in a worker."""
    from siamlab import audio

    read = getattr(audio.read, "original", audio.read)

    def slow_read(path, **part):
        time.sleep(seconds)
        return read(path, **part)

    slow_read.original = read
    audio.read = slow_read


def test_a_killed_worker_loses_only_the_shard_it_was_making(
    cache, client, recordings, folder
):
    before, killed = {}, []
    client.run(slow_down, 0.1)

    def kill_a_worker():
        while len(list(folder.glob("*.npy"))) < 2:
            time.sleep(0.002)
        before.update(contents(folder))
        killed.extend(client.run(os.getpid).values())
        os.kill(killed[0], signal.SIGKILL)
        assert not (folder / "manifest.json").exists()

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill_a_worker)
        features = extract(recordings, folder, client=client)
        killer.result()
    check_nothing_is_lost_or_doubled(features, recordings)
    after = contents(folder)
    assert before.items() <= after.items()
    assert len(before) < len(after)
    assert not list(folder.glob("*.part"))
    client.wait_for_workers(2)
    client.run(slow_down, 0.0)


PROGRAM = """
import sys, time
import distributed
import siamlab as sl
from siamlab import audio

def slow_down():
    read = audio.read
    def slow_read(path, **part):
        time.sleep(0.15)
        return read(path, **part)
    audio.read = slow_read

def extract(client):
    sl.extract(
        sl.corpora.folder(sys.argv[1]),
        sl.Spectrogram(n_mels=20),
        client=client,
        folder=sys.argv[2],
        shard_bytes=8000,
    )

if __name__ == "__main__":
    if sys.argv[3] == "threads":
        slow_down()
        extract(None)
    else:
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address=None, memory_limit=None
        ) as cluster, distributed.Client(cluster) as client:
            client.run(slow_down)
            extract(client)
"""


@pytest.mark.slow
def test_an_extraction_that_was_killed_twice_is_resumed_by_other_workers(
    cache, client, recordings, folder, tmp_path
):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    before = {}
    for where, n_shards in (("cluster", 1), ("threads", 3)):
        with subprocess.Popen(
            [sys.executable, program, tmp_path / "corpus", folder, where],
            start_new_session=True,  # so that its workers are killed with it
            stderr=subprocess.DEVNULL,
        ) as process:
            while len(list(folder.glob("*.npy"))) < n_shards:
                assert process.poll() is None
                time.sleep(0.005)
            os.killpg(process.pid, signal.SIGKILL)
        after = contents(folder)
        assert not (folder / "manifest.json").exists()
        assert before.items() <= after.items()
        # The last shard may lack its index; then it is made again.
        complete = [path.with_suffix(".npy").name for path in folder.glob("0*.json")]
        before = {name: after[name] for name in complete}
    features = extract(recordings, folder, client=client)
    check_nothing_is_lost_or_doubled(features, recordings)
    assert before.items() <= contents(folder).items()


def test_strict_raises_on_a_cluster(cache, client, recordings, folder):
    with pytest.raises(errors.AudioError, match=r"05\.wav"):
        extract(recordings, folder, client=client, strict=True)
    assert not (folder / "manifest.json").exists()


def wait(shared, number):
    time.sleep(0.05)
    return number + shared


@pytest.mark.parametrize("on_cluster", [True, False])
def test_only_a_few_jobs_are_prepared_at_a_time(client, on_cluster):
    prepared = []
    many = ((prepared.append(i) or i,) for i in range(10**9))
    where = {"client": client} if on_cluster else {"n_jobs": 2}
    work = jobs.run_jobs(wait, many, shared=5, **where)
    results = [next(work) for _ in range(6)]
    assert all(index + 5 == result for index, result in results)
    assert len(prepared) < 30
    # An error or Ctrl-C closes the generator: what was submitted is cancelled.
    work.close()
    n_prepared, deadline = len(prepared), time.monotonic() + 10
    while client.futures and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not client.futures
    assert len(prepared) == n_prepared


def kill_itself(*job):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_job_that_kills_its_workers_is_named(client):
    work = jobs.run_jobs(kill_itself, [(0,)], shared=None, client=client)
    with pytest.raises(errors.WorkerError, match=r"2 workers died .* on \(0,\)"):
        list(work)


def test_a_closed_client_is_named(cluster):
    client = distributed.Client(cluster, set_as_default=False)
    many = ((i,) for i in range(10**9))
    work = jobs.run_jobs(wait, many, shared=0, client=client)
    next(work)
    client.close()
    with pytest.raises(errors.WorkerError, match="cluster is gone"):
        list(work)


def test_wrong_clients_and_numbers_of_jobs_are_refused(recordings, folder, monkeypatch):
    with pytest.raises(errors.ArgumentError, match=r"distributed.Client .* got 'tcp"):
        extract(recordings, folder, client="tcp://scheduler:8786")
    with pytest.raises(errors.ArgumentError, match=r"n_jobs must be .* got 0"):
        extract(recordings, folder, n_jobs=0)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(errors.SiamlabError, match=r'pip install "siamlab\[cluster\]"'):
        extract(recordings, folder, client=object())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("__version__", "0.0.1", r"tcp://.* has \d.*; install siamlab 0.0.1"),
        ("_VERSION", "__import__('missing')", r"tcp://.* has no siamlab; install"),
    ],
)
def test_a_worker_needs_the_same_siamlab(client, monkeypatch, name, value, message):
    monkeypatch.setattr(jobs, name, value)
    with pytest.raises(errors.WorkerError, match=message):
        jobs.run_jobs(wait, [(1,)], shared=0, client=client)


def test_a_folder_must_be_visible_on_all_machines(recordings, folder, monkeypatch):
    make = (SPECTROGRAM, folder, "some key", 0, [], False)
    with pytest.raises(errors.WorkerError, match=r"sees no shards .*all machines"):
        shards.make_shard(*make)
    extract(recordings, folder)
    with pytest.raises(errors.WorkerError, match="sees other shards in"):
        shards.make_shard(*make)
    monkeypatch.setattr(shards, "_PATIENCE_S", 0.1)
    with pytest.raises(errors.WorkerError, match=r"9.npy, which does not exist on"):
        shards._wait_for(folder / "9.npy")


def test_an_encoder_embeds_on_a_cluster(cache, client, folder):
    corpus = sl.corpora.voices(n_speakers=3, n_utterances=4)
    expected = sl.embed(corpus)
    spectrogram = sl.encoder().spectrogram
    in_shards = sl.extract(corpus, spectrogram, folder=folder, shard_bytes=10**5)
    for given in (corpus, in_shards, in_shards.select([7, 2, 5]), sl.extract(corpus)):
        found = sl.embed(given, client=client)
        rows = [7, 2, 5] if len(found) == 3 else slice(None)
        np.testing.assert_allclose(found, expected[rows], atol=2e-4)
        assert found.speakers.tolist() == expected.speakers[rows].tolist()


@pytest.mark.slow
def test_a_keras_network_embeds_on_a_cluster(client, rng):
    encoder = sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=5, output_dim=4)
    utterances = [rng.normal(size=(n, 6)).astype(np.float32) for n in (35, 10, 94, 4)]
    # One piece, so that only one worker starts TensorFlow.
    found = sl.embed(encoder, utterances, client=client)
    np.testing.assert_allclose(found, sl.embed(encoder, utterances), atol=1e-6)
    with pytest.raises(errors.ArgumentError, match=r"utterance 4 has shape \(30, 5\)"):
        sl.embed(encoder, [*utterances, np.zeros((30, 5))], client=client)


def test_stored_embeddings_are_not_computed_again(tmp_path, monkeypatch):
    features = sl.extract(sl.corpora.voices(n_speakers=3, n_utterances=4))
    expected = sl.embed(features)
    monkeypatch.setattr(pieces, "_PIECE_BYTES", 3 * 10**5)
    n_pieces = len(pieces.split_by_size(features.lengths * 128 * 4, 3 * 10**5))
    forward, calls, limit = sl.embeddings.Encoder.__call__, [], 3
    assert n_pieces > limit

    def limited(self, x):
        if len(calls) >= limit:
            raise KeyboardInterrupt
        calls.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(sl.embeddings.Encoder, "__call__", limited)
    folder = tmp_path / "embeddings"
    with pytest.raises(KeyboardInterrupt):
        sl.embed(features, folder=folder)
    assert len(list(folder.rglob("*.npy"))) == 3
    limit = 10**6
    found = sl.embed(features, folder=folder)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert len(calls) == n_pieces
    np.testing.assert_array_equal(sl.embed(features, folder=folder), found)
    assert len(calls) == n_pieces
    # Other frames, or other segments, give other embeddings.
    sl.embed(features.map(lambda x: x - 1), folder=folder)
    sl.embed(features, folder=folder, hop_frames=70)
    assert len(calls) == 3 * n_pieces
