"""Six programs with one fault each, for notebook 13.

- `faulty_program`: builds one of them, a `FaultyProgram`.

The faults are in this file: diagnose the programs before you read on.

Notebook: 13_diagnose_it.
"""

import copy
import dataclasses
import functools

import keras
import numpy as np
from keras import layers, ops

from .. import corpora, ctc, distances, sampling, scaling
from ..errors import ArgumentError
from ..features import Spectrogram, extract


@dataclasses.dataclass(frozen=True)
class FaultyProgram:
    """A program that does not do what its author expects; see `faulty_program`.

    Parameters
    ----------
    name : str
        Its letter.
    symptom : str
        What the author of the program reports.
    model : keras.Model
        Compiled, not trained. A siamese program maps pairs to distances, a CTC program
        maps spectrograms to logits, shape (utterances, time, outputs).
    x, y : object
        Training data, as `keras.Model.fit` takes them. Siamese: two arrays of segments,
        shape (pairs, time, mel) each, and 1 for the same speaker, shape (pairs, 1).
        CTC: "spectrogram", shape (utterances, time, mel), and "frames", shape
        (utterances,), and labels, shape (utterances, labels), padded with -1.
    batch_size : int
        For `keras.Model.fit`.
    vocabulary : ctc.Vocabulary, optional
        The symbols of a CTC program.
    """

    name: str
    symptom: str
    model: keras.Model = dataclasses.field(repr=False)
    x: object = dataclasses.field(repr=False)
    y: np.ndarray = dataclasses.field(repr=False)
    batch_size: int = dataclasses.field(repr=False)
    vocabulary: ctc.Vocabulary | None = dataclasses.field(default=None, repr=False)


def faulty_program(name):
    """Build one of the six faulty programs of notebook 13.

    Parameters
    ----------
    name : str
        A letter from "A" to "F".

    Returns
    -------
    FaultyProgram
        The symptom, the compiled model and its training data.

    Raises
    ------
    ArgumentError
        If there is no program of this name.

    Examples
    --------
    >>> program = faulty_program("A")
    >>> program.y.shape
    (256, 1)
    """
    if name not in _SYMPTOMS:
        known = ", ".join(_SYMPTOMS)
        raise ArgumentError(f"name must be one of {known}; got {name!r}")
    return FaultyProgram(name, _SYMPTOMS[name], *_BUILDERS[name]())


@functools.cache
def _pairs():
    corpus = corpora.voices(language="de", n_speakers=60, n_utterances=12, seed=0)
    features = scaling.StandardScaler().fit_transform(extract(corpus))
    return sampling.PairBatches(features, batch_size=256)[0]


def _siamese(keepdims=True, unit=False, margin=1.0, n_encoders=1):
    (a, b), same = copy.deepcopy(_pairs())  # a reader may change them
    encoders = [
        keras.Sequential([keras.Input(a.shape[1:]), layers.LSTM(24), layers.Dense(16)])
        for _ in range(n_encoders)
    ]
    inputs = [keras.Input(a.shape[1:]) for _ in range(2)]
    outputs = [encoders[0](inputs[0]), encoders[-1](inputs[1])]
    if unit:
        outputs = [distances.normalize(each) for each in outputs]
    d = distances.euclidean(*outputs)
    model = keras.Model(inputs, d[:, None] if keepdims else d)
    _compile(model, 0.003, _Contrastive(margin))
    return model, [a, b], same, 64


class _Contrastive(keras.losses.Loss):
    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    def call(self, y_true, y_pred):
        hinge = ops.maximum(self.margin - y_pred, 0.0)
        return y_true * y_pred**2 + (1.0 - y_true) * hinge**2


def _ctc(kind="convolutions", scaled=True, blank=-1, divisor=1):
    corpus = corpora.voices("de", n_speakers=4, n_utterances=50, rooms=False)
    features = extract(corpus, Spectrogram(n_mels=40, hop_length=320, win_length=512))
    features = features.select(np.argsort(features.lengths)[:32])  # quick to train
    vocabulary = ctc.Vocabulary.from_sequences(features.transcripts())
    labels = [vocabulary.encode(phones) for phones in features.transcripts()]
    if scaled:
        features = scaling.StandardScaler().fit_transform(features)
    spectrogram, frames = sampling.pad(features)
    network = keras.Sequential([keras.Input((None, 40))])
    if kind == "blstm":
        network.add(layers.Bidirectional(layers.LSTM(32, return_sequences=True)))
    else:
        for _ in range(2):
            network.add(layers.Conv1D(64, 9, padding="same", activation="relu"))
    network.add(layers.Dense(len(vocabulary)))
    model = _CTC(network, blank % len(vocabulary), divisor)
    _compile(model, 0.005)
    x = {"spectrogram": spectrogram, "frames": frames}
    return model, x, sampling.pad(labels, -1, dtype=np.int32)[0], 8, vocabulary


class _CTC(keras.Model):
    def __init__(self, network, blank, divisor):
        super().__init__(name="phones")
        self.network, self.blank, self.divisor = network, blank, divisor

    def call(self, x, training=None):
        return self.network(x["spectrogram"])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **_):
        y = ops.cast(y, "int32")
        costs = ops.ctc_loss(
            target=ops.maximum(y, 0),
            output=y_pred,
            target_length=ops.sum(ops.cast(y >= 0, "int32"), axis=1),
            output_length=ops.cast(x["frames"], "int32") // self.divisor,
            mask_index=self.blank,
        )
        return ops.mean(costs)


def _compile(model, learning_rate, loss=None):
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)  # or TensorFlow traces a step twice
    model.compile(optimizer, loss)


_SYMPTOMS = {
    "A": "The loss stops falling, and even the training pairs are not told apart.",
    "B": "The loss falls, but every transcription is full of /a/, spoken or not.",
    "C": "The training pairs are separated, but the loss stays far above 0.",
    "D": "The loss stops falling, and all sentences get the same transcription.",
    "E": "The loss is small, but a search for copies of a recording finds none.",
    "F": "The loss falls far, but the phone error rate is high, even in training.",
}
_BUILDERS = {
    "A": lambda: _siamese(keepdims=False),
    "B": lambda: _ctc(blank=0),
    "C": lambda: _siamese(unit=True, margin=3.0),
    "D": lambda: _ctc("blstm", scaled=False),
    "E": lambda: _siamese(n_encoders=2),
    "F": lambda: _ctc(divisor=2),
}
