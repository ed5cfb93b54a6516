"""Finds the embeddings in a Keras model, and puts other embeddings in their place.

A model with several recordings as inputs is run once as it is, and once with each input
changed. The result of a layer that moves with one input only belongs to the tower of
that input; its last vector is the embedding.
"""

import keras
import numpy as np
from keras import ops, tree

from . import recorder
from .arrays import flatten, is_whole, n_rows, take, to_arrays
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
        self._axis = len(leaves) == 1 and leaves[0].ndim >= 4
        self._axis &= leaves[0].ndim >= 4 and leaves[0].shape[1] in (2, 3)
        if self._axis:
            self._places = [0]
            self.sounds = tuple(leaves[0][:, i] for i in range(leaves[0].shape[1]))
        else:
            self._places = _sounds(leaves)
            self.sounds = tuple(leaves[i] for i in self._places)
        self._label_place = next(
            (
                i
                for i, leaf in enumerate(leaves)
                if i not in self._places
                and isinstance(leaf, np.ndarray)
                and is_whole(leaf)
                and leaf.ndim in (1, 2)
                and leaf.size == len(leaf)
            ),
            None,
        )
        labels = self._label_place
        self.labels = None if labels is None else leaves[labels]

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
        if self._label_place is None:
            return self.x
        leaves = list(tree.flatten(self.x))
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
        self.embeddings = self._split([self.calls[p].output for p in self._watched])

    @property
    def _watched(self):
        return tuple(dict.fromkeys(self.places))

    def _find_one(self, by_end):
        """Find the tower of a model with one input: its output is the embedding."""
        output = self.output
        if not isinstance(output, np.ndarray) or output.ndim != 2:
            raise Skip("the output of the model is not one vector for each row")
        same = [
            c.place
            for c in self.calls
            if isinstance(c.output, np.ndarray)
            and c.output.shape == output.shape
            and np.array_equal(c.output, output, equal_nan=True)
        ]
        if not same:
            raise Skip("no layer returns the output of the model")
        place = max(same)  # the innermost
        ends = self.calls[place].ends
        self.towers = [[p for p in by_end if self.calls[p].ends <= ends]]
        self.places = (place,)

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
            not self.calls[p].is_model
            and has_kernel(self.calls[p].layer)
            and self.calls[p].ends > last
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
            and isinstance(call.output, np.ndarray)
            and call.output.ndim == 2
            and len(call.output) == self.n
            and call.output.shape[1] >= 2
        )

    def _split(self, outputs):
        """Return one array for each input, shape (rows, dim)."""
        k = len(self.inputs.sounds)
        if len(outputs) == k:
            parts = outputs
        elif self.joined == "rows":
            parts = np.split(outputs[0], k)
        else:
            parts = [outputs[0][:, i] for i in range(k)]
        return tuple(np.asarray(e, np.float32).reshape(len(e), -1) for e in parts)

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
        shape = (-1, *self.calls[self.places[0]].output.shape[1:])
        if self.joined == "rows":
            both = ops.concatenate([ops.convert_to_tensor(e) for e in embeddings])
            replaced = {self.places[0]: ops.reshape(both, shape)}
        elif self.joined == "axis":
            both = ops.stack([ops.convert_to_tensor(e) for e in embeddings], axis=1)
            replaced = {self.places[0]: ops.reshape(both, shape)}
        else:
            replaced = {
                p: ops.reshape(e, (-1, *self.calls[p].output.shape[1:]))
                for p, e in zip(self.places, embeddings, strict=True)
            }
        # What the towers compute on the way to the embeddings is not needed again.
        ends = max(self.calls[p].ends for p in self.places)
        kept = {p for t in self.towers for p in t if self.calls[p].ends <= ends}
        kept |= set(range(min(replaced)))
        x = self.inputs.x if x is None else x
        return recorder.replay(self.model, x, self.calls, replaced, kept=kept)

    def sample(self, noise):
        """Return embeddings that the network could produce.

        The input of the last layer with a kernel is replaced by noise. What follows,
        such as a softmax or a normalization, is applied to it.

        Parameters
        ----------
        noise : callable
            dim -> array (rows, dim), of any size; 1 is the size that occurs in the
            batch.

        Returns
        -------
        numpy.ndarray
            Shape (rows, dim).
        """
        place, at_input = self._last_kernel()
        call = self.calls[place]
        array = call.inputs if at_input else call.output
        values = np.asarray(noise(array.shape[-1]), np.float32)
        if not at_input and np.abs(array).max() <= 1:
            values = np.tanh(values)  # as of an LSTM
        else:
            # A collapsed network can still produce more than it does.
            values = values * max(float(np.std(array)), 0.05)
        n = array.size // array.shape[-1]
        parts = []
        for start in range(0, len(values), n):
            part = values[start : start + n]
            rest = np.repeat(part[:1], n - len(part), axis=0)
            full = np.concatenate([part, rest]).reshape(array.shape)
            parts.append(self._from(place, full, at_input, n)[: len(part)])
        return np.concatenate(parts)

    def _last_kernel(self):
        """Find the last layer with a kernel, and whether its input is a vector."""
        for place in reversed(self.towers[0]):
            call = self.calls[place]
            if call.is_model or not has_kernel(call.layer):
                continue
            for array, at_input in ((call.inputs, True), (call.output, False)):
                if isinstance(array, np.ndarray) and array.ndim == 2:
                    return place, at_input
        return self.places[0], False

    def _from(self, place, value, at_input, n):
        """Return the embeddings of the first input for a value on the way."""
        later = {
            p
            for p in self.towers[0]
            if self.calls[p].ends > self.calls[place].ends or p == place
        }
        new = (lambda run: run(value)) if at_input else value
        _, seen = recorder.replay(
            self.model,
            self.inputs.x,
            self.calls,
            {place: new},
            watch=(self.places[0],),
            kept=set(range(len(self.calls))) - later,
        )
        outputs = to_arrays(seen[self.places[0]])
        return np.asarray(outputs, np.float32).reshape(n, -1)

    def sample_output(self, noise):
        """Return outputs of the model for noise in front of its last kernel."""
        for call in sorted(self.calls, key=lambda c: -c.ends):
            if call.is_model or not has_kernel(call.layer):
                continue
            if not (isinstance(call.inputs, np.ndarray) and call.inputs.ndim == 2):
                break
            values = np.asarray(noise(call.inputs.shape), np.float32)
            output = recorder.replay(
                self.model,
                self.inputs.x,
                self.calls,
                {call.place: lambda run, values=values: run(values)},
                kept={p for p in range(len(self.calls)) if p < call.place},
            )
            return to_arrays(output)
        raise Skip("the last layer with a kernel does not receive vectors")

    # ----------------------------------------------------------------- what came before

    @property
    def before_clipping(self):
        """Places of the vectors that become the embeddings without any weight, or None.

        These are the outputs of the last layer with weights or with an activation.
        """
        if self.joined:
            return None
        found = []
        for tower, place in zip(self.towers, self.places, strict=True):
            earlier = [p for p in tower if self.calls[p].ends <= self.calls[place].ends]
            for p in reversed(earlier):
                call = self.calls[p]
                if call.is_model or not self._is_vector(p):
                    continue
                if call.layer.weights or isinstance(call.layer, _ACTIVATIONS):
                    found.append(p)
                    break
        return tuple(found) if len(found) == len(self.places) else None

    def score_before(self, place, value):
        """Return the output of the model with another value at a place."""
        return recorder.replay(self.model, self.inputs.x, self.calls, {place: value})

    def variables(self, i):
        """Return the trainable variables of a tower by their identity."""
        return {
            id(v): v
            for p in self.towers[i]
            if isinstance(self.calls[p].layer, keras.layers.Layer)
            for v in self.calls[p].layer.trainable_variables
        }


# Activations that turn outputs off on purpose.
_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)


def has_kernel(layer, trainable=False):
    """Return whether a layer has weights with two dimensions or more."""
    weights = getattr(layer, "trainable_weights" if trainable else "weights", ())
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
        sources = [depends[t] for t in call.reads if t in depends]
        if not call.is_model:
            found[place] = tuple(map(any, zip(moved[place], *sources, strict=True)))
        else:
            inner = [depends[t] for t in call.writes if t in depends]
            found[place] = tuple(map(any, zip(moved[place], *inner, strict=True)))
        for tensor in call.writes:
            depends[tensor] = found[place]
    return found


def _find_joined(plain, others, by_end):
    """Find calls that serve all inputs at once, stacked or side by side."""
    k = len(others)
    found: dict[str, list] = {"rows": [], "axis": []}
    for place in by_end:
        out = plain[place].output
        if not isinstance(out, np.ndarray) or out.ndim < 2:
            continue
        changed = [other[place].output for other in others]
        if any(c.shape != out.shape for c in changed):
            continue
        if len(out) % k == 0 and _is_split(lambda a: np.split(a, k), out, changed):
            found["rows"].append(place)
        elif (
            out.ndim >= 3
            and out.shape[1] == k
            and _is_split(lambda a: [a[:, i] for i in range(k)], out, changed)
        ):
            found["axis"].append(place)
    for how, ndim in (("rows", 2), ("axis", 3)):
        places = found[how]
        while places and not (
            plain[places[-1]].output.ndim == ndim
            and plain[places[-1]].output.shape[-1] >= 2
            and isinstance(plain[places[-1]].layer, keras.layers.Layer)
        ):
            places = places[:-1]
        if places:
            return how, places
    raise Skip(
        "no result of a layer depends on one of the inputs only, so the embeddings "
        "cannot be told",
        "embed",
    )


def _is_split(split, plain, changed):
    """Return whether each part moves with its own input only."""
    return all(
        [not np.array_equal(p, q) for p, q in zip(split(plain), split(c), strict=True)]
        == [i == j for j in range(len(changed))]
        for i, c in enumerate(changed)
    )
