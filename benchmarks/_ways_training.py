"""Training steps of the base network: BLSTM 128, BLSTM 128, on 40 x 128.

All begin with the same weights, see the same sizes, and go down with Adam.
"""

import ctypes
import os

import numpy as np
from _race import Way

BANDS, FRAMES, UNITS, OUTPUTS = 128, 40, 128, 128
SEGMENTS_OF_EACH = 8  # of a speaker, in a batch
MARGIN = 3.0


def weights(seed=0):
    """Make weights of `siamlab.networks.blstm_encoder`, in its order."""
    rng = np.random.default_rng(seed)

    def layer(*shapes):
        scale = 1 / np.sqrt(shapes[0][0])
        return [rng.normal(0, scale, s).astype(np.float32) for s in shapes]

    lstm = (UNITS, 4 * UNITS), (4 * UNITS,)
    return [
        *layer((BANDS, 4 * UNITS), *lstm),
        *layer((BANDS, 4 * UNITS), *lstm),
        *layer((2 * UNITS, 4 * UNITS), *lstm),
        *layer((2 * UNITS, 4 * UNITS), *lstm),
        *layer((2 * UNITS, 2 * OUTPUTS), (2 * OUTPUTS,)),
        # Outputs that differ: else every loss would be the margin.
        *(20 * w for w in layer((2 * OUTPUTS, OUTPUTS), (OUTPUTS,))),
    ]


def speakers_in_features(speakers=64, utterances=8, frames=200, seed=0):
    """Noise in place of speech: a step takes as long."""
    import pandas as pd

    import siamlab as sl

    rng = np.random.default_rng(seed)
    size = (frames, BANDS)
    arrays = [
        rng.normal(size=size).astype(np.float32) for _ in range(speakers * utterances)
    ]
    names = np.arange(speakers).repeat(utterances).astype(str)
    return sl.Features(arrays, pd.DataFrame({"speaker": names}))


def batches(batch, steps):
    """Draw what all of them learn from."""
    import siamlab as sl

    speakers = batch // SEGMENTS_OF_EACH
    return sl.sampling.SpeakerBatches(
        speakers_in_features(max(64, speakers)),
        n_speakers=speakers,
        n_segments=SEGMENTS_OF_EACH,
        n_frames=FRAMES,
        steps_per_epoch=steps,
    )


def network(seed=0):
    """Make ours, with the weights that all begin with."""
    import siamlab as sl

    base = sl.networks.blstm_encoder(FRAMES, BANDS, UNITS, OUTPUTS)
    base.set_weights(weights(seed))
    net = sl.networks.SpeakerNet(base)
    net.compile("adam", loss=sl.losses.KLHinge(MARGIN))
    net.optimizer.build(net.trainable_variables)
    return net


def first_loss(net, batch):
    """Loss of the first batch, without dropout, and the length of each gradient."""
    import tensorflow as tf

    x, ids = batches(batch, 1)[0]
    with tf.GradientTape() as tape:
        loss = net.loss(ids, net.encoder(x, training=False))
    gradients = tape.gradient(loss, net.encoder.trainable_variables)
    return np.array([loss.numpy(), *(np.linalg.norm(g.numpy()) for g in gradients)])


def ours(batch, steps, threads):
    """`SpeakerNet.fit` on `SpeakerBatches`: the loss of all pairs of a batch."""
    import siamlab as sl

    sl.training.quiet_tensorflow()
    data, net = batches(batch, steps), network()
    return Way(
        lambda: net.fit(data, epochs=1, verbose=0),
        batch * steps,
        result=lambda: first_loss(network(), batch),
    )


def keras_on_pairs(batch, steps, threads):
    """Twins with two inputs, and `fit` on arrays of pairs: the source program's way."""
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "0"  # as it is where no siamlab sets it
    import keras
    from keras import ops

    n = batch // 2 * steps
    rng = np.random.default_rng(0)
    pairs = [rng.normal(size=(n, FRAMES, BANDS)).astype(np.float32) for _ in "ab"]
    same = rng.integers(2, size=(n, 1)).astype(np.float32)
    base = network().encoder

    def loss(same, distance):
        apart = ops.relu(MARGIN - distance)
        return ops.mean(same * distance + (1 - same) * apart)

    inputs = [keras.Input((FRAMES, BANDS)) for _ in "ab"]
    p, q = (ops.maximum(base(x), 1e-30) for x in inputs)
    divergence = ops.sum((p - q) * (ops.log(p) - ops.log(q)), axis=-1, keepdims=True)
    twins = keras.Model(inputs, divergence)
    twins.compile(optimizer="adam", loss=loss)
    return Way(
        lambda: twins.fit(pairs, same, batch_size=batch // 2, epochs=1, verbose=0),
        batch * steps,
    )


def by_torch(batch, steps, threads):
    """nn.LSTM, the head and the loss of all pairs, in a plain loop."""
    import torch

    torch.set_num_threads(threads)
    net = _torch_network()
    data = batches(batch, steps)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)

    def loss_of(net, x, ids):
        log_p = torch.log_softmax(net(x), dim=-1)
        p = log_p.exp()
        d = (p * log_p).sum(-1, keepdim=True) - p @ log_p.T
        same = ids[:, None] == ids[None, :]
        itself = torch.eye(len(ids), dtype=torch.bool)
        return d[same & ~itself].mean() + torch.relu(MARGIN - d)[~same].mean()

    def batch_of(i, there):
        x, ids = there[i]
        return torch.from_numpy(x), torch.from_numpy(ids)

    def run():
        net.train()
        for i in range(steps):
            optimizer.zero_grad()
            loss_of(net, *batch_of(i, data)).backward()
            optimizer.step()
        data.on_epoch_end()

    def first():
        fresh = _torch_network().eval()
        loss = loss_of(fresh, *batch_of(0, batches(batch, 1)))
        loss.backward()
        return np.array([loss.item(), *fresh.gradient_lengths()])

    return Way(run, batch * steps, result=first)


def by_torch_that_keeps_memory(batch, steps, threads):
    """Let the C library keep what a step gives back, which PyTorch leaves to it."""
    library = ctypes.CDLL(None)
    # Of malloc.h: M_MMAP_MAX, none; M_TRIM_THRESHOLD, 2 GB.
    for parameter, value in ((-4, 0), (-1, 2**31 - 1)):
        if not library.mallopt(parameter, value):
            raise RuntimeError("mallopt did not take the settings; it needs glibc")
    return by_torch(batch, steps, threads)


def _torch_network():
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            both = {"batch_first": True, "bidirectional": True}
            self.first = nn.LSTM(BANDS, UNITS, **both)
            self.dropout = nn.Dropout(0.25)
            self.second = nn.LSTM(2 * UNITS, UNITS, **both)
            self.dense = nn.Linear(2 * UNITS, 2 * OUTPUTS)
            self.head = nn.Linear(2 * OUTPUTS, OUTPUTS)

        def forward(self, x):
            _, (last, _) = self.second(self.dropout(self.first(x)[0]))
            return self.head(torch.relu(self.dense(torch.cat([*last], dim=-1))))

        def in_keras_order(self):
            for lstm in (self.first, self.second):
                for way in ("", "_reverse"):
                    for name in ("weight_ih", "weight_hh", "bias_ih"):
                        yield getattr(lstm, f"{name}_l0{way}")
                    # PyTorch has two biases, of which one is enough.
                    nn.init.zeros_(getattr(lstm, f"bias_hh_l0{way}"))
            for linear in (self.dense, self.head):
                yield linear.weight
                yield linear.bias

        def gradient_lengths(self):
            return [p.grad.norm().item() for p in self.in_keras_order()]

    net = Net()
    with torch.no_grad():
        for mine, keras in zip(net.in_keras_order(), weights(), strict=True):
            mine.copy_(torch.from_numpy(keras.T))
    return net
