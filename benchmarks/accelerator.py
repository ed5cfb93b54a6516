"""How much faster is training on an accelerator, and does it wait for its input?

    python benchmarks/accelerator.py --data ROOT --keep accelerator
    KERAS_BACKEND=jax python benchmarks/accelerator.py --data ROOT

ROOT is in LibriSpeech's layout; without it the synthetic voices are used. The BLSTM of
the course (128 units) trains on two processor cores and, if available, on the
accelerator, in float32 and in mixed precision. Each row runs in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from functools import partial

import numpy as np
from _report import Runs, argument_parser, machine, publish, table

HEAD = (
    "where, precision, segments in a batch",
    "segments/s",
    "waiting for input",
    "seconds to 4 % EER",
)
# Speakers and segments of each; the corpus has 251 speakers.
BATCHES = {128: (32, 4), 512: (128, 4), 2008: (251, 8)}
CORES, CPU, GPU = 2, "two processor cores", "accelerator"
TARGET = 0.04


def rows():
    """Yield device, precision, batch size, and whether time to the target counts."""
    yield CPU, "float32", 128, True
    yield CPU, "mixed_bfloat16", 128, False
    for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
        for batch in BATCHES:
            yield GPU, precision, batch, batch == 128


def child(arguments, where, precision, batch, timed, seed):
    """Measure one row in a process that sees only its own device."""
    settings = vars(arguments) | {
        "cpu": where == CPU,
        "precision": precision,
        "batch": batch,
        "timed": timed,
        "seed": seed,
    }
    environment = dict(os.environ)
    if where == CPU:
        environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, __file__, "--row", json.dumps(settings)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


def measure(settings):
    """Print the figures of one row as JSON."""
    if settings["cpu"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    import keras
    from _speakers import corpora

    import siamlab as sl

    keras.config.set_dtype_policy(settings["precision"])
    keras.utils.set_random_seed(settings["seed"])
    features, test = corpora(settings["data"])

    def batches(steps):
        return sl.sampling.SpeakerBatches(
            features,
            *BATCHES[settings["batch"]],
            steps_per_epoch=steps,
            workers=settings["workers"],
            seed=settings["seed"],
        )

    net = network(features)
    devices, reasons = gpus(), sl.training.device_report(net)["why_not_cudnn"]
    if devices and reasons.any():
        print(json.dumps({"failed": next(filter(None, reasons))}))
        return
    found = sl.training.throughput(net, batches(settings["steps"] + 11))
    figures = {
        "segments_per_second": found.segments_per_second,
        "waiting": found.waiting,
        "gpus": devices,
    }
    if settings["timed"]:
        figures["seconds"] = seconds_to(
            TARGET, net, batches(25), test, settings["most"]
        )
    print(json.dumps(figures))


def network(features):
    import siamlab as sl

    encoder = sl.networks.blstm_encoder(
        head="unit", scaler=sl.scaling.StandardScaler().fit(features)
    )
    net = sl.networks.SpeakerNet(encoder)
    net.compile("adam", loss=sl.losses.SupervisedContrastive(0.1))
    return net


def seconds_to(target, net, batches, test, most):
    """Train until the equal error rate is low enough; evaluation is not timed."""
    import siamlab as sl

    seconds = 0.0
    for epoch in range(1, most // len(batches) + 1):
        began = time.perf_counter()
        net.fit(batches, epochs=epoch, initial_epoch=epoch - 1, verbose=0)
        seconds += time.perf_counter() - began
        scores = sl.metrics.pair_scores(sl.embed(net, test), test.speakers)
        if sl.metrics.eer(*scores) <= target:
            return seconds
    return None


def line(name, found):
    """Format a row: medians over seeds."""
    failed = [run["failed"] for run in found if "failed" in run]
    if failed:
        return name, "-", "-", failed[0]
    times = [run.get("seconds", "not timed") for run in found]
    if "not timed" in times:
        reached = "not timed"
    elif None in times:
        reached = f"not by all of {len(times)} seeds"
    else:
        low, middle, high = np.quantile(times, [0, 0.5, 1])
        reached = f"{middle:.0f} ({low:.0f} to {high:.0f})"
    speed = np.median([run["segments_per_second"] for run in found])
    return (
        name,
        f"{speed:,.0f}",
        f"{np.median([r['waiting'] for r in found]):.0%}",
        reached,
    )


def gpus():
    """Return the accelerators that Keras' backend finds."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        return [f"gpu:{i}" for i in range(torch.cuda.device_count())]
    devices = keras.distribution.list_devices()
    return [name for name in devices if not name.startswith("cpu")]


def backend_and_gpus():
    """Ask another process, so that this one takes no memory of the devices."""
    program = (
        "import accelerator, keras; "
        "print(keras.backend.backend(), *accelerator.gpus(), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=os.path.dirname(os.path.abspath(__file__)),
        capture_output=True,
        text=True,
        check=True,
    )
    backend, *found = done.stdout.splitlines()
    return backend, found


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--data", metavar="ROOT", help="folder in LibriSpeech's layout")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60, help="that are timed")
    parser.add_argument("--most", type=int, default=600, help="steps to 4 %% EER")
    parser.add_argument("--workers", type=int, default=2, help="of the batches")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        measure(json.loads(arguments.row))
        return

    backend, devices = backend_and_gpus()
    corpus = "synthetic voices"
    if arguments.data:  # the name only: the path differs between machines
        corpus = os.path.basename(os.path.abspath(arguments.data))
    left_out = ("keep", "row", "data")
    settings = {k: v for k, v in vars(arguments).items() if k not in left_out}
    settings |= {"corpus": corpus, "backend": backend, "gpus": devices}
    runs = Runs(arguments.keep, settings)
    lines = []
    for where, precision, batch, timed in rows():
        name = f"{where}, {precision}, {batch}"
        if where == GPU and not devices:
            lines.append((name, "none available", "-", "-"))
            continue
        function = partial(child, arguments, where, precision, batch, timed)
        found = runs.run_seeds(name, arguments.seeds, function)
        lines.append(line(name, found))
        print(*lines[-1], sep="  ", flush=True)
    parts = [
        f"Keras on {backend}; accelerator: {', '.join(devices) or 'none available'}; "
        f"corpus: {corpus}. Median of {arguments.seeds} seeds; speed over "
        f"{arguments.steps} steps, with workers={arguments.workers}. Waiting: the gain "
        "of the same training on a batch in memory. The time to 4 % EER is that of "
        "training alone, with an evaluation after every 25 steps.",
        table(HEAD, lines),
        machine(backend, "keras", "numpy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
