"""What the encoder that comes with siamlab hears, and how soon.

    python benchmarks/encoder.py --exam ROOT [--fsdd ROOT] [--others FILE.npz ...]

On readers whom it was not trained on (LibriSpeech's layout, test-other): equal error
rate and misclassification rate, as the recordings are, each through a microphone of
its own, and all of them through one and the same (a random curve; median and range of
ten draws). ``--others``: encoders of other seeds, made by tools/train_encoder.py, to
see how much is luck. Then the seconds from ``siamlab.encoder()`` to the first embedding
in a new process, which has imported siamlab and nothing else.
"""

import argparse
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
from _report import keep, machine, table
from sklearn.cluster import AgglomerativeClustering

import siamlab as sl

DRAWS = 10

FIRST = """
    import time
    import siamlab as sl
    {imports}
    start = time.perf_counter()
    samples, rate = {samples}
    sl.encoder().embed(samples, rate)
    print(time.perf_counter() - start)
"""


def exam(encoder, features):
    """Equal error rate with its interval, and misclassification rate."""
    rows = sl.embed(encoder, features)
    found = sl.metrics.verify(rows, rows.speakers)
    clustering = AgglomerativeClustering(
        len(set(rows.speakers)), metric="cosine", linkage="average"
    )
    clusters = clustering.fit_predict(rows)
    return found.eer, sl.metrics.misclassification_rate(rows.speakers, clusters)


def one_microphone(features, seed):
    """Pass all recordings through the same random curve."""
    bands = features[0].shape[1]
    layer = sl.layers.RandomEQ(6.0, seed=seed)
    curve = np.asarray(layer(np.zeros((1, 1, bands), np.float32), training=True))[0]
    return features.map(lambda x: x + curve)


def rows(name, encoder, exams):
    """One row for each exam: as it is, a microphone each, one microphone for all."""
    for exam_name, features in exams:
        eer, mr = exam(encoder, features)
        yield name, exam_name, f"{eer:.1%} [{eer.low:.1%}, {eer.high:.1%}]", f"{mr:.2f}"
        for how, change in (
            ("a microphone each", sl.embeddings.randomize_channel),
            ("one microphone for all", one_microphone),
        ):
            found = [exam(encoder, change(features, seed=s)) for s in range(DRAWS)]
            rates = sorted(float(eer) for eer, _ in found)
            yield (
                name,
                f"{exam_name}, {how}",
                f"{np.median(rates):.1%} ({rates[0]:.1%} to {rates[-1]:.1%})",
                f"{np.median([mr for _, mr in found]):.2f}",
            )


def first_embedding(path, imports=""):
    """Seconds in a new process, the least of five: others work on the machine, too."""
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exam", metavar="ROOT", required=True)
    parser.add_argument("--fsdd", metavar="ROOT")
    parser.add_argument("--others", metavar="FILE.npz", nargs="*", default=[])
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.md")
    arguments = parser.parse_args()
    corpus = sl.corpora.librispeech(arguments.exam, "test-other")
    exams = [("test-other", sl.extract(corpus))]
    if arguments.fsdd:
        exams.append(("fsdd", sl.extract(sl.corpora.fsdd(arguments.fsdd))))
    encoders = {"shipped": sl.encoder()}
    for path in arguments.others:
        encoders[Path(path).stem] = sl.embeddings.Encoder.load(path)
    found = [row for name, e in encoders.items() for row in rows(name, e, exams)]
    alone = first_embedding(corpus.table.path[0])
    warm = first_embedding(corpus.table.path[0], "import keras, librosa, pandas")
    text = "\n".join(
        [
            f"{sl.encoder()!r}. Exam: {corpus!r}. A microphone is a random curve of "
            f"6 dB; {DRAWS} draws, median and range.",
            "",
            table(("encoder", "exam", "EER", "MR"), found),
            "",
            "Seconds from the call to the first embedding of a recording of 8 s, new "
            f"processes: {alone[0]:.2f} (most of five {alone[-1]:.2f}) after `import "
            f"siamlab` alone, {warm[0]:.2f} (most {warm[-1]:.2f}) where Keras, librosa "
            "and pandas are imported already.",
            "",
            machine("numpy", "scipy") + ".",
        ]
    )
    print(text)
    if arguments.keep:
        keep(arguments.keep, text)


if __name__ == "__main__":
    main()
