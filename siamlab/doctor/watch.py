"""The doctor at the bedside: the same questions while a training runs."""

import sys
import types

import keras
import numpy as np

from .. import scaling
from ..errors import ArgumentError
from ..training import preserve_state
from . import rows, trace, vectors, weight_gradients
from .case import Case, kind_of
from .report import SEVERITIES, Finding, Report
from .rule import RULES, NotExamined

# What can come to be while a training runs; the rest does not change.
_RULES = {"siamese": ("S10", "S11", "S15"), "ctc": ("C1", "C16")}
_SATURATED = 0.5
_CLIPPED = 0.5


class Watch(keras.callbacks.Callback):
    """Look for collapse, dead hinges, only blanks, clipped steps and saturated gates.

    A few rows of a batch are looked at before the first step, after every epoch and, if
    asked, every so many steps. What is found is printed once and kept. The training
    itself goes on as it would have: weights, optimizer and random state are left alone.

    Parameters
    ----------
    batch : tuple, optional
        (x, y) as for `examine`. By default the first batch of what `fit` is given:
        arrays, a `keras.utils.PyDataset`, a tf.data.Dataset; a generator cannot be read
        twice, and needs one.
    every : int, optional
        Look every so many steps as well.
    kind : {"siamese", "ctc"}, optional
        As for `examine`.
    size : int
        How many rows of the batch are looked at.
    verbose : int
        0: say nothing.

    Attributes
    ----------
    findings : list of Finding
        In the order in which they turned up, each once.
    history : list of dict
        For every look: "step", "epoch", "loss", "spread" of the embeddings or "blanks",
        "gates" (share saturated, of the worst LSTM), "norm" of the gradient,
        "clipped" (whether the optimizer shortens it), each if it could be told.

    Examples
    --------
    >>> import siamlab as sl
    >>> watch = Watch(verbose=0)
    >>> model = keras.Sequential([keras.layers.Dense(4, kernel_initializer="zeros")])
    >>> model.compile("sgd", sl.losses.KLHinge(from_logits=True))
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
        self._unknown: dict[str, str] = {}

    def on_train_begin(self, logs=None):
        """Take a batch, and look before the first step.

        Parameters
        ----------
        logs : dict, optional
            Not used.
        """
        batch = self.batch if self.batch is not None else _batch_of_fit(self.model)
        found = rows.batches(batch)
        if not found:
            self._say(
                "siamlab.doctor.Watch: the data of this training cannot be read twice; "
                "hand a batch over, Watch((x, y))"
            )
            self._seen = None
            return
        x, y = found[0]
        some = slice(self.size)
        n = rows.count(x)
        self._seen = (
            rows.take(x, some),
            rows.take(y, some) if y is not None and rows.count(y) == n else y,
        )
        self._kind = self.kind or kind_of(self.model, self._seen)
        self._look()

    def on_train_batch_end(self, batch, logs=None):
        """Count the step, and look if it is time.

        Parameters
        ----------
        batch : int
            Not used.
        logs : dict, optional
            Figures of the training so far.
        """
        self._step += 1
        if self.every and self._step % self.every == 0:
            self._look(logs)

    def on_epoch_end(self, epoch, logs=None):
        """Look.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Figures of the epoch.
        """
        self._epoch = epoch + 1
        self._look(logs)

    def report(self):
        """Give what was found so far as `examine` does.

        Returns
        -------
        Report
        """
        found = sorted(self.findings, key=lambda f: SEVERITIES.index(f.severity))
        codes = {f.code for f in found}
        kind = getattr(self, "_kind", "siamese")
        order = [c for c in _RULES[kind] if c not in codes and c not in self._unknown]
        unknown = {c: why for c, why in self._unknown.items() if c not in codes}
        return Report(kind, tuple(found), tuple(order), unknown)

    # ------------------------------------------------------------------ one look

    def _look(self, logs=None):
        if self._seen is None:
            return
        look: dict = {"step": self._step, "epoch": self._epoch}
        if logs and "loss" in logs:
            look["loss"] = float(logs["loss"])
        with preserve_state(self.model), trace.quickly():
            case = Case(self.model, self._seen, kind=self._kind)
            for code in _RULES[self._kind]:
                self._apply(RULES[code], case)
            for measure in (self._spread, self._gates, self._steps):
                look.update(_or_nothing(measure, case))
        if not np.isfinite(look.get("loss", 0.0)):
            self._found(
                RULES["S15"],
                look["loss"],
                f"the loss of the training is {look['loss']}",
            )
        self.history.append(look)

    def _apply(self, rule, case):
        try:
            result = rule(case)
        except NotExamined as reason:
            self._unknown[rule.code] = str(reason)
        except Exception as error:
            self._unknown[rule.code] = f"the rule met {type(error).__name__}: {error}"
        else:
            self._unknown.pop(rule.code, None)
            if result is not None:
                self._found(rule, *result)

    def _spread(self, case):
        if self._kind == "ctc":
            return {"blanks": _blanks(case.phones)}
        return {"spread": vectors.spread(case.pair.all_embeddings)}

    def _gates(self, case):
        if not any(isinstance(layer, keras.layers.LSTM) for layer in case.layers):
            return {}
        few = rows.take(case.x, slice(8))
        try:
            shares = scaling.gate_saturation(self.model, (few, None))
        except ArgumentError:  # a subclassed model
            return {}
        name = max(shares, key=shares.__getitem__)
        if shares[name] > _SATURATED:
            rule = RULES["S30" if self._kind == "siamese" else "C1"]
            self._found(
                rule,
                shares[name],
                f"{shares[name]:.0%} of the gates of {name} are beyond 4",
            )
        return {"gates": shares[name]}

    def _steps(self, case):
        norms = weight_gradients.norms(self.model, case.objective, case.x, case.y)
        limit = _limit(self.model.optimizer)
        whole = float(np.sqrt(np.sum(np.square(norms))))
        if limit is None:
            return {"norm": whole}
        name, value = limit
        clipped = bool(
            whole > value if name == "global_clipnorm" else max(norms) > value
        )
        looks = [h["clipped"] for h in self.history if "clipped" in h] + [clipped]
        share = float(np.mean(looks))
        if len(looks) >= 4 and share > _CLIPPED and "C18" in RULES:
            self._found(
                RULES["C18"],
                share,
                f"at {share:.0%} of {len(looks)} looks the gradient, now of norm "
                f"{whole:.3g}, is beyond {name}={value:g}",
            )
        return {"norm": whole, "clipped": clipped}

    def _found(self, rule, value, evidence):
        if any(finding.code == rule.code for finding in self.findings):
            return
        when = "before the first step" if not self._step else f"after step {self._step}"
        finding = Finding(
            rule.code,
            rule.severity,
            rule.title,
            f"{when}: {evidence}",
            float(value),
            rule.fix,
            rule.notebook,
        )
        self.findings.append(finding)
        self._say(str(finding))

    def _say(self, sentence):
        if self.verbose:
            print(sentence)


def _or_nothing(measure, case):
    """Ask for figures; a training must not end because one cannot be told."""
    try:
        return measure(case)
    except Exception:
        return {}


def _blanks(phones):
    """Share of frames, those of padding left out, on which the blank is likeliest."""
    best = np.asarray(phones.posteriors).argmax(axis=-1)
    true = np.arange(best.shape[1]) < np.asarray(phones.true_outputs)[:, None]
    return float(np.mean(best[true] == phones.blank))


def _limit(optimizer):
    """By what an optimizer shortens gradients: name and value, or None."""
    for name in ("global_clipnorm", "clipnorm", "clipvalue"):
        value = getattr(optimizer, name, None)
        if value:
            return name, float(value)
    return None


def _batch_of_fit(model):
    """First batch of the data of the `fit` that is running, or None.

    Keras hands no data to callbacks. The data is looked up in `fit` itself, in which we
    are being called; where that fails, the reader is asked for a batch.
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
