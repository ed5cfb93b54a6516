"""How fast is each step, compared with other libraries or with another commit?

    python benchmarks/throughput.py --data ROOT [--peers FOLDER]
    python benchmarks/throughput.py --data ROOT --against REV

ROOT is a folder in LibriSpeech's layout. Each row has a process of its own, with as
many threads and processor cores as the table says; all get the same input, warm up, and
are then measured in turns.

With ``--against`` the library of this checkout is compared with the commit REV, which
is checked out into a temporary git worktree. There its own `benchmarks/_ours.py` is
run, or the file of ``--program`` if REV has none or another interface. The medians and
their ratios are printed; above 1, this checkout is faster.

The packages that siamlab is compared with are named in requirements.txt beside this
file; for one that is not installed, the row says so.
"""

import contextlib
import dataclasses
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from _processes import Contender, alternate
from _report import argument_parser, machine, publish, table

HERE = Path(__file__).resolve().parent
OURS, PEERS = HERE / "_ours.py", HERE / "_peers.py"
PACKAGES = ("tensorflow", "keras", "numpy", "librosa", "soundfile")


@dataclasses.dataclass(frozen=True)
class Task:
    """One table: functions of `_ours` and `_peers` that do the same work."""

    title: str
    unit: str
    ours: dict
    peers: dict
    settings: tuple
    note: str = ""
    relative: bool = False  # differences are divided by our result


TASKS = {
    "extraction": Task(
        "Spectrograms of FLAC files",
        "s of sound",
        {"ours, in memory": "extraction", "ours, cached": "extraction_cached"},
        {
            "librosa": "librosa_melspectrogram",
            "kaldi-native-fbank": "kaldi_fbank",
            "decoding only": "decoding",
        },
        ("data", "files"),
        "128 mel bands, windows of 25 ms every 10 ms; decoding is included, by "
        "soundfile for all. Decoding only: the limit for any implementation. "
        "Difference: dB. kaldi-native-fbank uses a transform half as long, which "
        "cannot be changed, so that only the correlation is given.",
    ),
    "training": Task(
        "Training steps of the BLSTM encoder",
        "segments",
        {"ours": "training"},
        {
            "PyTorch, nn.LSTM": "torch_lstm",
            "PyTorch, memory kept": "torch_lstm_with_kept_memory",
            "plain Keras, fit on pairs": "keras_on_pairs",
        },
        ("batch", "steps"),
        "BLSTM 128 + BLSTM 128 on 40 x 128, Adam, dropout 0.25. Ours and PyTorch "
        "compute the loss of all pairs of a batch, which `SpeakerBatches` draws within "
        "the time; Keras reads pairs from memory, each segment in one of them. "
        "Difference: loss and length of each gradient in the first step, without "
        "dropout, relative. Memory kept: glibc does not return memory after each "
        "step, as siamlab sets it for TensorFlow.",
        relative=True,
    ),
    "embedding": Task(
        "Embeddings of utterances of different lengths, BLSTM encoder",
        "s of sound",
        {"ours": "embedding"},
        {
            "predict for each utterance": "predict_each",
            "predict, padded to the longest": "predict_padded",
        },
        ("utterances", "longest"),
        "From spectrograms. Difference: of a coordinate of a vector of length 1.",
    ),
    "encoder": Task(
        "Embeddings of the same utterances, shipped encoder",
        "s of sound",
        {"ours, NumPy": "encoder"},
        {"Keras, predict for each utterance": "encoder_in_keras"},
        ("utterances", "longest"),
        "The same weights in both. Segments overlap by half.",
    ),
    "pairs": Task(
        "Loss of all pairs of a batch, and its gradient",
        "losses",
        {"ours": "pair_loss"},
        {"nested loops": "nested_loops"},
        ("outputs",),
        "KL-hinge in a compiled graph. Difference: of an element of the gradient.",
    ),
}


def contenders(task, arguments, threads):
    """List the rows of a table: ours, then the peers."""
    settings = settings_of(task, arguments, threads)
    return {
        name: Contender(program, function, settings, peers=arguments.peers)
        for program, rows in ((OURS, task.ours), (PEERS, task.peers))
        for name, function in rows.items()
    }


def settings_of(task, arguments, threads):
    """Collect the arguments of a task's functions."""
    found = {name: getattr(arguments, name) for name in task.settings}
    if "data" in found:
        found["root"] = str(Path(found.pop("data")).resolve())
    return found | {"threads": threads}


def rounded(x):
    """Write a number with three digits."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def difference(ours, other, relative):
    """Describe how far a result is from ours."""
    if ours is None or other is None or ours.shape != other.shape:
        return "-"
    correlation = np.corrcoef(ours.ravel(), other.ravel())[0, 1]
    if correlation < 0.9999:
        return f"r = {correlation:.3f}"
    off = np.abs(ours - other) / (np.abs(ours) if relative else 1.0)
    return f"{np.median(off):.0e}, at most {off.max():.0e}"


def rows_of(task, threads, measured):
    """Lay out one table of peers."""
    ours = next(iter(measured.values()))
    for name, each in measured.items():
        if each.missing:
            note = f"not measured: {each.missing} is not installed"
            yield [threads, name, note, *["-"] * 4]
            continue
        speeds, ratios = each.speeds, ours.speeds / each.speeds
        ranges = [
            f"{rounded(np.median(x))} ({rounded(x.min())} to {rounded(x.max())})"
            for x in (speeds, ratios)
        ]
        yield [
            threads,
            name,
            ranges[0],
            "1" if each is ours else ranges[1],
            rounded(1e3 * float(np.median(each.cpu_seconds)) / each.amount),
            f"{each.mb:.0f}",
            "-"
            if each is ours
            else difference(ours.result, each.result, task.relative),
        ]


def compare_with_peers(arguments):
    """Print and keep a table for each task."""
    versions = machine(*PACKAGES)
    foot = f"Medians (range) of {arguments.rounds} rounds. {versions}."
    parts, figures = [], {}
    for name in arguments.only:
        task, rows = TASKS[name], []
        for threads in arguments.threads:
            found = alternate(
                contenders(task, arguments, threads), threads, arguments.rounds
            )
            rows.extend(rows_of(task, threads, found))
            for row, measured in found.items():
                figures[f"{name}, {row}, {threads}"] = measured.as_dict()
        head = ("threads", "implementation", f"{task.unit} per second")
        head += ("ours is times as fast", "processor ms each", "memory (MB)")
        head = (*head, "difference")
        parts.append(f"**{task.title}.** {task.note}\n\n{table(head, rows)}\n")
        # All tables so far: each of them took minutes.
        publish("\n".join([*parts, foot]), arguments.keep, figures)


@contextlib.contextmanager
def worktree(revision):
    """Check a commit out into a temporary folder."""
    git = ["git", "-C", str(HERE.parent), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkout")
        subprocess.run([*git, "add", "-q", "--detach", path, revision], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", path], check=True)


def compare_with_commit(arguments):
    """Print and keep one table: this checkout beside another commit."""
    rows, figures = [], {}
    with worktree(arguments.against) as old:
        program = arguments.program or old / "benchmarks" / OURS.name
        if not program.exists():
            raise SystemExit(
                f"{arguments.against} has no benchmarks/{OURS.name}; give a program "
                "with the same functions for its interface: --program FILE"
            )
        for name in arguments.only:
            task = TASKS[name]
            for threads in arguments.threads:
                settings = settings_of(task, arguments, threads)
                for function in task.ours.values():
                    found = alternate(
                        {
                            "old": Contender(program, function, settings, old),
                            "new": Contender(OURS, function, settings, HERE.parent),
                        },
                        threads,
                        arguments.rounds,
                    )
                    for which, measured in found.items():
                        figures[f"{function}, {which}, {threads}"] = measured.as_dict()
                    was, now = found["old"].speeds, found["new"].speeds
                    rows.append(
                        (
                            threads,
                            function,
                            f"{task.unit} per second",
                            rounded(np.median(was)),
                            rounded(np.median(now)),
                            f"{np.median(now) / np.median(was):.2f}",
                            f"{np.median(now / was):.2f} "
                            f"({min(now / was):.2f} to {max(now / was):.2f})",
                        )
                    )
                    print(*rows[-1], sep="  ", flush=True)
    head = ("threads", "work", "unit", arguments.against, "this checkout")
    head += ("ratio of medians", "ratio of each turn")
    text = (
        f"This checkout beside {arguments.against}: medians of {arguments.rounds} "
        "runs each, in turns. A ratio above 1: this checkout is faster.\n\n"
        f"{table(head, rows)}\n\n{machine(*PACKAGES)}."
    )
    publish(text, arguments.keep, figures)


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--data", metavar="ROOT", help="recordings, for extraction")
    parser.add_argument("--against", metavar="REV", help="a commit to compare with")
    parser.add_argument(
        "--program", type=Path, metavar="FILE", help="functions for the commit's API"
    )
    parser.add_argument("--peers", metavar="FOLDER", help="with packages to compare")
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    cores = sorted({1, min(2, os.cpu_count() or 1)})
    parser.add_argument("--threads", type=int, nargs="+", default=cores)
    parser.add_argument("--rounds", type=int, help="3; 7 with --against")
    parser.add_argument("--files", type=int, default=100, help="of the recordings")
    parser.add_argument("--batch", type=int, default=256, help="segments in training")
    parser.add_argument("--steps", type=int, default=16, help="of training in a round")
    parser.add_argument("--utterances", type=int, default=40, help="to embed")
    parser.add_argument("--longest", type=int, default=2000, help="of them, in frames")
    parser.add_argument("--outputs", type=int, default=100, help="of the pair loss")
    arguments = parser.parse_args()
    if "extraction" in arguments.only and not arguments.data:
        parser.error("extraction needs recordings: --data ROOT")
    arguments.rounds = arguments.rounds or (7 if arguments.against else 3)
    if arguments.against:
        compare_with_commit(arguments)
    else:
        compare_with_peers(arguments)


if __name__ == "__main__":
    main()
