"""How well does the shipped encoder separate speakers, and how soon is it ready?

    python benchmarks/encoder.py --data ROOT [--fsdd ROOT] [--others FILE.npz ...]

Equal error rate and misclassification rate on readers that it was not trained on
(LibriSpeech's layout, test-other): recordings as they are, each with a random channel
filter of its own, and all with the same one (median and range of ten draws).
``--others`` adds encoders trained with other seeds by tools/train_encoder.py, which
shows how much depends on the seed. Then the seconds from ``siamlab.encoder()`` to the
first embedding in a new process that has imported nothing but siamlab.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
from _report import argument_parser, machine, publish, table

import siamlab as sl
from siamlab.cli.evaluate import evaluate

DRAWS = 10

FIRST = """
    import time
    import siamlab as sl
    {imports}
    start = time.perf_counter()
    samples, sr = {samples}
    sl.encoder().embed(samples, sr)
    print(time.perf_counter() - start)
"""


def error_rates(encoder, features):
    """Return the equal error rate with its interval, and the misclassification rate."""
    embedded = sl.embed(encoder, features)
    verification, figures = evaluate(embedded, embedded.speakers)
    return verification.eer, figures["mr"]


def same_channel(features, seed):
    """Pass all recordings through the same random filter."""
    n_mels = features[0].shape[1]
    layer = sl.layers.RandomEQ(6.0, seed=seed)
    curve = np.asarray(layer(np.zeros((1, 1, n_mels), np.float32), training=True))[0]
    return features.map(lambda x: x + curve)


def rows(name, encoder, test_sets):
    """Yield three rows for each test set: as it is, a filter each, one filter."""
    for test_set, features in test_sets:
        eer, mr = error_rates(encoder, features)
        yield name, test_set, f"{eer:.1%} [{eer.low:.1%}, {eer.high:.1%}]", f"{mr:.2f}"
        for how, change in (
            ("a random filter each", sl.embeddings.randomize_channel),
            ("the same random filter", same_channel),
        ):
            changed = (change(features, seed=seed) for seed in range(DRAWS))
            found = [error_rates(encoder, each) for each in changed]
            eers = sorted(float(eer) for eer, _ in found)
            yield (
                name,
                f"{test_set}, {how}",
                f"{np.median(eers):.1%} ({eers[0]:.1%} to {eers[-1]:.1%})",
                f"{np.median([mr for _, mr in found]):.2f}",
            )


def first_embedding(path, imports=""):
    """Return the seconds in each of five new processes, sorted."""
    program = textwrap.dedent(FIRST).format(
        imports=imports, samples=f"sl.audio.read({str(path)!r})"
    )
    seconds = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        seconds.append(float(done.stdout))
    return sorted(seconds)


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--data", metavar="ROOT", required=True)
    parser.add_argument("--fsdd", metavar="ROOT")
    parser.add_argument("--others", metavar="FILE.npz", nargs="*", default=[])
    arguments = parser.parse_args()
    corpus = sl.corpora.librispeech(arguments.data, "test-other")
    spectrogram = sl.encoder().spectrogram
    test_sets = [("test-other", sl.extract(corpus, spectrogram))]
    if arguments.fsdd:
        fsdd = sl.corpora.fsdd(arguments.fsdd)
        test_sets.append(("fsdd", sl.extract(fsdd, spectrogram)))
    encoders = {"shipped": sl.encoder()}
    for path in arguments.others:
        encoders[Path(path).stem] = sl.embeddings.Encoder.load(path)
    found = [row for name, e in encoders.items() for row in rows(name, e, test_sets)]
    alone = first_embedding(corpus.table.path[0])
    warm = first_embedding(corpus.table.path[0], "import keras, librosa, pandas")
    parts = [
        f"{sl.encoder()!r}. Test set: {corpus!r}. A random filter is a curve of 6 dB; "
        f"{DRAWS} draws, median and range.",
        table(("encoder", "test set", "EER", "MR"), found),
        "Seconds from the call to the first embedding of a recording of 8 s, new "
        f"processes: {alone[0]:.2f} (slowest of five {alone[-1]:.2f}) after "
        f"`import siamlab` alone, {warm[0]:.2f} (slowest {warm[-1]:.2f}) if Keras, "
        "librosa and pandas have been imported already.",
        machine("numpy", "scipy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
