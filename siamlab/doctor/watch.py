"""The doctor during a training: the same questions, after each epoch."""

import contextlib

import keras
import numpy as np

from ..errors import ArgumentError
from ..training import preserve_state
from . import recorder
from .arrays import first_batch
from .check import CHECKS, Check
from .checks.ctc import blank_share
from .checks.embeddings import spread
from .examination import apply_checks, finding_of
from .objective import weight_gradient_norms
from .program import Program
from .report import Finding, Skip

# Of the input, which shows before the first step, and what may arise later.
_CODES: dict = {"siamese": ("S30", "S10", "S11", "S15"), "ctc": ("C1", "C16")}
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


DIVERGES = Check("C18", "serious", "04_ctc_that_does_not_learn", (), (), _diverges)


class Watch(keras.callbacks.Callback):
    """Examine a network while it is trained.

    Reports collapsed embeddings, a hinge out of scale, numbers that are not finite, CTC
    outputs that are only blanks, steps that are mostly clipped, and a loss that rises
    again; and unscaled input before the first step. A batch is examined before the
    first step, after each epoch, and every so many steps if wanted. Each finding is
    printed once and kept. The training itself does not change: weights, optimizer and
    random states are restored.

    Parameters
    ----------
    batch : tuple
        (x, y) as for `examine`: a batch of the training, such as ``batches[0]``.
    every : int, optional
        Examine every so many steps as well.
    kind : {"siamese", "ctc"}, optional
        As for `examine`.
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
    >>> x = np.random.default_rng(0).normal(size=(16, 8)).astype("float32")
    >>> y = np.arange(16) % 4
    >>> watch = Watch((x, y), verbose=0)
    >>> model = keras.Sequential([keras.layers.Dense(4, kernel_initializer="zeros")])
    >>> model.compile("sgd", sl.losses.Contrastive(margin=1.0))
    >>> history = model.fit(x, y, verbose=0, callbacks=[watch])
    >>> watch.findings[0].code
    'S11'
    """

    def __init__(self, batch, *, every=None, kind=None, verbose=1):
        super().__init__()
        if every is not None and every < 1:
            raise ArgumentError(f"every must be at least 1; got {every}")
        self.batch = first_batch(batch)
        self.every, self.kind, self.verbose = every, kind, verbose
        self.findings: list[Finding] = []
        self.history: list[dict] = []
        self._step = self._epoch = 0

    def on_train_begin(self, logs=None):
        """Examine the network before the first step.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        self._examine()

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
            self._examine(logs)

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
        self._examine(logs)

    # ----------------------------------------------------------------- one examination

    def _examine(self, logs=None):
        look: dict = {"step": self._step, "epoch": self._epoch}
        if logs and "loss" in logs:
            look["loss"] = float(logs["loss"])
        with preserve_state(self.model), recorder.compiled_layers():
            program = Program(self.model, self.batch, self.kind)
            self.kind = program.kind
            for finding in apply_checks(program, _CODES[program.kind]).findings:
                check = CHECKS[finding.code]
                self._found(check, finding.value, finding.evidence)
            look |= self._measure(program)
        self.history.append(look)
        self._count_clipped()
        self._compare_losses()

    def _measure(self, program):
        """Return what can be measured; what cannot must not end a training."""
        look: dict = {}
        with contextlib.suppress(Skip):
            if program.kind == "ctc":
                look["blanks"] = blank_share(program.transcription)
            else:
                look["spread"] = spread(np.concatenate(program.comparison.embeddings))
        with contextlib.suppress(Exception):
            norms = weight_gradient_norms(
                self.model, program.objective, program.x, program.y
            )
            look["norm"] = float(np.sqrt(np.sum(np.square(norms))))
            limit = getattr(self.model.optimizer, "clipnorm", None)
            whole = getattr(self.model.optimizer, "global_clipnorm", None)
            if limit or whole:
                look["clipped"] = max(norms) > limit if limit else look["norm"] > whole
        return look

    def _count_clipped(self):
        clipped = [look["clipped"] for look in self.history if "clipped" in look]
        if len(clipped) >= 4 and np.mean(clipped) > _CLIPPED:
            self._found(
                DIVERGES,
                np.mean(clipped),
                f"in {np.mean(clipped):.0%} of {len(clipped)} examinations, the "
                "gradient exceeded the limit of the optimizer; its norm is now "
                f"{self.history[-1]['norm']:.3g}",
            )

    def _compare_losses(self):
        losses = [look["loss"] for look in self.history if "loss" in look]
        if not losses:
            return
        last = losses[-1]
        if not np.isfinite(last):
            check = CHECKS["S15"] if self.kind == "siamese" else DIVERGES
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
        self.findings.append(finding_of(check, value, f"{when}: {evidence}"))
        if self.verbose:
            print(self.findings[-1])
