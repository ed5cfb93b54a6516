"""What is measured against size: each series in a process of its own.

A series yields, from the smallest size to the largest, the size and its figures:
seconds, the quickest of several runs; bytes of memory, the peak that the process has
come to beyond its imports; bytes and files on disk.
"""

import os
import shutil
import tempfile
import time

import numpy as np
from extraction import corpus_of, rss_mb

# VoxCeleb2: 2,442 hours in 1.1 million utterances.
UTTERANCE_SECONDS = 8.0
_FRAMES = int(UTTERANCE_SECONDS * 100)


def quickest(run, runs=3):
    """Seconds of the quickest run: what disturbs only ever adds."""
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def _memory(before):
    return {"memory": max(rss_mb() - before, 0.1) * 2**20}


def extraction(sizes, data):
    """Recordings that are decoded, of real speech; written into an empty cache."""
    import siamlab as sl

    there = corpus_of(data)
    sl.sampling.SpeakerBatches(sl.extract(there.select([0, -1]), cache=False))
    cache = os.environ["SIAMLAB_CACHE"] = tempfile.mkdtemp()
    try:
        for size in sizes:
            corpus = corpus_of(data, -(-size // len(there))).select(range(size))
            began = time.perf_counter()
            features = sl.extract(corpus)
            seconds = time.perf_counter() - began
            # An epoch's steps are counted from the length of each spectrogram.
            look = quickest(lambda f=features: sl.sampling.SpeakerBatches(f), 1)
            disk = _bytes_on_disk(cache)
            shards = os.path.join(cache, "shards")
            sl.extract(corpus, folder=shards)
            sound = float((corpus.table.duration - corpus.table.start).sum())
            yield (
                sound / UTTERANCE_SECONDS,
                {
                    "seconds": seconds,
                    "look": look * sound / UTTERANCE_SECONDS / size,
                    "disk": disk,
                    "shards": _bytes_on_disk(shards),
                    "table": int(corpus.table.memory_usage(deep=True).sum()),
                },
            )
            shutil.rmtree(cache)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _bytes_on_disk(folder):
    return sum(file.stat().st_blocks * 512 for file in _files(folder))


def _files(folder):
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _files(entry.path)
        else:
            yield entry


def drawing(sizes, data):
    """Draw a batch of 256 segments from so many speakers."""
    import siamlab as sl

    for size in sizes:
        features = _features(size * 4, size)
        batches = sl.sampling.SpeakerBatches(features, 32, 8, steps_per_epoch=50)
        yield (
            size,
            {"seconds": quickest(lambda b=batches: [b[i] for i in range(50)]) / 50},
        )


def _features(utterances, speakers):
    """Noise in place of speech, the same for all: only the size matters here."""
    import pandas as pd

    import siamlab as sl

    one = np.random.default_rng(0).normal(size=(_FRAMES, 128)).astype(np.float32)
    names = np.arange(utterances) % speakers
    return sl.Features([one] * utterances, pd.DataFrame({"speaker": names.astype(str)}))


def step(sizes, data):
    """Train the base network for a step of so many segments."""
    from _ways_parts import whole

    yield from _parts(sizes, whole, 2)


def pair_loss(sizes, data):
    """Compute the loss of all pairs of so many outputs, and its gradient."""
    from _ways_parts import loss

    yield from _parts(sizes, loss, 20)


def _parts(sizes, way, steps):
    for size in sizes:
        run = way(size, steps, None).run
        run()
        yield size, {"seconds": quickest(run) / steps}


def embedding(sizes, data):
    """Embed spectrograms by the base network, in segments of 0.4 s."""
    from _ways_training import network

    yield from _embedding(sizes, network())


def encoder(sizes, data):
    """Embed spectrograms by the encoder that comes with siamlab, in NumPy."""
    import siamlab as sl

    yield from _embedding(sizes, sl.encoder())


def _embedding(sizes, net):
    import siamlab as sl

    sl.embed(net, _features(8, 2))
    for size in sizes:
        features = _features(size, 2)
        yield size, {"seconds": quickest(lambda f=features: sl.embed(net, f), 2)}


def _embeddings(size):
    """Ten utterances for each speaker, around its center."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(-(-size // 10), 128)).repeat(10, axis=0)[:size]
    return centers + rng.normal(size=(size, 128)), np.arange(size) // 10


def verification(sizes, data):
    """`metrics.verify` of all pairs, ten resamples."""
    import siamlab as sl

    yield from _of_all(sizes, lambda x, who: sl.metrics.verify(x, who, n_resamples=10))


def clustering(sizes, data):
    """scikit-learn's clustering, the number of speakers known."""
    from sklearn.cluster import AgglomerativeClustering

    yield from _of_all(
        sizes,
        lambda x, who: AgglomerativeClustering(
            int(who[-1]) + 1, metric="cosine", linkage="average"
        ).fit_predict(x),
    )


def umap(sizes, data):
    """`clusters.umap`; sizes at which its neighbors are searched, not compared."""
    import siamlab as sl

    # Below 4,096 points UMAP compares all with all: another line.
    yield from _of_all(sizes, lambda x, who: sl.clusters.umap(x), small=4200)


def _of_all(sizes, run, small=50):
    run(*_embeddings(small))  # imports and compiles
    before = rss_mb()
    for size in sizes:
        given = _embeddings(size)
        seconds = quickest(lambda g=given: run(*g), 1)
        yield size, {"seconds": seconds, **_memory(before)}
