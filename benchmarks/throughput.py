"""How fast is each step on the way, beside what people use in its place?

    python benchmarks/throughput.py --data ROOT       a folder in LibriSpeech's layout

Each way has a process of its own, with as many threads (and cores) as the table says;
all get the same input, warm up, and are then measured in turns. "Processor" is the
time of all threads, which a busy machine disturbs less. "Memory" is what the work, its
warm-up included, adds at its peak to what imports and input took. "Apart" is how far a
result is from ours, in the middle and at most. The peers are named in
requirements.txt beside this file; one that is not installed has a row that says so.
"""

import argparse
import dataclasses
import os

import numpy as np
from _race import race
from _report import keep, machine, table


@dataclasses.dataclass(frozen=True)
class Work:
    """One table: ways to the same result; the first is ours."""

    title: str
    unit: str
    ways: dict
    settings: dict
    threads: tuple
    note: str
    pairs: dict = dataclasses.field(default_factory=dict)  # in each unit, by way
    why: dict = dataclasses.field(default_factory=dict)  # ours may be behind, by way

    @property
    def ours(self):
        return next(iter(self.ways))


def works(arguments):
    """List the tables, in the order of the data."""
    batch = arguments.batch
    training = {"batch": batch, "steps": arguments.steps}
    lengths = {"number": arguments.utterances, "longest": arguments.longest}
    both = tuple(arguments.threads)
    return {
        "extraction": Work(
            "Spectrograms of FLAC files",
            "s of sound",
            {
                "ours, in memory": "_ways_extraction.ours",
                "ours, checksums and writing included": "_ways_extraction.ours_kept",
                "librosa": "_ways_extraction.by_librosa",
                "kaldi-native-fbank": "_ways_extraction.by_kaldi",
                "decoding only": "_ways_extraction.decoding",
            },
            {"root": arguments.data, "files": arguments.files},
            both,
            "128 mel bands, windows of 25 ms every 10 ms; decoding included, by "
            "soundfile for all. Peers are called file by file, in as many threads. "
            "Decoding only makes nothing of the samples: what no way can be faster "
            "than. Apart: dB. kaldi-native-fbank computes another thing, with a "
            "transform half as long (the next power of two behind the window, not to "
            "be changed); its filters, window and floor are set to ours, preemphasis, "
            "dither and removal of the mean are off: what is left differs by the "
            "correlation that stands there.",
            why={"decoding only": "it is the limit."},
        ),
        "training": Work(
            "Training steps of the base network",
            "segments",
            {
                "ours": "_ways_training.ours",
                "PyTorch, nn.LSTM": "_ways_training.by_torch",
                "PyTorch, memory kept": "_ways_training.by_torch_that_keeps_memory",
                "plain Keras, fit on pairs": "_ways_training.keras_on_pairs",
            },
            training,
            both,
            f"BLSTM 128 + BLSTM 128 on 40 x 128, {batch} segments a step, Adam, "
            "dropout 0.25. Ours and PyTorch learn from all pairs of a batch, drawn by "
            "`SpeakerBatches` within the time; Keras from pairs that lie ready in "
            "memory, each segment in one of them. Apart: loss and length of each "
            "weight's gradient in the first step, without dropout, from the same "
            "weights, relative to ours. Memory kept: with glibc told not to return "
            "it after each step, as siamlab tells TensorFlow (README.md); plain Keras "
            "has neither that nor batches that are drawn ahead.",
            {
                "ours": (batch - 1) / 2,
                "PyTorch, nn.LSTM": (batch - 1) / 2,
                "PyTorch, memory kept": (batch - 1) / 2,
                "plain Keras, fit on pairs": 0.5,
            },
            dict.fromkeys(
                ("PyTorch, nn.LSTM", "PyTorch, memory kept"),
                "the matrix products of the LSTMs are the most of a step, and the same "
                "ones in both; the next table says how much is left. TensorFlow's loop "
                "over the frames takes some per cent more processor time around them, "
                "and its threads meet at each frame, where a core waits. XLA, "
                "unrolling, and halves of a batch side by side were tried: README.md.",
            ),
        ),
        "parts": Work(
            "Where the time of our step goes",
            "steps",
            {
                "whole step": "_ways_parts.whole",
                "forwards": "_ways_parts.forward",
                "forwards, loss, backwards": "_ways_parts.gradients",
                "loss of all pairs, and back": "_ways_parts.loss",
                "matrix products of the LSTMs": "_ways_parts.products",
                "optimizer": "_ways_parts.optimizer",
                "drawing the batch": "_ways_parts.drawing",
            },
            training,
            both[-1:],
            "Each part compiled by itself, on the same batch; in the place of a ratio "
            "stands its share of the step. Matrix products: those "
            "of both BLSTMs, forwards and back, one after the other, and nothing "
            "else: no step can do with less processor time.",
        ),
        "embedding": Work(
            "Embeddings of utterances of unequal length, base network",
            "s of sound",
            {
                "ours": "_ways_embedding.ours",
                "predict for each utterance": "_ways_embedding.predict_each",
                "predict, padded to the longest": "_ways_embedding.padded",
            },
            lengths,
            both,
            f"{arguments.utterances} utterances of 1 to {arguments.longest / 100:g} s, "
            "from spectrograms. Apart: of a number of a vector of length 1. Traces: "
            "how often TensorFlow made a graph.",
        ),
        "encoder": Work(
            "Embeddings of the same utterances, the encoder that comes with siamlab",
            "s of sound",
            {
                "ours, NumPy": "_ways_embedding.encoder",
                "Keras, predict for each utterance": (
                    "_ways_embedding.encoder_predict_each"
                ),
            },
            lengths,
            both,
            "The same weights in both. Segments overlap by half.",
        ),
        "pairs": Work(
            "Loss of all pairs of a batch, and its gradient",
            "losses",
            {"ours": "_ways_pairs.ours", "nested loops": "_ways_pairs.loops"},
            {"outputs": arguments.outputs, "units": 128},
            both,
            f"KL-hinge of {arguments.outputs} outputs, in a compiled graph; more in "
            "pairwise.md.",
        ),
    }


def apart(ours, other, relative):
    """Say how far a result is from ours."""
    if ours is None or other is None or ours.shape != other.shape:
        return "-"
    correlation = np.corrcoef(ours.ravel(), other.ravel())[0, 1]
    if correlation < 0.9999:
        return f"r = {correlation:.3f}"
    off = np.abs(ours - other) / (np.abs(ours) if relative else 1.0)
    return f"{np.median(off):.0e}, most {off.max():.0e}"


def rows_of(work, threads, measured):
    """Lay out a race."""
    ours = measured[work.ours]
    for name, way in measured.items():
        if way.missing:
            said = f"not measured: {way.missing} is not installed"
            yield [threads, name, said] + ["-"] * (len(head_of(work)) - 3)
            continue
        speeds = way.amount / np.array(way.seconds)
        ratios = speeds / (ours.amount / np.array(ours.seconds))
        row = [
            threads,
            name,
            f"{_round(way.speed)} ({_round(speeds.min())} to {_round(speeds.max())})",
            "1"
            if way is ours
            else f"{_round(np.median(1 / ratios))} ({_round(1 / ratios.max())} to "
            f"{_round(1 / ratios.min())})",
        ]
        row.append(_round(1e3 * float(np.median(way.processor)) / way.amount))
        if work.pairs:
            row.append(_round(way.speed * work.pairs[name]))
        row.append(f"{way.mb:.0f}")
        row.append(
            "-"
            if way is ours
            else apart(ours.result, way.result, relative=bool(work.pairs))
        )
        if work.title.startswith("Embeddings"):
            row.append(way.facts.get("traces", "none"))
        yield row


def behind(work, threads, measured):
    """Say where ours is behind, how far and why."""
    ours = measured[work.ours]
    for name, reason in work.why.items():
        way = measured[name]
        if not way.missing and way.speed > ours.speed:
            yield (
                f"Behind {name} in {threads} thread(s), {ours.speed / way.speed:.2f} "
                f"of its speed: {reason}"
            )


def head_of(work):
    """Name the columns."""
    return [
        "threads",
        "way",
        f"{work.unit} a second (range)",
        "ours is times as fast",
        "processor ms each",
        *(["pairs a second"] if work.pairs else []),
        "memory (MB)",
        "apart",
        *(["traces"] if work.title.startswith("Embeddings") else []),
    ]


def _round(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="ROOT", help="recordings, for extraction")
    parser.add_argument("--peers", metavar="FOLDER", help="where else peers are")
    parser.add_argument("--only", nargs="+", metavar="WORK", help="some of the tables")
    cores = sorted({1, min(2, os.cpu_count() or 1)})
    parser.add_argument("--threads", type=int, nargs="+", default=cores)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=100, help="of the recordings")
    parser.add_argument("--batch", type=int, default=256, help="segments in training")
    parser.add_argument("--steps", type=int, default=16, help="of training in a round")
    parser.add_argument("--utterances", type=int, default=40, help="to embed")
    parser.add_argument("--longest", type=int, default=2000, help="of them, in frames")
    parser.add_argument("--outputs", type=int, default=100, help="of the pair loss")
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()
    known = works(arguments)
    chosen = arguments.only or list(known)
    if unknown := set(chosen) - set(known):
        parser.error(
            f"no such work: {', '.join(unknown)}; there are {', '.join(known)}"
        )
    if "extraction" in chosen and not arguments.data:
        parser.error("extraction needs recordings: --data ROOT")

    versions = machine("tensorflow", "keras", "numpy", "librosa", "soundfile")
    foot = f"Medians of {arguments.rounds} rounds. {versions}."
    parts, figures = [], {}
    for name in chosen:
        work = known[name]
        rows, reasons = [], []
        for threads in work.threads:
            found = race(
                work.ways, work.settings, threads, arguments.rounds, arguments.peers
            )
            rows.extend(rows_of(work, threads, found))
            reasons.extend(behind(work, threads, found))
            for way, measured in found.items():
                figures[f"{name}, {way}, {threads}"] = measured.kept()
        lines = [f"**{work.title}.** {work.note}", "", table(head_of(work), rows), ""]
        for reason in reasons:
            lines += [reason, ""]
        parts.append("\n".join(lines))
        print(parts[-1], flush=True)
        if arguments.keep:  # each table as it comes: it took minutes
            keep(arguments.keep, "\n".join([*parts, foot]), figures)
    print(foot)


if __name__ == "__main__":
    main()
