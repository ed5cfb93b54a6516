"""Where the time of our training step goes: each part by itself, compiled."""

from _race import Way
from _ways_training import BANDS, FRAMES, UNITS, batches, network


def drawing(batch, steps, threads):
    """Draw and cut the segments."""
    data = batches(batch, steps)
    return Way(lambda: [data[i] for i in range(steps)], steps)


def forward(batch, steps, threads):
    """Run the network forwards, as in training."""
    import tensorflow as tf

    net, (x, _) = network(), batches(batch, 1)[0]
    step = tf.function(lambda x: net.encoder(x, training=True))
    return _often(step, (tf.constant(x),), steps)


def gradients(batch, steps, threads):
    """Forwards, the loss, and backwards."""
    import tensorflow as tf

    net, (x, ids) = network(), batches(batch, 1)[0]

    @tf.function
    def step(x, ids):
        with tf.GradientTape() as tape:
            loss = net.loss(ids, net.encoder(x, training=True))
        return tape.gradient(loss, net.encoder.trainable_variables)

    return _often(step, (tf.constant(x), tf.constant(ids)), steps)


def loss(batch, steps, threads):
    """Compute the loss of all pairs and its gradient."""
    import tensorflow as tf

    net, (x, ids) = network(), batches(batch, 1)[0]

    @tf.function
    def step(ids, outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            value = net.loss(ids, outputs)
        return tape.gradient(value, outputs)

    return _often(step, (tf.constant(ids), net.encoder(x)), steps)


def optimizer(batch, steps, threads):
    """Let Adam apply gradients."""
    import tensorflow as tf

    net = network()
    gradients = [tf.ones_like(w) for w in net.encoder.trainable_variables]
    step = tf.function(lambda: net.optimizer.apply(gradients))
    return _often(step, (), steps)


def products(batch, steps, threads):
    """Multiply the matrices of both BLSTMs, forwards and back, and nothing else."""
    import tensorflow as tf

    def factors(rows, columns):
        return (
            tf.random.normal((rows, columns)),
            tf.random.normal((columns, 4 * UNITS)),
            tf.random.normal((rows, 4 * UNITS)),
        )

    def multiply(x, w, g):
        tf.matmul(x, w)
        tf.matmul(g, w, transpose_b=True)
        return tf.matmul(x, g, transpose_a=True)

    inputs = [factors(batch * FRAMES, n) for n in (BANDS, 2 * UNITS) for _ in "fb"]
    state = factors(batch, UNITS)

    def step():  # not compiled: TensorFlow would leave out what is not used
        for each in inputs:
            multiply(*each)
            for _ in range(FRAMES):
                last = multiply(*state)
        last.numpy()

    return _often(step, (), steps)


def whole(batch, steps, threads):
    """Run the compiled step, on input that is there already."""
    import tensorflow as tf

    net, (x, ids) = network(), batches(batch, 1)[0]
    return _often(net.train_on_batch, (tf.constant(x), tf.constant(ids)), steps)


def _often(step, given, steps):
    return Way(lambda: [step(*given) for _ in range(steps)], steps)
