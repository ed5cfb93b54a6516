"""Outputs, labels and lengths of a CTC program, wherever they are."""

import keras
import numpy as np
from keras import ops, tree

from . import rows, trace, utterances
from .ctc_oracle import Oracle
from .evaluation import Evaluation
from .inside import added_losses, clear_added, equal, is_sequence
from .rule import NotExamined, probe
from .spied import spy

# Utterances that are asked about one by one; more take time and tell nothing new.
FEW = 8


class PhoneProbe:
    """Spectrograms, outputs, labels and lengths, and the loss of any outputs.

    Parameters
    ----------
    case : Case
        Of a CTC, or a framewise, program.

    Attributes
    ----------
    style : str
        "labels": the loss is computed from the model's outputs; "inside": labels are
        among the model's inputs, and the loss is its output, or added to it;
        "arrays": no model was given.
    """

    def __init__(self, case):
        self.case = case
        x = case.batches[0][0] if case.batches else None
        y = case.batches[0][1] if case.batches else None
        self.x, self.y = x, y
        found = (None, None, []) if x is None else utterances.slots(x, y)
        self.signal_slot, self.label_slot, self.length_slots = found
        self.style = self._style()

    def _style(self):
        if not isinstance(self.case.model, keras.layers.Layer):
            return "arrays"
        if self.label_slot is None or self.label_slot.side == "y":
            return "labels"
        try:
            flat = rows.flat((self.case.output,))
        except NotExamined:
            return "inside"
        if not any(is_sequence(a, self.size) for a in flat):
            return "inside"
        return "inside" if bool(added_losses(self.case.model)) else "labels"

    # ------------------------------------------------------------ what is given

    @property
    def size(self):
        """Utterances in the batch."""
        return rows.count(self.x) if self.x is not None else 0

    @probe
    def spectrogram(self):
        """Give the input with its padding, shape (batch, frames, bands)."""
        if self.signal_slot is None or self.signal_slot.array.ndim < 3:
            raise NotExamined("the batch holds no spectrogram (batch, frames, bands)")
        array = self.signal_slot.array
        return array.reshape(*array.shape[:2], -1).astype(np.float64)

    @probe
    def label_array(self):
        """Labels as they are given, with their padding, shape (batch, labels)."""
        if self.label_slot is None:
            raise NotExamined("the batch has no labels")
        if self.label_slot.array.ndim != 2:
            raise NotExamined("the labels are no sequence of numbers")
        return np.round(self.label_slot.array).astype(int)

    @probe
    def length_roles(self):
        """Find the lengths (of the input, of the labels), each a Slot or None.

        What they say decides: a length of labels ends them where their padding begins.
        """
        return utterances.length_roles(self.length_slots, self.label_slot)

    @probe
    def input_lengths(self):
        """Lengths of the inputs as they are given, shape (batch,)."""
        slot = self.length_roles[0]
        given = self.case.facts.get("input_lengths")
        if slot is not None:
            given = slot.array
        if given is None:
            raise NotExamined("no lengths of the inputs are given")
        return np.asarray(given, np.float64).reshape(-1)

    @probe
    def labels(self):
        """Give the true labels of each utterance, a list of int arrays."""
        given = self.case.facts.get("labels")
        if self.label_slot is None and given is not None:
            return as_lists(given, self.case.facts.get("label_lengths"))
        slot = self.length_roles[1]
        lengths = self.case.facts.get("label_lengths") if slot is None else slot.array
        if lengths is not None and np.size(lengths) != self.size:
            lengths = None
        return utterances.true_labels(self.label_array, lengths)

    @probe
    def padding(self):
        """Which frames do not change at the ends, shape (batch, frames); booleans."""
        return utterances.constant_ends(self.spectrogram)

    @probe
    def true_frames(self):
        """Frames of each spectrogram that are no padding, shape (batch,).

        From the lengths that are given, whether they count frames of the spectrogram
        or of the outputs, where these agree with the padding that is seen.
        """
        frames = self.spectrogram.shape[1]
        seen = frames - self.padding.sum(axis=1)
        try:
            given = self.input_lengths
        except NotExamined:
            return seen
        return utterances.in_frames(given, seen, frames, self._stride_or_1())

    @probe
    def is_padding(self):
        """Which frames are behind, or before, an utterance; (batch, frames)."""
        seen = self.padding
        if seen.any() and seen[:, 0].any():
            return seen
        # Lengths that were rounded up to a stride end within the padding.
        return seen | (np.arange(seen.shape[1]) >= self.true_frames[:, None])

    # ------------------------------------------------------------ what comes out

    @probe
    def place(self):
        """Find the call that gives the outputs, in "inside" style.

        The last that is a sequence, heeds the spectrogram and not the labels.
        """
        calls = self.case.calls
        other = self._recorded_with_other_labels
        found = [
            c
            for c, o in zip(calls, other, strict=True)
            if isinstance(c.output, np.ndarray)
            and is_sequence(c.output, self.size)
            and np.array_equal(c.output, o.output, equal_nan=True)
            # A layer that adds the loss and passes the outputs on is given labels.
            and equal(c.inputs, o.inputs)
        ]
        signal = np.where(
            np.isfinite(self.signal_slot.array), self.signal_slot.array, 0
        )
        # Reversed in time and in rows: other sound, of the same kind.
        x = self.signal_slot.put(self.x, np.ascontiguousarray(signal[::-1, ::-1]))
        heard = trace.record(self.case.model, x)[1]
        found = [
            c
            for c in found
            if c.place < len(heard)
            and not np.array_equal(c.output, heard[c.place].output, equal_nan=True)
        ]
        if not found:
            raise NotExamined("no layer gives a sequence that heeds the sound alone")
        # The outermost of those that end last.
        return max(found, key=lambda c: (c.ends, -c.place)).place

    @probe
    def _recorded_with_other_labels(self):
        x = self.label_slot.put(self.x, self._in_labels(self.safe_labels))
        calls = trace.record(self.case.model, x)[1]
        if len(calls) != len(self.case.calls):
            raise NotExamined("the model does not call its layers in the same order")
        return calls

    @probe
    def outputs(self):
        """Give the outputs on the batch, shape (batch, frames of outputs, classes)."""
        if self.style == "arrays":
            given = self.case.fact("posteriors", "outputs")
            if isinstance(given, np.ndarray) and given.ndim == 3:
                return np.asarray(given, np.float64)
            raise NotExamined("no model was given")
        if self.style == "inside":
            return self.case.calls[self.place].output
        flat = [a for a in rows.flat((self.case.output,)) if is_sequence(a, self.size)]
        if len(flat) != 1:
            raise NotExamined("the model gives no outputs (batch, frames, classes)")
        return flat[0]

    @property
    def classes(self):
        """Number of classes."""
        return self.outputs.shape[2]

    @probe
    def stride(self):
        """Frames of the spectrogram for each frame of the outputs."""
        return max(self.spectrogram.shape[1] / self.outputs.shape[1], 1e-9)

    def _stride_or_1(self):
        try:
            return self.stride
        except NotExamined:
            pass
        called = self.attempt[2] if self.style == "inside" else None
        if called is None:
            return 1.0
        return max(self.spectrogram.shape[1] / max(called.frames, 1), 1e-9)

    @probe
    def true_outputs(self):
        """Frames of the outputs that belong to each utterance, shape (batch,)."""
        try:
            there = self.outputs.shape[1]
        except NotExamined:
            there = int(np.ceil(self.spectrogram.shape[1] / self._stride_or_1()))
        try:
            n = np.ceil(self.true_frames / self._stride_or_1() - 1e-6)
        except NotExamined:
            n = np.asarray(self.input_lengths)
        return np.clip(n, 0, there).astype(int)

    @probe
    def output_kind(self):
        """Tell what outputs are: "probabilities", "log" (of such) or "logits"."""
        out = np.asarray(self.outputs, np.float64)
        if not np.isfinite(out).all():
            raise NotExamined("outputs are no finite numbers")
        if out.min() >= 0 and np.abs(out.sum(-1) - 1).max() < 1e-2:
            return "probabilities"
        if out.max() <= 1e-3 and np.abs(np.exp(out).sum(-1) - 1).max() < 1e-2:
            return "log"
        return "logits"

    @probe
    def posteriors(self):
        """Give outputs as probabilities, whatever they are."""
        out = np.asarray(self.outputs, np.float64)
        if self.output_kind == "probabilities":
            return out
        out = np.exp(out - out.max(axis=-1, keepdims=True))
        return out / out.sum(axis=-1, keepdims=True)

    # ------------------------------------------------------------ the loss of anything

    def _in_labels(self, labels):
        """Put labels of the same lengths in the place of the true ones."""
        new = self.label_slot.array.copy()
        for row, values in zip(new, labels, strict=True):
            row[: len(values)] = values
        return new

    def _exchanged(self, labels):
        """Make inputs and targets with other labels in them."""
        if labels is None:
            return self.x, self.y
        array = self._in_labels(labels)
        if self.label_slot.side == "x":
            return self.label_slot.put(self.x, array), self.y
        return self.x, self.label_slot.put(self.y, array)

    def whole(self, outputs, labels=None):
        """Compute the loss of the batch, as the program has it before it is averaged.

        Parameters
        ----------
        outputs : array_like
            Shape (batch, frames of outputs, classes).
        labels : list of array_like, optional
            Instead of the true ones, of the same lengths.
        """
        x, y = self._exchanged(labels)
        return self._values(outputs, x, y)

    def loss(self, outputs, labels=None, together=False):
        """Compute the loss of each utterance, shape (batch,); see `whole`.

        Where the program gives one number for a batch, each of the first utterances is
        shown to it as a batch of itself twice; those of the others are NaN. With
        `together` that number stands for each of them.
        """
        values = self.whole(outputs, labels)
        if values.ndim and len(values) == len(outputs):
            return values.reshape(len(values), -1).sum(axis=1)
        if together:
            return np.full(len(outputs), values.mean())
        x, y = self._exchanged(labels)
        found = np.full(len(outputs), np.nan)
        for i in range(min(len(outputs), FEW)):
            two = np.asarray([i, i])
            parts = (rows.take(part, two) for part in (outputs, x, y))
            found[i] = np.mean(self._values(*parts))
        return found

    @probe
    def _values(self):
        """Make the function (outputs, x, y) -> the loss before it is averaged."""
        if self.style == "inside":
            fixed = {
                c.place
                for c, o in zip(
                    self.case.calls, self._recorded_with_other_labels, strict=True
                )
                if c.ends <= self.place and equal(c.output, o.output)
            }
            return Evaluation(lambda out, x, y: self._inside(out, x, fixed))
        objective = self.case.objective
        if objective.takes_x:
            return Evaluation(lambda out, x, y: objective.compute(y, out, x))
        return Evaluation(lambda out, x, y: objective.compute(y, out))

    def _inside(self, outputs, x, fixed):
        """Run the model with other outputs, and take the loss that comes of it."""
        model = self.case.model
        clear_added(model)
        replaced = {self.place: outputs}
        given = trace.replay(model, x, self.case.calls, replaced, kept=fixed)
        added = added_losses(model)
        if added:
            clear_added(model)
            return sum(ops.mean(a) for a in added)
        flat = [a for a in tree.flatten(given) if len(a.shape) <= 2]
        if len(flat) != 1:
            raise NotExamined("the model gives no loss")
        return flat[0]

    @probe
    def attempt(self):
        """Loss of the program's own outputs: (values or None, reason, CTCCall or None).

        The call of the CTC algorithm is known even where the loss cannot be computed.
        """
        values = reason = None
        with spy() as seen:
            try:
                if self.style == "inside":
                    trace.call(self.case.model, self.x)
                    if not seen:
                        values = self.whole(self.outputs)
                else:
                    values = self.whole(self.outputs)
            except NotExamined as error:
                reason = str(error)
        if values is None and reason is None:
            try:
                values = self.whole(self.outputs)
            except NotExamined as error:
                reason = str(error)
        return values, reason, seen[-1] if seen else None

    @property
    def called(self):
        """What the CTC algorithm is called with; see `CTCCall`."""
        found = self.attempt[2]
        if found is None:
            raise NotExamined("nobody saw a CTC loss being computed")
        return found

    # ------------------------------------------------------------ what the loss wants

    @probe
    def safe_labels(self):
        """Labels of the same lengths that are no one's blank and have no repeats.

        The first and the last class may be blanks; so they are left out.
        """
        labels = self.labels
        try:
            classes = self.classes if self.style != "inside" else 0
        except NotExamined:
            classes = 0
        if not classes:
            # Not known before the outputs are found: labels that do occur.
            seen = np.unique(np.concatenate(labels)) if labels else np.asarray([])
            inner = seen[seen > 0][:-1] if (seen > 0).sum() > 2 else seen[seen > 0]
            inner = inner if len(inner) else np.asarray([1])
        else:
            if classes < 3:
                raise NotExamined("fewer than three classes")
            inner = np.arange(1, classes - 1)
        return [
            inner[(np.arange(len(row)) + i) % len(inner)]
            for i, row in enumerate(labels)
        ]

    @probe
    def oracle(self):
        """Made-up outputs, and what they tell of the loss; see `Oracle`."""
        return Oracle(self)

    @property
    def blank(self):
        """Which class is the blank of the loss."""
        return self.oracle.blank

    @property
    def wants(self):
        """What the loss takes: "logits", "probabilities" or "log"."""
        return self.oracle.wants

    @property
    def as_ctc(self):
        """The probe itself, of a CTC program; a framewise one is not examined."""
        if not self.is_ctc:
            raise NotExamined("the program has a label for each frame: no CTC")
        return self

    @probe
    def is_ctc(self):
        """Whether labels are a sequence without times, not one for each frame."""
        if self.label_slot is not None and self.label_slot.array.ndim == 3:
            return False
        if self.style == "arrays":
            return True
        if self.attempt[2] is not None or self.style == "inside":
            return True
        wide = self.label_array.shape[1] == self.outputs.shape[1]
        if not wide:
            return True
        values = self.attempt[0]
        if values is not None and values.ndim == 2 and values.shape[1] > 1:
            return False
        return self.oracle.is_ctc


def as_lists(given, lengths=None):
    """Give labels as a list of arrays, padding removed; from lists or an array."""
    if isinstance(given, np.ndarray) and given.ndim == 2:
        return utterances.true_labels(given, lengths)
    return [np.asarray(row).reshape(-1) for row in given]
