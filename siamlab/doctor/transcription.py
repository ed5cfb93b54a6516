"""A program that learns to transcribe with CTC: its batch, and the call of its loss.

However the loss is written, in the end a function of Keras, TensorFlow or PyTorch is
called with labels, outputs and their lengths. Comparing these with the batch shows most
faults.
"""

import contextlib

import numpy as np
from keras import ops, tree

from . import recorder, sequences
from .arrays import flatten, is_matrix, n_rows, question, to_tensors
from .objective import LossError
from .report import Skip


class Transcription:
    """A program that transcribes utterances.

    Parameters
    ----------
    program : Program
        What was given.
    """

    def __init__(self, program):
        self.program = program
        self.x, self.y = program.x, program.y
        if self.x is None:
            raise Skip("no batch was given")
        roles = sequences.find_roles(self.x, self.y)
        self._place, self.label_array, self.input_lengths, self._label_lengths = roles

    # ---------------------------------------------------------------------- the batch

    @question
    def spectrogram(self):
        """The input with its padding, shape (batch, time, bands)."""
        if self._place is None:
            raise Skip("the batch holds no spectrogram (batch, time, bands)")
        array = tree.flatten(self.x)[self._place]
        if array.ndim == 2:  # a waveform
            array = array[..., None]
        return array.reshape(*array.shape[:2], -1).astype(np.float64)

    def with_spectrogram(self, array):
        """Return the inputs with another spectrogram."""
        leaves = tree.flatten(self.x)
        before = leaves[self._place]
        leaves[self._place] = array.reshape(before.shape).astype(before.dtype)
        return tree.pack_sequence_as(self.x, leaves)

    @question
    def labels(self):
        """The true labels of each utterance, a list of integer arrays."""
        if not is_matrix(self.label_array):
            raise Skip("the batch has no sequences of labels")
        array, lengths = np.round(self.label_array).astype(int), self._label_lengths
        columns = self._label_columns(array)
        if columns is not None:  # lengths stand in the same array
            array, lengths = array[:, columns], self.call.label_length
        known = lengths is not None and np.size(lengths) == len(array)
        if columns is not None and known:
            known = sequences.ends_labels(lengths, array)
        return sequences.true_labels(array, lengths if known else None)

    def _label_columns(self, array):
        """Return the columns of an array that the loss takes for labels, or None."""
        call = self.attempt[0]
        told = None if call is None else call.labels
        if not isinstance(told, np.ndarray) or told.shape[:-1] != array.shape[:-1]:
            return None
        n = told.shape[-1]
        for first in range(array.shape[1] - n + 1 if n < array.shape[1] else 0):
            columns = slice(first, first + n)
            for shift in (0, 1, -1):  # to make room for the blank
                alike = told == array[:, columns] + shift
                # Padding may have been replaced.
                other = (told <= 0) | (array[:, columns] <= 0)
                if (alike | other).all() and alike.any(axis=1).all():
                    return columns
        return None

    @question
    def n_labels(self):
        """Number of true labels of each utterance."""
        return np.asarray([len(row) for row in self.labels])

    @question
    def padding(self):
        """Which frames are padding by their values, shape (batch, time)."""
        return sequences.constant_ends(self.spectrogram)

    @question
    def true_frames(self):
        """Frames of each spectrogram without its padding, shape (batch,)."""
        n_frames = self.spectrogram.shape[1]
        seen = n_frames - self.padding.sum(axis=1)
        if self.input_lengths is None:
            return seen
        given = self.input_lengths.astype(np.float64).reshape(-1)
        return sequences.in_frames(given, seen, n_frames, self.stride)

    @question
    def is_padding(self):
        """Which frames lie before or behind an utterance, shape (batch, time)."""
        seen = self.padding
        if seen.any() and seen[:, 0].any():
            return seen
        # Lengths that were rounded up to a stride end within the padding.
        return seen | (np.arange(seen.shape[1]) >= self.true_frames[:, None])

    # ------------------------------------------------------------- the call of the loss

    def run(self, x):
        """Compute the loss for other inputs.

        Returns
        -------
        call : recorder.CTCCall or None
            The last call of a CTC loss, also if it failed.
        error : LossError or None
            The exception of the loss.
        """
        error = None
        with recorder.ctc_calls() as seen:
            try:
                outputs = recorder.call_model(self.program.model, x)
                if not seen:
                    self.program.objective.function(*to_tensors((x, self.y, outputs)))
            except Exception as exception:
                call = recorder.raised_by(exception.__cause__ or exception)
                seen += [call] if call is not None and not seen else []
                if isinstance(exception, Skip) and not seen:
                    raise
                error = LossError.by(exception)
        return seen[-1] if seen else None, error

    @question
    def attempt(self):
        """The result of `run` for the batch."""
        return self.run(self.x)

    @question
    def call(self):
        """The call of the CTC loss."""
        call, error = self.attempt
        if call is None:
            raise error or Skip(
                "the program has a label for each frame, so it is not CTC"
                if self.is_framewise
                else "no call of a CTC loss of Keras, TensorFlow or PyTorch was seen"
            )
        return call

    @property
    def is_framewise(self):
        """Whether there is a label for each frame of the outputs."""
        array = self.label_array
        if array is None:
            return False
        with contextlib.suppress(Skip):
            return array.ndim == 3 or any(
                out.ndim == 3 and out.shape[1] == array.shape[1]
                for out in flatten((self.program.output,))
            )
        return False

    @question
    def outputs(self):
        """The outputs as the loss receives them, shape (batch, time, classes)."""
        outputs = self.call.outputs
        if outputs.ndim != 3:
            raise Skip("the loss does not receive outputs (batch, time, classes)")
        return outputs

    @question
    def posteriors(self):
        """The probabilities that the loss makes of the outputs."""
        out = np.asarray(self.outputs, np.float64)
        if not np.isfinite(out).all():
            raise Skip("the outputs are not finite")
        if self.call.kind == "probabilities":
            return out
        return ops.convert_to_numpy(ops.softmax(out, axis=-1))

    @property
    def stride(self):
        """Frames of the spectrogram for each frame of the outputs."""
        try:
            return self.spectrogram.shape[1] / self.outputs.shape[1]
        except Skip:
            return 1.0

    @question
    def true_outputs(self):
        """Frames of the outputs that belong to each utterance, shape (batch,)."""
        n = np.ceil(self.true_frames / self.stride - 1e-6)
        return np.clip(n, 0, self.outputs.shape[1]).astype(int)

    @question
    def frames_read(self):
        """Frames that the loss is told to read for each utterance, shape (batch,)."""
        n = self.outputs.shape[1]
        given = self.call.output_length
        read = np.full(len(self.outputs), n) if given is None else given.reshape(-1)
        if len(read) != n_rows(self.x):
            raise Skip("the loss does not receive one length for each utterance")
        return read.astype(float)
