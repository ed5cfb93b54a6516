"""Extraction and embedding on a Dask cluster whose workers are killed."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import siamlab as sl
from siamlab import errors
from siamlab.features import cluster as cluster_module
from siamlab.features import shards

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow  # processes of workers start and are killed
SPECTROGRAM = sl.Spectrogram(n_mels=20)


@pytest.fixture(scope="module")
def cluster():
    """Two workers with a process each; they take seconds to start."""
    settings = {"dashboard_address": None, "memory_limit": None}
    # By default, Dask gives up after four workers have died over the same job.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(2, threads_per_worker=1, **settings) as cluster,
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


def assert_nothing_is_lost_or_doubled(features, corpus):
    good = corpus.select(np.delete(np.arange(12), 5))
    pd.testing.assert_frame_equal(features.table, good.table)
    assert features.rejected.path.tolist() == [corpus.table.path[5]]
    for frames, recording in zip(features, good, strict=True):
        np.testing.assert_allclose(frames, SPECTROGRAM(*recording), atol=0.00501)


def test_a_cluster_makes_the_same_shards_as_one_machine(
    cache, client, recordings, extract, contents, capsys
):
    features = extract(recordings, client=client)
    assert capsys.readouterr().err.count("1 of 12 recordings rejected") == 1
    assert_nothing_is_lost_or_doubled(features, recordings)
    before = contents()
    extract(recordings)
    assert contents() == before
    # Without a folder, the shards are in the cache.
    features = sl.extract(recordings, SPECTROGRAM, client=client)
    assert_nothing_is_lost_or_doubled(features, recordings)
    assert cache / "shards" in features.folder.parents


def slow_down():
    """Make each recording take longer to read; run in a worker."""
    from siamlab import audio

    blocks = audio.blocks

    def slow_blocks(path, **part):
        time.sleep(0.1)
        return blocks(path, **part)

    audio.blocks = slow_blocks


def test_a_killed_worker_loses_only_the_shard_it_was_making(
    cache, client, recordings, folder, extract, contents
):
    client.run(slow_down)

    def kill_a_worker():
        while len(list(folder.glob("*.json"))) < 3:  # corpus.json and two shards
            time.sleep(0.002)
        complete = {path.with_suffix(".npy") for path in folder.glob("0*.json")}
        before = {path: each for path, each in contents().items() if path in complete}
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        return before

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill_a_worker)
        features = extract(recordings, client=client)
        before = killer.result()
    assert_nothing_is_lost_or_doubled(features, recordings)
    assert len(before) >= 2
    assert before.items() < contents().items()


def run(function, jobs, client):
    return cluster_module.run_jobs(function, 5, jobs, [1] * 1000, "jobs", client)


def wait(shared, number):
    time.sleep(0.05)
    return 1 / (shared - number)


def test_only_a_few_jobs_are_prepared_and_the_rest_is_cancelled(client):
    prepared = []
    many = (prepared.append(i) or i for i in range(1000))
    with pytest.raises(ZeroDivisionError):
        run(wait, many, client)
    assert len(prepared) < 100
    time.sleep(1)
    assert not [f for f in client.futures.values() if f.status == "pending"]


def kill_itself(*job):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_job_that_kills_its_workers_is_named(client):
    with pytest.raises(errors.WorkerError, match=r"kill_itself.* 2 different workers"):
        run(kill_itself, [0], client)


def test_a_cluster_that_is_gone_is_named(cluster):
    client = distributed.Client(cluster, set_as_default=False)

    def prepare():
        yield from (1, 2)
        client.close()

    with pytest.raises(errors.WorkerError, match=r"cluster failed: .* to resume"):
        run(wait, prepare(), client)


def test_a_client_must_be_of_dask(cache, recordings):
    with pytest.raises(errors.ArgumentError, match=r"distributed.Client .* got 'tcp"):
        sl.extract(recordings, client="tcp://scheduler:8786")


def test_a_worker_needs_the_same_siamlab(client, monkeypatch):
    monkeypatch.setattr(cluster_module, "__version__", "0.0.1")
    with pytest.raises(errors.WorkerError, match=r"tcp://.* siamlab 0.0.1; got '\d"):
        run(wait, [1], client)


def test_a_folder_must_be_visible_to_the_workers(folder):
    with pytest.raises(errors.WorkerError, match=r"cannot access .*on all machines"):
        shards.make_shard(SPECTROGRAM, (folder / "00000.npy", []))


def test_an_encoder_embeds_on_a_cluster(cache, client, folder):
    corpus = sl.corpora.voices(n_speakers=2, n_utterances=3)
    features = sl.extract(corpus, sl.encoder().spectrogram, folder=folder)
    expected = sl.embed(corpus)
    for given, rows in ((corpus, slice(None)), (features.select([5, 2]), [5, 2])):
        found = sl.embed(given, client=client)
        np.testing.assert_allclose(found, expected[rows], atol=2e-4)
        assert found.speakers.tolist() == expected.speakers[rows].tolist()


def test_a_keras_network_embeds_on_a_cluster(client, rng):
    encoder = sl.networks.blstm_encoder(n_frames=10, n_mels=6, units=5, output_dim=4)
    utterances = [rng.normal(size=(n, 6)).astype(np.float32) for n in (35, 10, 94, 4)]
    # One piece, so that only one worker starts TensorFlow.
    found = sl.embed(encoder, utterances, client=client)
    np.testing.assert_allclose(found, sl.embed(encoder, utterances), atol=1e-6)
