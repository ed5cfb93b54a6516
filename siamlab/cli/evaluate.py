"""Measure how well an encoder distinguishes speakers.

Compares all pairs of recordings. Prints the equal error rate with a 95 % confidence
interval over speakers, and the misclassification rate of a clustering with as many
clusters as speakers.

Recordings of one session share not only the speaker, but also the room and the
microphone: --across uses only pairs from different sessions. --randomize-channel gives
each recording a random microphone response with a standard deviation of DB decibels; if
the error rate rises, the encoder relies on the microphone.

example: siamlab evaluate --data LibriSpeech --subset test-other
"""

from ..errors import ArgumentError
from . import _arguments


def add_arguments(parser):
    """Add the arguments of the command."""
    _arguments.add_corpus(parser)
    _arguments.add_encoder(parser)
    parser.add_argument("--across", action="store_true")
    parser.add_argument("--randomize-channel", metavar="DB", type=float)
    parser.add_argument("--seed", type=int, default=0)


def run(arguments):
    """Embed the recordings, compare them, and print the results."""
    import pandas as pd

    from .. import embeddings, features

    seed, range_db = arguments.seed, arguments.randomize_channel
    if not 0 <= seed < 2**31:
        raise ArgumentError(
            f"--seed must be at least 0 and less than 2**31; got {seed}"
        )
    encoder = _arguments.load_encoder(arguments)
    corpus = _arguments.load_corpus(arguments)
    extracted = features.extract(corpus, encoder.spectrogram)
    if range_db:
        extracted = embeddings.randomize_channel(extracted, range_db, seed)
    embedded = embeddings.embed(encoder, extracted)
    sessions = extracted.table["session"] if arguments.across else None
    verification, results = evaluate(
        embedded, extracted.speakers, sessions=sessions, seed=seed
    )
    rejected = pd.concat([corpus.rejected, extracted.rejected])
    n = results["speakers"]
    lines = [
        f"{len(extracted)} recordings of {n} speakers, {len(rejected)} rejected",
        verification,
        f"misclassification rate {results['mr']:.2f} ({n} clusters, average linkage)",
    ]
    summary = {**results, "utterances": len(extracted)}
    _arguments.print_results(arguments, summary, lines, rejected, corpus.skipped)


def evaluate(embeddings, speakers, *, sessions=None, seed=0):
    """Verify and cluster embeddings.

    Returns the `metrics.Verification`, and a dict of plain numbers: the values of the
    verification, the number of speakers, and the misclassification rate "mr".
    """
    import numpy as np
    from sklearn.cluster import AgglomerativeClustering

    from .. import metrics

    verification = metrics.verify(embeddings, speakers, sessions=sessions, seed=seed)
    n = len(np.unique(speakers))
    clustering = AgglomerativeClustering(n, metric="cosine", linkage="average")
    clusters = clustering.fit_predict(np.asarray(embeddings))
    error_rate = float(metrics.misclassification_rate(speakers, clusters))
    return verification, {"speakers": n, **verification.as_dict(), "mr": error_rate}
