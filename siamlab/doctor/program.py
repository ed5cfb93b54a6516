"""The program under examination: what was given, and what can be asked of it."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from .. import scaling
from ..errors import ArgumentError
from . import recorder
from .arrays import first_batch, flatten, n_rows, question, take, to_arrays, to_tensors
from .comparison import Comparison
from .objective import Loss, find_loss, pop_added_losses
from .report import Skip
from .sweep import Sweep
from .towers import Inputs, Towers, has_kernel
from .transcription import Transcription

# More rows take time and change no result.
_MAX_ROWS = 128


@dataclasses.dataclass(eq=False)
class Program:
    """A program for speaker embeddings or for transcription.

    Parameters
    ----------
    model : keras.Model, callable or None
        As for `examine`.
    batch : tuple
        As for `examine`; at most 128 rows are used.
    kind : {"siamese", "ctc"}, optional
        By default the model, the loss and the batch decide.
    loss, metrics, embed, extractor, pairs, callbacks, decode : optional
        As for `examine`.

    Attributes
    ----------
    x, y : object
        Inputs and labels, arrays in the structure that was given, or None.
    """

    model: Any
    batch: dataclasses.InitVar[object] = None
    kind: str | None = None
    loss: object = None
    metrics: object = None
    embed: Callable | None = None
    extractor: object = None
    pairs: object = None
    callbacks: object = None
    decode: Callable | None = None

    def __post_init__(self, batch):
        x, y = first_batch(batch)
        n = 0 if x is None else n_rows(x)
        self.x = take(x, slice(_MAX_ROWS))
        self.y = take(y, slice(_MAX_ROWS)) if n_rows(y) == n else y
        self.kind = self.kind or self._find_kind()

    @property
    def is_keras(self):
        """Whether the model is a model of Keras."""
        return isinstance(self.model, keras.layers.Layer)

    def _find_kind(self):
        """Tell what the program is for: a call of a CTC loss, or the batch, says it."""
        if self.pairs is not None or self.extractor is not None:
            return "siamese"
        with contextlib.suppress(Skip):
            if self.decode is not None or self.transcription.attempt[0] is not None:
                return "ctc"
        if self.x is None:
            raise ArgumentError('without a batch, give kind="siamese" or kind="ctc"')
        return "siamese"

    # ------------------------------------------------------------------- the model

    @question
    def network(self):
        """The model, if it is a model of Keras."""
        if not self.is_keras:
            raise Skip("no model of Keras was given")
        if self.x is None:
            raise Skip("no batch was given")
        return self.model

    @question
    def recorded(self):
        """Output for the batch, and all calls of layers, as in inference."""
        return recorder.record(self.network, self.x)

    @property
    def calls(self):
        """The calls of layers for the batch."""
        return self.recorded[1]

    @question
    def output(self):
        """Output of the model for the batch, arrays."""
        if self.is_keras:
            return self.recorded[0]
        return to_arrays(recorder.call_model(self.model, self.x))

    @question
    def first_values(self):
        """What the first layer with trainable weights receives, shape (..., bands).

        As in training, so that scaling, normalization and augmentation are applied.
        """
        if not self.is_keras:
            arrays = [a for a in flatten((self.x,)) if a.dtype.kind == "f"]
            if not arrays or (self.embed is None and self.model is None):
                raise Skip("no model was given")
            return max(arrays, key=lambda a: a.size)
        few = take(self.x, slice(32))
        for call in recorder.record(self.network, few, True)[1]:
            for value in flatten((call.inputs,)) if has_kernel(call, True) else ():
                if value.ndim >= 2 and value.dtype.kind == "f":
                    return value
        raise Skip("no layer of the model has trainable weights")

    def saturated_gates(self):
        """Compute the fraction of saturated gates of the first LSTM.

        Returns
        -------
        float or None
            None without an LSTM. It is part of the evidence only.
        """
        with contextlib.suppress(Exception):
            few = take(self.x, slice(4))
            return next(iter(scaling.gate_saturation(self.model, (few, None)).values()))
        return None

    # -------------------------------------------------------------------- the loss

    @question
    def objective(self):
        """What the program minimizes, a `Loss` of (x, y, outputs)."""
        return find_loss(self.model, self.loss)

    @question
    def _loss_of_outputs(self):
        """The loss of labels and outputs of any number of rows, or None."""
        try:
            loss, x = self.objective, self.x
        except Skip:
            return None

        def compute(labels, outputs):
            rows = keras.tree.flatten(outputs)[0].shape[:1] or (n_rows(x),)
            given = take(x, np.arange(*rows) % n_rows(x))
            return loss.function(to_tensors(given), labels, outputs)

        return Loss(compute, loss.differentiable)

    def _loss_inside(self, towers, inputs):
        """Return the loss of a model that receives the labels, or adds its loss itself.

        A function of labels and embeddings.
        """

        def compute(labels, embeddings):
            x = inputs.with_labels(labels) if labels is not None else None
            outputs = towers.score(*keras.tree.flatten(embeddings), x=x)
            y = to_tensors(self.y) if inputs.labels is not None else labels
            return self._with_added(y, outputs)

        return Loss(compute)

    def _with_added(self, y, outputs):
        """Return the loss of outputs, together with what layers add, a tensor."""
        total = sum(keras.ops.mean(each) for each in pop_added_losses(self.model))
        outer = self._loss_of_outputs
        return total if outer is None else total + outer.function(y, outputs)

    def loss_of_rows(self, rows):
        """Compute the loss of another batch, made of rows of the batch.

        Parameters
        ----------
        rows : array of int
            Numbers of the rows; some may occur several times.

        Returns
        -------
        float
            The loss, with what layers add.
        """
        x, y = (to_tensors(take(each, rows)) for each in (self.x, self.y))
        return float(self._with_added(y, recorder.call_model(self.model, x)))

    # ----------------------------------------------------------- the two kinds of views

    @question
    def transcription(self):
        """Outputs, labels and lengths of a CTC program."""
        return Transcription(self)

    @question
    def comparison(self):
        """The embeddings of a siamese program, and the loss of any others."""
        labels = flatten((self.y,))
        labels = labels[0] if len(labels) == 1 else None
        loss = self._loss_of_outputs
        if not self.is_keras:
            return Comparison(self, self._embedded, labels, loss, self.model)
        inputs = self.inputs
        towers = Towers(self.model, inputs, self.recorded)
        if not pop_added_losses(self.model) and inputs.labels is None:
            score = towers.score if len(inputs.sounds) > 1 else None
            return Comparison(self, towers.embeddings, labels, loss, score, towers)
        loss = self._loss_inside(towers, inputs)
        if inputs.labels is not None and (labels is None or not labels.any()):
            labels = inputs.labels
        return Comparison(
            self, towers.embeddings, labels, loss, None, towers, any_rows=False
        )

    @question
    def sweep(self):
        """What the loss does from equal embeddings to distant ones."""
        return Sweep(self.comparison)

    @question
    def inputs(self):
        """The recordings of the batch, and what else the model takes."""
        if self.x is None:
            raise Skip("no batch was given")
        return Inputs(self.x)

    @property
    def _embedded(self):
        """The embeddings of a program that is not a Keras model."""
        sounds = self.inputs.sounds
        if self.embed is not None:
            return tuple(_as_vectors(self.embed(sound)) for sound in sounds)
        if self.model is not None or all(s.ndim == 2 for s in sounds):
            return tuple(_as_vectors(sound) for sound in sounds)
        raise Skip("embeddings are not known without a Keras model", "embed")


def _as_vectors(value):
    array = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    array = np.asarray(to_arrays(array), np.float32)
    return array.reshape(len(array), -1)
