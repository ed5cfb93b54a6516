"""Where in a model the embeddings are.

A model with two inputs is run three times: as it is, with the first input changed, with
the second changed. A layer's call whose result moves with one input only belongs to
that input's tower; the last of them gives the embedding.
"""

import dataclasses

import keras
import numpy as np

from . import rows, trace
from .gradients import gradient
from .rows import sides, with_sides
from .rule import NotExamined


@dataclasses.dataclass
class Towers:
    """The two towers of a model, or the one.

    Parameters
    ----------
    model : keras.Model
        Which.
    x : object
        The batch.
    calls : list of trace.Call
        On that batch.
    first, second : list of int
        Places of the calls of each tower, in the order of their completion; both the
        same where one call serves both inputs at once, or where there is one input.
    embed : tuple of int
        Place of the call that gives the embedding, for each input.
    joined : str
        How one call serves both inputs: "" (it does not), "rows" (first all of one,
        then all of the other) or "axis" (side by side).
    learned_head : bool
        Whether weights stand between the embeddings and the output.
    """

    model: object
    x: object
    calls: list
    first: list
    second: list
    embed: tuple
    joined: str
    learned_head: bool

    @property
    def rows(self):
        """How many pairs the recording has."""
        return rows.count(self.x)

    @property
    def shape(self):
        """Of the embedding's array, rows included."""
        return self.calls[self.embed[0]].output.shape

    @property
    def embeddings(self):
        """Of both inputs, each of shape (pairs, dim)."""
        return self._halves([self.calls[p].output for p in dict.fromkeys(self.embed)])

    def _halves(self, outputs):
        if len(outputs) == 2:
            a, b = outputs
        elif self.joined == "rows":
            a, b = np.split(outputs[0], 2)
        elif self.joined == "axis":
            a, b = outputs[0][:, 0], outputs[0][:, 1]
        else:
            a = b = outputs[0]
        return tuple(np.asarray(e, np.float32).reshape(len(e), -1) for e in (a, b))

    def assemble(self, a, b):
        """Compute the model's output for these embeddings; one row each."""
        n = len(a)
        if n > self.rows:
            raise ValueError(f"at most {self.rows} pairs at a time; got {n}")
        a, b = self._filled(a), self._filled(b)
        out = trace.replay(self.model, self.x, self.calls, self._replaced(a, b))
        return keras.tree.map_structure(lambda v: v[:n] if len(v.shape) else v, out)

    def _filled(self, e):
        """Repeat rows until there are as many as were recorded."""
        short = self.rows - len(e)
        if not short:
            return e
        ops = keras.ops
        return ops.concatenate([e, ops.repeat(ops.convert_to_tensor(e[:1]), short, 0)])

    def _replaced(self, a, b):
        ops = keras.ops
        if not self.joined:
            shape = (-1, *self.shape[1:])
            return {
                place: ops.reshape(e, shape)
                for place, e in zip(self.embed, (a, b), strict=True)
            }
        if self.joined == "rows":
            both = ops.concatenate([a, b], axis=0)
        else:
            both = ops.stack([a, b], axis=1)
        return {self.embed[0]: ops.reshape(both, (-1, *self.shape[1:]))}

    def make(self, noise, sizes):
        """Make embeddings from noise, at the last layer with a kernel.

        Parameters
        ----------
        noise : callable
            dim -> two arrays (pairs, dim), of deviation 1.
        sizes : numpy.ndarray
            By what each pair's noise is multiplied, shape (pairs, 1).

        Returns
        -------
        tuple of numpy.ndarray
            a, b, each of shape (pairs, dim).
        """
        sources = [self._source(t) for t in (self.first, self.second)]
        calls = [self.calls[place] for place, _ in sources]
        inputs = sources[0][1]
        array = calls[0].inputs if inputs else calls[0].output
        first, second = noise(array.shape[-1])
        # Even where all inputs are alike, a network can give more than it does.
        spread = max(float(np.std(array)), 0.05)
        bounded = not inputs and np.abs(array).max() <= 1
        a, b = (
            np.tanh(z * sizes) if bounded else z * sizes * spread
            for z in (first, second)
        )
        parts = []
        for start in range(0, len(a), self.rows):
            chunk = slice(start, start + self.rows)
            parts.append(self._through(sources, a[chunk], b[chunk], inputs))
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))

    def _source(self, tower):
        """Find the call to put noise into, and whether into its input or its output."""
        for place in reversed(tower):
            call = self.calls[place]
            if call.is_model or not has_kernel(call.layer):
                continue
            if isinstance(call.inputs, np.ndarray) and call.inputs.ndim == 2:
                return place, True
            if isinstance(call.output, np.ndarray) and call.output.ndim == 2:
                return place, False
        return self.embed[0 if tower is self.first else 1], False

    def _through(self, sources, a, b, inputs):
        n = len(a)
        a, b = (
            np.concatenate([e, np.repeat(e[:1], self.rows - n, 0)]).astype(np.float32)
            for e in (a, b)
        )
        places = [place for place, _ in sources]
        if places[0] != places[1]:
            values = dict(zip(places, (a, b), strict=True))
        elif self.joined == "rows":
            values = {places[0]: np.concatenate([a, b])}
        elif self.joined == "axis":
            shape = np.shape(
                self.calls[places[0]].inputs if inputs else self.calls[places[0]].output
            )
            both = np.stack([a, b], axis=1)
            values = {places[0]: both.reshape((-1, *shape[1:]))}
        else:
            return self._one_after_the_other(places[0], a, b, inputs, n)
        seen = self._run(values, inputs)
        return tuple(e[:n] for e in self._halves(seen))

    def _one_after_the_other(self, place, a, b, inputs, n):
        return tuple(self._halves(self._run({place: e}, inputs))[0][:n] for e in (a, b))

    def _run(self, values, inputs):
        """Run the model on noise, by place: of both towers, or of the one there is."""
        places = list(values)
        # What the towers compute before the noise comes in, each its own.
        kept = set(range(min(places)))
        for tower, place in zip(
            (self.first, self.second), (places[0], places[-1]), strict=True
        ):
            kept.update(p for p in tower if self.calls[p].ends <= place)
        if inputs:
            values = {
                place: (lambda run, value=value: run(value))
                for place, value in values.items()
            }
        watch = tuple(dict.fromkeys(self.embed))
        _, seen = trace.replay(
            self.model, self.x, self.calls, values, watch=watch, kept=kept
        )
        return [trace.arrays(seen[place]) for place in watch]

    @property
    def before(self):
        """Places of vectors that become the embedding without any weight.

        From the embedding backwards, through layers that have neither weights nor the
        name of an activation of Keras, each (first, second).
        """
        if self.joined:
            return []
        found: list = []
        at = list(self.embed)
        while True:
            previous = [
                self._input_of(place, tower)
                for place, tower in zip(at, (self.first, self.second), strict=True)
            ]
            if None in previous:
                return found
            found.append(tuple(previous))
            at = previous

    def _input_of(self, place, tower):
        call = self.calls[place]
        if call.is_model:
            inner = [
                p
                for p in tower
                if place < p < call.ends
                and np.array_equal(self.calls[p].output, call.output)
            ]
            return self._input_of(max(inner), tower) if inner else None
        if call.layer.weights or isinstance(call.layer, _ACTIVATIONS):
            return None
        for p in tower:
            other = self.calls[p]
            if (
                other.ends <= place
                and not other.is_model
                and _vector(other, self.rows)
                and isinstance(call.inputs, np.ndarray)
                and np.array_equal(other.output, call.inputs)
            ):
                return p
        return None

    def slope_before(self, places, n):
        """Differentiate the sum of the output by what the first of two places gives.

        Its partners are those of the batch.
        """
        value = self.calls[places[0]].output

        def out(e):
            replaced = {places[0]: e}
            return trace.replay(self.model, self.x, self.calls, replaced)

        return gradient(lambda e: _first_array(out(e)), value)[0].reshape(
            len(value), -1
        )[:n]

    def zero_after(self, places, n):
        """Where the embedding is exactly 0: a ReLU's doing, not a clip's."""
        e = self.calls[self.embed[0]].output.reshape(self.rows, -1)[:n]
        wide = self.calls[places[0]].output.reshape(self.rows, -1)[:n]
        return e == 0 if e.shape == wide.shape else np.zeros(wide.shape, bool)

    def leaves(self, which):
        """List calls of a tower's layers that are not models; `which` is 0 or 1."""
        tower = (self.first, self.second)[which]
        return [
            self.calls[p]
            for p in sorted(tower)
            if not self.calls[p].is_model
            and isinstance(self.calls[p].layer, keras.layers.Layer)
        ]


# Activations that shut outputs off by design.
_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)


def _first_array(out):
    return keras.tree.flatten(out)[0]


def has_kernel(layer, trainable=False):
    """Whether a layer has weights, or such to be trained, of two dimensions or more."""
    weights = getattr(layer, "trainable_weights" if trainable else "weights", ())
    return any(len(w.shape) >= 2 for w in weights)


def find_towers(model, x, recorded):
    """Find the towers of a model with two inputs.

    Parameters
    ----------
    model : keras.Model
        Which.
    x : object
        The batch.
    recorded : tuple
        Of `trace.record`, on it.

    Returns
    -------
    Towers

    Raises
    ------
    NotExamined
        If no call of a layer depends on one input only.
    """
    few = rows.take(x, np.arange(min(6, rows.count(x))))
    a, b = sides(few)
    plain = trace.record(model, few)[1]
    other_a = trace.record(model, with_sides(few, _changed(a), b))[1]
    other_b = trace.record(model, with_sides(few, a, _changed(b)))[1]
    if not len(plain) == len(other_a) == len(other_b) == len(recorded[1]):
        raise NotExamined("the model does not call the same layers for every batch")
    moved = [
        (_moved(p.output, one.output), _moved(p.output, two.output))
        for p, one, two in zip(plain, other_a, other_b, strict=True)
    ]
    calls, n = recorded[1], rows.count(x)
    by_end = sorted(range(len(calls)), key=lambda p: (calls[p].ends, -p))
    first = [p for p in by_end if moved[p] == (True, False)]
    second = [p for p in by_end if moved[p] == (False, True)]
    embed = _embedding_of(calls, first, second, n)
    joined = ""
    if embed is None:
        joined, first = _joined(plain, other_a, other_b, by_end)
        second = first
        embed = (first[-1], first[-1])
    learned = any(
        not calls[p].is_model and has_kernel(calls[p].layer)
        for p in by_end
        if p not in first
        and p not in second
        and all(moved[p])
        and calls[p].ends > calls[embed[1]].ends
    )
    return Towers(model, x, calls, first, second, embed, joined, learned)


def find_tower(recorded, case):
    """Find the one tower of a model with one input; its output is the embedding."""
    output, calls = recorded
    if not isinstance(output, np.ndarray) or output.ndim != 2:
        raise NotExamined("the output of the model is no embedding for each row")
    same = [
        c.place
        for c in calls
        if isinstance(c.output, np.ndarray)
        and c.output.shape == output.shape
        and np.array_equal(c.output, output)
    ]
    if not same:
        raise NotExamined("no layer gives the output of the model")
    # The innermost layer that gives it can be replaced with the least effort.
    place = max(same)
    tower = sorted(range(len(calls)), key=lambda p: (calls[p].ends, -p))
    tower = [p for p in tower if calls[p].ends <= calls[place].ends]
    return Towers(case.model, case.x, calls, tower, tower, (place, place), "", False)


def _changed(side):
    """Give an input of which every row is another."""
    rng = np.random.default_rng(3)
    spread = float(np.std(side)) or 1.0
    if not np.issubdtype(side.dtype, np.floating):
        return np.roll(side, 1, axis=0)
    noise = rng.normal(size=side.shape) * spread
    return (np.roll(side, 1, axis=0) + noise).astype(side.dtype)


def _moved(one, two):
    """Whether any number of a result moved."""
    before, after = rows.flat((one,)), rows.flat((two,))
    if len(before) != len(after):
        return False
    return any(
        p.shape != q.shape or not p.ndim or not np.array_equal(p, q, equal_nan=True)
        for p, q in zip(before, after, strict=True)
    )


def _vector(call, n):
    out = call.output
    return (
        isinstance(call.layer, keras.layers.Layer)
        and isinstance(out, np.ndarray)
        and out.ndim == 2
        and len(out) == n
        and out.shape[1] >= 2
    )


def _embedding_of(calls, first, second, n):
    """Find the last vectors of both towers that are of one shape."""
    ones = [p for p in reversed(first) if _vector(calls[p], n)]
    twos = [p for p in reversed(second) if _vector(calls[p], n)]
    for place in ones:
        for alike in (
            lambda q, p=place: calls[q].layer is calls[p].layer,
            lambda q, p=place: calls[q].output.shape == calls[p].output.shape,
        ):
            for other in twos:
                if alike(other):
                    return place, other
    return None


def _joined(plain, other_a, other_b, by_end):
    """Find calls that serve both inputs at once, in the order of completion."""
    found: dict[str, list] = {"rows": [], "axis": []}
    for place in by_end:
        out = plain[place].output
        if not isinstance(out, np.ndarray) or out.ndim < 2:
            continue
        a, b = other_a[place].output, other_b[place].output
        if len(out) % 2 == 0 and _splits(
            np.split(out, 2), np.split(a, 2), np.split(b, 2)
        ):
            found["rows"].append(place)
        elif (
            out.ndim >= 3
            and out.shape[1] == 2
            and _splits((out[:, 0], out[:, 1]), (a[:, 0], a[:, 1]), (b[:, 0], b[:, 1]))
        ):
            found["axis"].append(place)
    for how, least in (("rows", 2), ("axis", 3)):
        places = found[how]
        while places and not (
            plain[places[-1]].output.ndim == least
            and plain[places[-1]].output.shape[-1] >= 2
            and isinstance(plain[places[-1]].layer, keras.layers.Layer)
        ):
            places = places[:-1]
        if places:
            return how, places
    raise NotExamined(
        "no layer's output depends on one of the two inputs only: the embeddings "
        "cannot be told"
    )


def _splits(plain, a, b):
    """Whether the first half moves with the first input only, and so the second."""
    moves = [
        [not np.array_equal(p, q) for p, q in zip(plain, other, strict=True)]
        for other in (a, b)
    ]
    return moves == [[True, False], [False, True]]
