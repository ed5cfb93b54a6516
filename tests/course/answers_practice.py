"""Answers to the exercises of notebooks 13 to 15."""

import numpy as np
from answers import right, wrong
from keras import ops

for name, code, other, words in (
    ("13.1", "S1", "S11", "differ"),
    ("13.2", "C13", "C21", "greedy_decode"),
    ("13.3", "S14", "S13", "do become near"),
    ("13.4", "C1", "C16", "what you see"),
    ("13.5", "S17", "S8", "whatever the direction"),
    ("13.6", "C9", "C8", "has a path"),
):
    right(name, f" {code.lower()} ")
    wrong(name, words, other)
    wrong(name, "the other kind", "C24" if code[0] == "S" else "S24")
    wrong(name, "replace", "...")
    wrong(name, "no code", "a margin")
right("13.3", "S10")
right("13.4", "S30")
wrong("13.6", "change the logits", "C26")


def with_columns(y_true, d, margin):
    y_true, d = np.reshape(y_true, (-1, 1)), np.reshape(d, (-1, 1))
    return np.where(y_true > 0.5, d, np.maximum(margin - d, 0))[:, 0] ** 2


def as_posted(y_true, d, margin):
    y_true = ops.cast(y_true, "float32")
    return y_true * d**2 + (1 - y_true) * ops.maximum(margin - d, 0) ** 2


right("13.7", with_columns)
wrong("13.7", "got (5, 1) for labels (5, 1) and", as_posted)
wrong("13.7", "roles", lambda y, d, m: with_columns(1 - y, d, m))


def frame_by_frame(frames, layers):
    counts = []
    for n in frames:
        for size, strides, padding in layers:
            starts = range(0, n if padding == "same" else n - size + 1, strides)
            n = len(starts)
        counts.append(n)
    return counts


right("13.8", frame_by_frame)
wrong("13.8", "incomplete", lambda n, layers: n // np.prod([s for _, s, _ in layers]))
wrong(
    "13.8", "kernel_size", lambda n, layers: -(-n // np.prod([s for _, s, _ in layers]))
)


def from_gates(kernel, recurrent, bias):
    def gate(array, k):
        n, units = array.shape[0], array.shape[1] // 4
        block = array[:, k * units : (k + 1) * units]
        return [[block.flat[j * n + i] for j in range(units)] for i in range(n)]

    kernels = [
        np.concatenate([gate(a, k) for k in range(4)], 1) for a in (kernel, recurrent)
    ]
    return [*kernels, bias[: len(bias) // 2] + bias[len(bias) // 2 :]]


right("14.1", from_gates)
wrong("14.1", "order", lambda k, r, b: (k, r, b.reshape(2, -1).sum(0)))
wrong("14.1", "order", lambda k, r, b: (from_gates(k, r, b)[0], r, b))
wrong("14.1", "behind", lambda k, r, b: (*from_gates(k, r, b)[:2], b[::2] + b[1::2]))

right("14.2", lambda c, b, n: 1 / (c + b) if n == 0 else min(1 / c, n / b))
wrong("14.2", "with 0 workers", lambda c, b, n: 1 / max(c, b / max(n, 1)))
wrong("14.2", "do not add up", lambda c, b, n: 1 / (c + b / max(n, 1)))


def shard_by_shard(n_frames, n_shards):
    bounds, done = [0], 0
    for row, frames in enumerate(n_frames):
        while done >= len(bounds) * n_frames.sum() / n_shards:
            bounds.append(row)
        done += frames
    return bounds + [len(n_frames)] * (n_shards + 1 - len(bounds))


right("15.1", shard_by_shard)
wrong("15.1", "count frames", lambda f, n: [0, 1, 2, 3, len(f)])
wrong("15.1", "expected 5 bounds", lambda f, n: np.array_split(np.arange(len(f)), n)[0])

right("15.2", lambda g, n: sum(a * b for a, b in zip(g, n, strict=True)) / sum(n))
wrong("15.2", "more rows", lambda g, n: np.mean(g, axis=0))
wrong("15.2", "expected", lambda g, n: g[0])
