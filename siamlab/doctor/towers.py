"""Finds the embeddings in a Keras model, and puts other embeddings in their place.

A model with several recordings as inputs is run once as it is, and once with each input
changed. The result of a layer that moves with one input only belongs to the tower of
that input; its last vector is the embedding.
"""

import keras
import numpy as np
from keras import ops, tree

from . import recorder
from .arrays import flatten, is_matrix, is_whole, n_rows, take, to_arrays
from .report import Skip


class Inputs:
    """The arrays of a batch: recordings, and whatever else the model takes.

    Parameters
    ----------
    x : object
        The inputs of the model, arrays in any structure.

    Attributes
    ----------
    sounds : tuple of numpy.ndarray
        The recordings; several if rows belong together, as in pairs and triplets.
    labels : numpy.ndarray or None
        Labels among the inputs.
    """

    def __init__(self, x):
        self.x = x
        leaves = tree.flatten(x)
        self._axis = (
            len(leaves) == 1 and leaves[0].ndim >= 4 and leaves[0].shape[1] in (2, 3)
        )
        if self._axis:
            self._places, self.sounds = [0], tuple(np.moveaxis(leaves[0], 1, 0))
        else:
            self._places = _sounds(leaves)
            self.sounds = tuple(leaves[i] for i in self._places)
        labels = [
            i
            for i, leaf in enumerate(leaves)
            if i not in self._places
            and isinstance(leaf, np.ndarray)
            and leaf.ndim in (1, 2)
            and leaf.size == len(leaf)
            and is_whole(leaf)
        ]
        self._label_place = labels[0] if labels else None
        self.labels = leaves[labels[0]] if labels else None

    def with_sounds(self, sounds):
        """Return the inputs with other recordings."""
        leaves = list(tree.flatten(self.x))
        if self._axis:
            leaves[0] = np.stack(sounds, axis=1)
        else:
            for place, sound in zip(self._places, sounds, strict=True):
                leaves[place] = sound
        return tree.pack_sequence_as(self.x, leaves)

    def with_labels(self, labels):
        """Return the inputs with other labels among them."""
        leaves = list(tree.flatten(self.x))
        if self._label_place is not None:
            leaves[self._label_place] = labels
        return tree.pack_sequence_as(self.x, leaves)


def _sounds(leaves):
    """Return the places of the recordings: the largest arrays, all of one shape."""
    arrays = {i: a for i, a in enumerate(leaves) if isinstance(a, np.ndarray)}
    wide = {i: a for i, a in arrays.items() if a.ndim >= 2 and a[0].size > 1}
    if not wide:
        raise Skip("the inputs hold no recordings")
    floats = {i: a for i, a in wide.items() if a.dtype.kind == "f"} or wide
    largest = max(floats.values(), key=lambda a: a[0].size)
    return [i for i, a in floats.items() if a.shape[1:] == largest.shape[1:]]


class Towers:
    """The parts of a model that turn each input into an embedding.

    Parameters
    ----------
    model : keras.Model
        The model.
    inputs : Inputs
        A batch.
    recorded : tuple
        The result of `recorder.record` on the batch.

    Attributes
    ----------
    embeddings : tuple of numpy.ndarray
        For each input, shape (rows, dim).
    learned_head : bool
        Whether weights stand between the embeddings and the output.

    Raises
    ------
    Skip
        If no result of a layer depends on one input only.
    """

    def __init__(self, model, inputs, recorded):
        self.model, self.inputs = model, inputs
        self.output, self.calls = recorded
        self.n = n_rows(inputs.x)
        self.joined, self.learned_head = "", False
        by_end = sorted(range(len(self.calls)), key=lambda p: (self.calls[p].ends, -p))
        if len(inputs.sounds) == 1:
            self._find_one(by_end)
        else:
            self._find_several(by_end)
        self._watched = tuple(dict.fromkeys(self.places))
        self.embeddings = self._split([self.calls[p].output for p in self._watched])

    def _find_one(self, by_end):
        """Find the tower of a model with one input: its output is the embedding."""
        output = self.output
        if not is_matrix(output):
            raise Skip("the output of the model is not one vector for each row")
        for place in by_end:  # the first: a layer that adds a loss may return it again
            out = self.calls[place].output
            if is_matrix(out) and np.array_equal(out, output, equal_nan=True):
                break
        else:
            raise Skip("no layer returns the output of the model")
        self.places, ends = (place,), self.calls[place].ends
        self.towers = [[p for p in by_end if self.calls[p].ends <= ends]]

    def _find_several(self, by_end):
        few = Inputs(take(self.inputs.x, np.arange(min(6, self.n))))
        plain = recorder.record(self.model, few.x)[1]
        others = []
        for i in range(len(few.sounds)):
            sounds = list(few.sounds)
            sounds[i] = _changed(sounds[i])
            others.append(recorder.record(self.model, few.with_sounds(sounds))[1])
        if any(len(other) != len(self.calls) for other in (plain, *others)):
            raise Skip("the model does not call the same layers for every batch")
        moved = [
            tuple(_moved(c.output, other[p].output) for other in others)
            for p, c in enumerate(plain)
        ]
        # A collapsed network does not move, but its tensors still flow.
        moved = _flow(plain, by_end, moved)
        only = [tuple(i == j for j in range(len(others))) for i in range(len(others))]
        self.towers = [[p for p in by_end if moved[p] == only_i] for only_i in only]
        self.places = self._last_vectors()
        if self.places is None:
            self.joined, tower = _find_joined(plain, others, by_end)
            self.towers = [tower] * len(others)
            self.places = (tower[-1],) * len(others)
        towers = set().union(*self.towers)
        last = max(self.calls[p].ends for p in self.places)
        self.learned_head = any(
            has_kernel(self.calls[p]) and self.calls[p].ends > last
            for p in by_end
            if p not in towers and sum(moved[p]) > 1
        )

    def _last_vectors(self):
        """Find the last vectors of all towers that are of one layer or one shape."""
        first, *rest = [
            [p for p in reversed(tower) if self._is_vector(p)] for tower in self.towers
        ]
        for place in first:
            call = self.calls[place]
            for alike in (
                lambda q, c=call: self.calls[q].layer is c.layer,
                lambda q, c=call: self.calls[q].output.shape == c.output.shape,
            ):
                found = [next((q for q in t if alike(q)), None) for t in rest]
                if None not in found:
                    return (place, *found)
        return None

    def _is_vector(self, place):
        call = self.calls[place]
        return (
            isinstance(call.layer, keras.layers.Layer)
            and is_matrix(call.output)
            and len(call.output) == self.n
            and call.output.shape[1] >= 2
        )

    def _split(self, outputs):
        """Return one array for each input, shape (rows, dim)."""
        if self.joined:
            outputs = _JOINED[self.joined][1](outputs[0], len(self.inputs.sounds))
        return tuple(np.asarray(e, np.float32).reshape(len(e), -1) for e in outputs)

    # ---------------------------------------------------------------- other embeddings

    def score(self, *embeddings, x=None):
        """Return the output of the model for other embeddings, as tensors.

        Parameters
        ----------
        *embeddings : array or tensor
            As many rows as the batch has, shape (rows, dim) for each input.
        x : object, optional
            Other inputs, for what the model reads besides the recordings.
        """
        parts = [ops.convert_to_tensor(e) for e in embeddings]
        if self.joined:
            join = ops.concatenate if self.joined == "rows" else ops.stack
            parts = [join(parts, axis=int(self.joined == "axis"))]
        replaced = {
            p: ops.reshape(e, (-1, *self.calls[p].output.shape[1:]))
            for p, e in zip(self._watched, parts, strict=True)
        }
        # What the towers compute on the way to the embeddings is not needed again.
        ends = max(self.calls[p].ends for p in self.places)
        kept = {p for t in self.towers for p in t if self.calls[p].ends <= ends}
        kept |= set(range(min(replaced)))
        x = self.inputs.x if x is None else x
        return recorder.replay(self.model, x, self.calls, replaced, kept=kept)

    def sample_output(self, noise):
        """Return outputs of the model for noise in front of its last kernel."""
        call = max(filter(has_kernel, self.calls), key=lambda c: c.ends)
        if not is_matrix(call.inputs):
            raise Skip("the last layer with a kernel does not receive vectors")
        values = np.asarray(noise(call.inputs.shape), np.float32)
        return to_arrays(self.score_before(call.place, lambda run: run(values)))

    # ----------------------------------------------------------------- what came before

    @property
    def before_clipping(self):
        """Place of the vector that becomes the first embedding without any weight.

        The output of the last layer with weights or with an activation, or None.
        """
        ends = self.calls[self.places[0]].ends
        for place in reversed(self.towers[0]):
            call = self.calls[place]
            # Activations turn outputs off on purpose.
            is_activation = ".activations." in type(call.layer).__module__
            if call.ends <= ends and not call.is_model and self._is_vector(place):
                if call.layer.weights or is_activation:
                    return place
        return None

    def score_before(self, place, value):
        """Return the output of the model with another value at a place."""
        return recorder.replay(self.model, self.inputs.x, self.calls, {place: value})

    def variables(self, i):
        """Return the trainable variables of a tower by their identity."""
        layers = {self.calls[p].layer for p in self.towers[i]}
        return {
            id(v): v
            for each in layers
            for v in getattr(each, "trainable_variables", ())
        }


def has_kernel(call, trainable=False):
    """Return whether a layer, and no model, has weights with two dimensions or more."""
    names = "trainable_weights" if trainable else "weights"
    weights = () if call.is_model else getattr(call.layer, names, ())
    return any(len(w.shape) >= 2 for w in weights)


def _changed(sound):
    """Return recordings of which each row is another one."""
    if not np.issubdtype(sound.dtype, np.floating):
        return np.roll(sound, 1, axis=0)
    noise = np.random.default_rng(3).normal(size=sound.shape)
    spread = float(np.std(sound)) or 1.0
    return (np.roll(sound, 1, axis=0) + spread * noise).astype(sound.dtype)


def _moved(one, other):
    before, after = flatten((one,)), flatten((other,))
    if len(before) != len(after):
        return False
    return any(
        p.shape != q.shape or not p.ndim or not np.array_equal(p, q, equal_nan=True)
        for p, q in zip(before, after, strict=True)
    )


def _flow(calls, by_end, moved):
    """Add to the inputs on which calls depend those of the tensors that they read."""
    depends: dict = {}
    found = list(moved)
    for place in by_end:
        call = calls[place]
        tensors = call.writes if call.is_model else call.reads
        sources = [depends[t] for t in tensors if t in depends]
        found[place] = tuple(map(any, zip(moved[place], *sources, strict=True)))
        for tensor in call.writes:
            depends[tensor] = found[place]
    return found


# How the embeddings of several inputs stand in one array: its dimensions, its parts.
_JOINED = {
    "rows": (2, lambda a, k: np.split(a, k) if len(a) % k == 0 else None),
    "axis": (3, lambda a, k: np.moveaxis(a, 1, 0) if a.shape[1:2] == (k,) else None),
}


def _find_joined(plain, others, by_end):
    """Find calls that serve all inputs at once, stacked or side by side."""
    for name, (ndim, split) in _JOINED.items():
        places = [
            p
            for p in by_end
            if _is_split(split, plain[p].output, [o[p].output for o in others])
        ]
        is_layer = [isinstance(plain[p].layer, keras.layers.Layer) for p in places]
        while places and not (is_layer.pop() and plain[places[-1]].output.ndim == ndim):
            places.pop()
        if places:
            return name, places
    raise Skip("no result of a layer depends on one of the inputs only", "embed")


def _is_split(split, out, changed):
    """Return whether each part moves with its own input only."""
    k = len(changed)
    parts = split(out, k) if isinstance(out, np.ndarray) and out.ndim >= 2 else None
    if parts is None or any(c.shape != out.shape for c in changed):
        return False
    moves = [
        np.not_equal(parts, split(c, k)).reshape(k, -1).any(axis=1) for c in changed
    ]
    return np.array_equal(moves, np.eye(k, dtype=bool))
