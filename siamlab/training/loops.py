"""Recurrent layers on several devices: each loops over its own rows.

- `own_rows`: a context in which it is so.

A row of a batch does not need the others while a recurrent layer reads it. XLA knows
the batch only as a whole: backwards, it adds the gradients of the layer's weights up
over all devices in each frame, where once a step is enough. Here the loop is
computed by each device for itself, and what comes out is one batch again.
"""

import contextlib

import keras


@contextlib.contextmanager
def own_rows():
    """Let each device loop over its own rows of a batch.

    It takes effect where Keras distributes batches over devices
    (`keras.distribution.DataParallel`, on JAX), for Keras' own LSTM, GRU, SimpleRNN,
    and RNN with one of their cells. Outputs and gradients are the same but for
    rounding.

    Yields
    ------
    None
        Networks that are compiled in it are of this kind.

    Notes
    -----
    A layer with `dropout` or `recurrent_dropout` stays as it is, since it draws its
    random numbers for the whole batch; a Dropout layer in front of it can take its
    place. So do subclasses, whose rows may not be independent of each other.

    Examples
    --------
    >>> with own_rows():
    ...     net = keras.Sequential([keras.Input((40, 8)), keras.layers.LSTM(4)])
    """
    layers = keras.layers
    kinds = {
        layers.LSTM: (layers.LSTM,),
        layers.GRU: (layers.GRU,),
        layers.RNN: (layers.RNN, layers.SimpleRNN),
    }
    kept = {owner: owner.inner_loop for owner in kinds}
    for owner, original in kept.items():
        owner.inner_loop = _apart(original, kinds[owner])
    try:
        yield
    finally:
        for owner, original in kept.items():
            owner.inner_loop = original


def _apart(original, kinds):
    """Replace the loop of some kinds of layer."""

    def inner_loop(layer, sequences, initial_state, mask, training=False):
        # An LSTM without cuDNN gets to RNN's loop from its own.
        distribution = keras.distribution.distribution()
        if (
            type(layer) not in kinds
            or distribution is None
            or not _independent(layer.cell)
            or not _even(sequences, distribution)
        ):
            return original(layer, sequences, initial_state, mask, training)
        weights = layer.cell.weights

        def loop(sequences, initial_state, mask, values):
            mapping = zip(weights, values, strict=True)
            with keras.StatelessScope(state_mapping=mapping):
                return original(layer, sequences, initial_state, mask, training)

        return _on_each_device(loop, distribution)(
            sequences, initial_state, mask, [weight.value for weight in weights]
        )

    return inner_loop


def _independent(cell):
    """Whether a cell treats each row by itself, and has no state but its weights."""
    layers = keras.layers
    return type(cell) in (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell) and (
        not cell.dropout and not cell.recurrent_dropout
    )


def _even(sequences, distribution):
    """Whether it is a batch in a compiled step, with as many rows for each device."""
    import jax

    # Keras finds out shapes with batches of sizes that nobody would choose.
    devices = distribution.device_mesh.devices.size
    return isinstance(sequences, jax.core.Tracer) and sequences.shape[0] % devices == 0


def _on_each_device(loop, distribution):
    import jax

    rows = jax.sharding.PartitionSpec(distribution.batch_dim_name)
    of_all = jax.sharding.PartitionSpec()
    return jax.shard_map(
        loop,
        mesh=distribution.device_mesh.backend_mesh,
        in_specs=(rows, rows, rows, of_all),
        out_specs=rows,
        # With it JAX would add up within the loop, too.
        check_vma=False,
    )
