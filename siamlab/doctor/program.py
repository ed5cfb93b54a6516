"""The program under examination: what was given, and what can be asked of it."""

import keras
import numpy as np

from .. import scaling
from ..errors import ArgumentError
from . import recorder
from .arrays import first_batch, flatten, n_rows, question, take, to_arrays
from .comparison import Comparison
from .objective import Loss, added_losses, clear_added_losses, find_loss
from .report import Skip
from .towers import Inputs, Towers, has_kernel
from .transcription import Transcription

# More rows take time and change no result.
_MAX_ROWS = 128


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

    def __init__(
        self,
        model,
        batch=None,
        *,
        kind=None,
        loss=None,
        metrics=None,
        embed=None,
        extractor=None,
        pairs=None,
        callbacks=None,
        decode=None,
    ):
        self.model, self.given_loss, self.metrics = model, loss, metrics
        self.embed, self.extractor, self.pairs = embed, extractor, pairs
        self.callbacks, self.decode = callbacks, decode
        x, y = first_batch(batch)
        rows = slice(_MAX_ROWS)
        n = 0 if x is None else n_rows(x)
        self.x = take(x, rows)
        self.y = take(y, rows) if y is not None and n_rows(y) == n else y
        self.kind = kind or self._find_kind()

    @property
    def is_keras(self):
        """Whether the model is a model of Keras."""
        return isinstance(self.model, keras.layers.Layer)

    def _find_kind(self):
        """Tell what the program is for: a call of a CTC loss, or the batch, says it."""
        if self.pairs is not None or self.extractor is not None:
            return "siamese"
        if self.decode is not None or self._calls_ctc():
            return "ctc"
        if self.x is None:
            raise ArgumentError('without a batch, give kind="siamese" or kind="ctc"')
        if flatten((self.x,)):
            return "siamese"
        raise ArgumentError(
            'it is not clear what the program is for; give kind="siamese" or kind="ctc"'
        )

    def _calls_ctc(self):
        try:
            return self.transcription.attempt[0] is not None
        except Skip:
            return False

    def _all_layers(self):
        return list(self.model._flatten_layers(include_self=False))

    # ------------------------------------------------------------------- the model

    @question
    def network(self):
        """The model, if it is a model of Keras."""
        if self.model is None:
            raise Skip("no model was given")
        if not self.is_keras:
            raise Skip("the model is not a Keras model")
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
        return to_arrays(self.output_for(self.x))

    def output_for(self, x):
        """Return the output of the model for other inputs.

        Parameters
        ----------
        x : object
            Arrays in the structure of the inputs.

        Returns
        -------
        object
            Tensors.
        """
        if self.model is None:
            raise Skip("no model was given")
        return recorder.call_model(self.model, x)

    @question
    def layers(self):
        """All layers, including those of nested models."""
        self.recorded  # noqa: B018  builds the model
        return self._all_layers()

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
            if call.is_model or not has_kernel(call.layer, trainable=True):
                continue
            for value in flatten((call.inputs,)):
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
        try:
            few = take(self.x, slice(4))
            return next(iter(scaling.gate_saturation(self.model, (few, None)).values()))
        except Exception:
            return None

    # -------------------------------------------------------------------- the loss

    @question
    def loss(self):
        """What the program minimizes, an `objective.Loss`."""
        return find_loss(self.model, self.given_loss)

    # ----------------------------------------------------------- the two kinds of views

    @question
    def transcription(self):
        """Outputs, labels and lengths of a CTC program."""
        return Transcription(self)

    @question
    def comparison(self):
        """The embeddings of a siamese program, and the loss of any others."""
        if self.x is None:
            raise Skip("no batch was given")
        if self.is_keras:
            return self._of_model()
        return self._of_functions()

    @question
    def sounds(self):
        """The recordings of the batch, one array for each input."""
        if self.x is None:
            raise Skip("no batch was given")
        return Inputs(self.x).sounds

    def _of_model(self):
        inputs = Inputs(self.x)
        towers = Towers(self.model, inputs, self.recorded)
        added = bool(added_losses(self.model))
        clear_added_losses(self.model)
        labels = self._row_labels()
        score = towers.score if len(inputs.sounds) > 1 else None
        if inputs.labels is not None or added:
            inner = _LossInside(self, towers, inputs, added)
            if inputs.labels is not None and (labels is None or not labels.any()):
                labels = inputs.labels
            return Comparison(
                self, towers.embeddings, labels, inner, None, towers, any_rows=False
            )
        loss = _LossOfOutputs(self) if self._has_loss() else None
        return Comparison(
            self, towers.embeddings, labels, loss, score, towers, self.recorded[0]
        )

    def _has_loss(self):
        try:
            return self.loss is not None
        except Skip:
            return False

    def _row_labels(self):
        labels = flatten((self.y,)) if self.y is not None else []
        return labels[0] if len(labels) == 1 else None

    def _of_functions(self):
        sounds = self.sounds
        if self.embed is not None:
            embeddings = tuple(_as_vectors(self.embed(sound)) for sound in sounds)
        elif self.model is not None or all(s.ndim == 2 for s in sounds):
            embeddings = tuple(_as_vectors(sound) for sound in sounds)
        else:
            raise Skip("embeddings are not known without a Keras model", "embed")
        loss = _LossOfOutputs(self) if self._has_loss() else None
        return Comparison(self, embeddings, self._row_labels(), loss, self.model)


class _LossOfOutputs:
    """The loss as a function of labels and outputs, for any number of rows."""

    def __init__(self, program):
        self._program, self._loss = program, program.loss

    def _inputs(self, outputs):
        n = n_rows(self._program.x)
        arrays = [a for a in keras.tree.flatten(outputs) if hasattr(a, "shape")]
        m = int(arrays[0].shape[0]) if arrays else n
        x = self._program.x
        return x if m == n else take(x, np.arange(m) % n)

    def __call__(self, labels, outputs):
        return self._loss(self._inputs(outputs), labels, outputs)

    def tensor(self, labels, outputs):
        return self._loss.tensor(self._inputs(outputs), labels, outputs)


class _LossInside:
    """The loss of a model that receives the labels, or adds its loss itself."""

    def __init__(self, program, towers, inputs, added):
        self._program, self._towers, self._inputs = program, towers, inputs
        self._added = added
        self._loss = Loss(self._compute)

    def _compute(self, x, labels, embeddings):
        if not isinstance(embeddings, tuple | list):
            embeddings = (embeddings,)
        model = self._program.model
        clear_added_losses(model)
        inputs = self._inputs.with_labels(labels) if labels is not None else None
        outputs = self._towers.score(*embeddings, x=inputs)
        total = 0.0
        if self._added:
            total = sum(keras.ops.mean(each) for each in added_losses(model))
            clear_added_losses(model)
        if self._program._has_loss():
            y = self._program.y if self._inputs.labels is not None else labels
            total = total + self._program.loss.tensor(self._program.x, y, outputs)
        return total

    def __call__(self, labels, outputs):
        return self._loss(None, labels, outputs)

    def tensor(self, labels, outputs):
        return self._loss.tensor(None, labels, outputs)


def _as_vectors(value):
    array = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    array = np.asarray(to_arrays(array), np.float32)
    return array.reshape(len(array), -1)
