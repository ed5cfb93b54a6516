"""What a rule may ask about a program."""

import keras
import numpy as np

from .. import scaling
from ..errors import ArgumentError
from . import rows, trace
from .objective import measures, objective
from .pairs import PairProbe
from .phones import PhoneProbe
from .rule import NotExamined, probe
from .towers import has_kernel

# More rows do not change a verdict and cost time.
_ROWS = 128


class Case:
    """One program under examination: what was given, and what can be found out.

    A property computes what it says once; where the program does not offer what is
    needed it raises `NotExamined`, which a rule lets pass.

    Parameters
    ----------
    model : keras.Model, callable or None
        The program's network, or a function of two embeddings.
    batch : see `rows.batches`
        What it is trained with.
    loss, metrics, optimizer, extractor, pairs
        As for `examine`.
    kind : str
        "siamese" or "ctc".
    facts : dict
        What else is known of the program; see `FACTS`.
    """

    def __init__(
        self,
        model,
        batch,
        *,
        kind,
        loss=None,
        metrics=None,
        optimizer=None,
        extractor=None,
        pairs=None,
        facts=None,
    ):
        self.model, self.kind = model, kind
        self.given_loss, self.given_metrics = loss, metrics
        self.given_optimizer, self.given_extractor = optimizer, extractor
        self.given_pairs, self.facts = pairs, dict(facts or {})
        self.batches = [
            (rows.take(x, slice(_ROWS)), None if y is None else _first(y, x))
            for x, y in rows.batches(batch)
        ]

    # ------------------------------------------------------------------ what is given

    @property
    def x(self):
        """Inputs of the first batch; arrays in the structure that was given."""
        if not self.batches:
            raise NotExamined("no batch was given")
        return self.batches[0][0]

    @property
    def y(self):
        """Labels of the first batch."""
        if not self.batches or self.batches[0][1] is None:
            raise NotExamined("the batch has no labels")
        return self.batches[0][1]

    @property
    def network(self):
        """The model, if it is one of Keras'."""
        if not isinstance(self.model, keras.layers.Layer):
            raise NotExamined("no Keras model was given")
        return self.model

    @property
    def extractor(self):
        """The network that embeddings are taken from."""
        if self.given_extractor is None:
            raise NotExamined("no extractor was given")
        return self.given_extractor

    @property
    def pairs(self):
        """The pairs of the training, as they were given."""
        if self.given_pairs is None:
            raise NotExamined("no pairs were given")
        return self.given_pairs

    @property
    def optimizer(self):
        """The optimizer."""
        found = self.given_optimizer
        if found is None:
            found = getattr(self.model, "optimizer", None)
        if found is None:
            raise NotExamined("no optimizer was given")
        return found

    def fact(self, *names):
        """Give the first of some facts that is known.

        Raises
        ------
        NotExamined
            If none is; the sentence says which are missing.
        """
        for name in names:
            if self.facts.get(name) is not None:
                return self.facts[name]
        raise NotExamined(f"needs {' or '.join(names)}=")

    # ------------------------------------------------------------------ the network

    @probe
    def recorded(self):
        """Output on the batch and all calls of layers, as in inference."""
        return trace.record(self.network, self.x)

    @property
    def output(self):
        """Output of the model on the batch, as arrays."""
        return self.recorded[0]

    @property
    def calls(self):
        """Every layer's call on the batch; see `trace.Call`."""
        return self.recorded[1]

    @probe
    def training_calls(self):
        """Layers' calls on the first rows, as in training: batch statistics count."""
        return trace.record(self.network, rows.take(self.x, slice(32)), True)[1]

    @probe
    def layers(self):
        """All layers, nested ones included, each once."""
        return list(self.network._flatten_layers(include_self=False))

    @probe
    def first_seen(self):
        """Find what the first layer with a kernel is given, frame after frame.

        As in training, so that a scaling, a normalization or an augmentation in front
        of it has been done. Shape (..., bands).
        """
        for call in self.training_calls:
            if call.is_model or not has_kernel(call.layer, trainable=True):
                continue
            for value in rows.flat((call.inputs,)):
                if value.ndim >= 2 and np.issubdtype(value.dtype, np.floating):
                    return value
        raise NotExamined("no layer of the model has a kernel")

    def gates_shut(self, rows_looked_at):
        """Share of saturated gates of the first LSTM; None without one.

        It adorns the evidence; a verdict stands without it.
        """
        few = rows.take(self.x, slice(rows_looked_at))
        try:
            shares = scaling.gate_saturation(self.network, (few, None))
        except Exception:
            return None
        return next(iter(shares.values()), None)

    # ------------------------------------------------------------------ what is asked

    @probe
    def objective(self):
        """Find the loss; see `Objective`."""
        return objective(self.model, self.given_loss)

    @probe
    def measures(self):
        """Find the metrics, each a `Measure`."""
        y = self.y
        try:
            shown = self.output
        except NotExamined:
            shown = self.pair.outputs
        found = measures(self.model, self.given_metrics, y, shown)
        if not found:
            raise NotExamined("no metric was given")
        return found

    @probe
    def pair(self):
        """Two embeddings at a time; see `PairProbe`."""
        return PairProbe(self)

    @probe
    def phones(self):
        """Find outputs, labels and lengths of a CTC program; see `PhoneProbe`."""
        return PhoneProbe(self)


def _first(y, x):
    n = rows.count(x)
    return rows.take(y, slice(_ROWS)) if rows.count(y) == n else y


def kind_of(model, batch, pairs=None):
    """Tell from a batch what a program is for.

    Returns
    -------
    str
        "siamese" or "ctc".

    Raises
    ------
    ArgumentError
        If it may be either.
    """
    given = rows.batches(batch)
    if not given:
        if pairs is not None:
            return "siamese"
        raise ArgumentError('say what the program is for: kind="siamese" or kind="ctc"')
    x, y = given[0]
    inputs = rows.flat((x,))
    frames = [a for a in inputs if a.ndim == 3]
    whole = [a for a in inputs if np.issubdtype(a.dtype, np.integer)]
    n = rows.count(x)
    labels = None if y is None else rows.flat((y,))
    if len(frames) >= 2 or pairs is not None:
        return "siamese"
    if whole and any(a.ndim == 2 and a.shape[1] > 1 for a in whole):
        return "ctc"  # labels among the inputs
    if labels and len(labels) == 1 and len(frames) == 1:
        y = labels[0]
        if y.ndim <= 1 or y.shape[1:] == (1,):
            return "siamese"
        if y.ndim >= 2 and len(y) == n:
            return "ctc"
    if len(inputs) >= 2 and all(a.shape == inputs[0].shape for a in inputs):
        return "siamese"
    if len(inputs) == 1 and inputs[0].ndim in (2, 4):
        return "siamese"
    raise ArgumentError(
        'the batch does not tell what the program is for; say kind="siamese" or '
        'kind="ctc"'
    )
