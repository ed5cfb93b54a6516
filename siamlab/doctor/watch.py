"""The doctor during a training: the same questions, after each epoch."""

import sys
import types

import keras
import numpy as np

from ..errors import ArgumentError
from ..training import preserve_state
from . import recorder
from .arrays import first_batch, n_rows, take
from .check import CHECKS, Check
from .checks.embeddings import spread
from .examination import apply_checks, finding_of
from .objective import weight_gradient_norms
from .program import Program
from .report import SEVERITIES, Finding, Report, Skip

# Faults of the input are there before the first step, the others may arise later.
_BEFORE = {"siamese": ("S30", "S10", "S11", "S15"), "ctc": ("C1",)}
_DURING = {"siamese": ("S10", "S11", "S15"), "ctc": ("C16",)}
_CLIPPED = 0.5  # of the steps looked at, at least 4
_RISE = 1.5  # of the loss, above its lowest value


def _diverges(program):
    """The training diverges.

    Symptom: The loss falls, and rises again.
    Cause: The learning rate is too high, so that most steps are clipped or overshoot.
    Fix: lower the learning rate, or warm it up

    Found by `Watch` only: the gradient exceeds the limit of the optimizer at more than
    half of at least four examinations, or the loss of an epoch is 1.5 times its lowest
    value and more than half of its first one.
    """


DIVERGES = Check("C18", "serious", "03_ctc_that_does_not_learn", (), _diverges)


class Watch(keras.callbacks.Callback):
    """Examine a network while it is trained.

    Reports collapsed embeddings, a hinge out of scale, numbers that are not finite, CTC
    outputs that are only blanks, steps that are mostly clipped, and a loss that rises
    again; and unscaled input before the first step. Some rows of a batch are examined
    before the first step, after each epoch, and every so many steps if wanted. Each
    finding is printed once and kept. The training itself does not change: weights,
    optimizer and random states are restored.

    Parameters
    ----------
    batch : tuple, optional
        (x, y) as for `examine`. By default the first batch of what `fit` receives:
        arrays, a `keras.utils.PyDataset` or a tf.data.Dataset. A generator cannot be
        read twice, so that it needs a batch.
    every : int, optional
        Examine every so many steps as well.
    kind : {"siamese", "ctc"}, optional
        As for `examine`.
    size : int
        Number of rows of the batch that are examined.
    verbose : int
        0: print nothing.

    Attributes
    ----------
    findings : list of Finding
        In the order in which they were found.
    history : list of dict
        For each examination: "step", "epoch", "loss", "spread" of the embeddings or
        share of "blanks", "norm" of the gradient and whether the optimizer has
        "clipped" it, as far as they are known.

    Examples
    --------
    >>> import siamlab as sl
    >>> watch = Watch(verbose=0)
    >>> model = keras.Sequential([keras.layers.Dense(4, kernel_initializer="zeros")])
    >>> model.compile("sgd", sl.losses.Contrastive(margin=1.0))
    >>> x = np.random.default_rng(0).normal(size=(16, 8)).astype("float32")
    >>> history = model.fit(x, np.arange(16) % 4, verbose=0, callbacks=[watch])
    >>> [finding.code for finding in watch.findings]
    ['S11']
    """

    def __init__(self, batch=None, *, every=None, kind=None, size=32, verbose=1):
        super().__init__()
        if every is not None and every < 1:
            raise ArgumentError(f"every must be at least 1; got {every}")
        if size < 4:
            raise ArgumentError(f"size must be at least 4; got {size}")
        self.batch, self.every, self.kind = batch, every, kind
        self.size, self.verbose = size, verbose
        self.findings: list[Finding] = []
        self.history: list[dict] = []
        self._step = self._epoch = 0
        self._rows: tuple | None = None
        self._last: Report | None = None

    def on_train_begin(self, logs=None):
        """Take a batch, and examine the network before the first step.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        batch = self.batch if self.batch is not None else _batch_of_fit(self.model)
        x, y = first_batch(batch)
        if x is None:
            self._print(
                "siamlab.doctor.Watch: the data of this training cannot be read twice; "
                "give a batch, Watch((x, y))"
            )
            return
        rows = slice(self.size)
        has_rows = y is not None and n_rows(y) == n_rows(x)
        self._rows = take(x, rows), take(y, rows) if has_rows else y
        self._examine(_BEFORE)

    def on_train_batch_end(self, batch, logs=None):
        """Count the step, and examine the network if it is time.

        Parameters
        ----------
        batch : int
            Not used.
        logs : dict, optional
            Values of the training so far.
        """
        self._step += 1
        if self.every and self._step % self.every == 0:
            self._examine(_DURING, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Examine the network.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Values of the epoch.
        """
        self._epoch = epoch + 1
        self._examine(_DURING, logs)

    def report(self):
        """Return what was found so far.

        Returns
        -------
        Report
            As from `examine`.
        """
        order = {code: i for i, code in enumerate([*CHECKS, DIVERGES.code])}
        found = sorted(
            self.findings, key=lambda f: (SEVERITIES.index(f.severity), order[f.code])
        )
        codes = {f.code for f in found}
        last = self._last or Report(self.kind or "siamese", (), (), {})
        passed = tuple(code for code in last.passed if code not in codes)
        skipped = {c: why for c, why in last.skipped.items() if c not in codes}
        return Report(last.kind, tuple(found), passed, skipped)

    # ----------------------------------------------------------------- one examination

    def _examine(self, codes, logs=None):
        if self._rows is None:
            return
        look: dict = {"step": self._step, "epoch": self._epoch}
        if logs and "loss" in logs:
            look["loss"] = float(logs["loss"])
        with preserve_state(self.model), recorder.compiled_layers():
            program = Program(self.model, self._rows, kind=self.kind)
            self.kind = program.kind
            self._last = apply_checks(program, codes[program.kind])
            for finding in self._last.findings:
                check = CHECKS[finding.code]
                self._found(check, finding.value, finding.evidence)
            look |= self._measure(program)
        self.history.append(look)
        self._compare_losses()

    def _measure(self, program):
        """Return what can be measured; what cannot must not end a training."""
        look: dict = {}
        try:
            if program.kind == "ctc":
                look["blanks"] = _share_of_blanks(program.transcription)
            else:
                look["spread"] = spread(np.concatenate(program.comparison.embeddings))
        except Skip:
            pass
        try:
            norms = weight_gradient_norms(
                self.model, program.loss, program.x, program.y
            )
        except Exception:
            return look
        look["norm"] = float(np.sqrt(np.sum(np.square(norms))))
        limit = _clipping(self.model.optimizer)
        if limit is not None:
            name, value = limit
            norm = look["norm"] if name == "global_clipnorm" else max(norms)
            look["clipped"] = bool(norm > value)
            self._count_clipped(look, limit)
        return look

    def _count_clipped(self, look, limit):
        clipped = [each["clipped"] for each in self.history if "clipped" in each]
        share = float(np.mean([*clipped, look["clipped"]]))
        if len(clipped) >= 3 and share > _CLIPPED:
            self._found(
                DIVERGES,
                share,
                f"in {share:.0%} of {len(clipped) + 1} examinations, the gradient, now "
                f"with norm {look['norm']:.3g}, exceeded {limit[0]}={limit[1]:g}",
            )

    def _compare_losses(self):
        losses = [look["loss"] for look in self.history if "loss" in look]
        if not losses:
            return
        last = losses[-1]
        if not np.isfinite(last):
            code = "S15" if self.kind == "siamese" else "C18"
            check = CHECKS.get(code, DIVERGES)
            self._found(check, last, f"the loss of the training is {last}")
        elif last > _RISE * min(losses) > 0 and last > 0.5 * losses[0]:
            self._found(
                DIVERGES,
                last / min(losses),
                f"the loss is {last:.3g}, after {min(losses):.3g}",
            )

    def _found(self, check, value, evidence):
        if any(finding.code == check.code for finding in self.findings):
            return
        when = "before the first step" if not self._step else f"after step {self._step}"
        finding = finding_of(check, value, f"{when}: {evidence}")
        self.findings.append(finding)
        self._print(str(finding))

    def _print(self, text):
        if self.verbose:
            print(text)


def _share_of_blanks(t):
    best = t.posteriors.argmax(axis=-1)
    there = np.arange(best.shape[1]) < t.true_outputs[:, None]
    return float(np.mean(best[there] == t.call.blank))


def _clipping(optimizer):
    """Return how an optimizer clips gradients, a name and a value, or None."""
    for name in ("global_clipnorm", "clipnorm", "clipvalue"):
        if value := getattr(optimizer, name, None):
            return name, float(value)
    return None


def _batch_of_fit(model):
    """Return the first batch of the `fit` that is running, or None.

    Keras gives no data to callbacks, so it is looked up in the frame of `fit`, in which
    this code is called.
    """
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        names = frame.f_locals
        if frame.f_code.co_name == "fit" and names.get("self") is model:
            try:
                return _first_batch(names.get("epoch_iterator"))
            except Exception:
                return None
        frame = frame.f_back
    return None


def _first_batch(iterator):
    adapter = iterator.data_adapter
    dataset = getattr(adapter, "py_dataset", None)
    if dataset is not None:
        return tuple(dataset[0])
    if "Generator" in type(adapter).__name__:
        return None
    return tuple(next(iter(adapter.get_numpy_iterator())))
