"""What people use in place of siamlab, with the same input and the same amount of work.

One function for each row of a table of benchmarks/throughput.py, as in `_ours`.
"""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soundfile
from _ours import (
    COMPARED,
    MARGIN,
    N_FRAMES,
    N_MELS,
    UNITS,
    corpus_of,
    descend,
    encoder_model,
    noise_utterances,
    seconds_of,
    speaker_batches,
)
from _processes import Work


def _each_file(root, files, threads, make):
    """Apply a function to each file, in a pool of threads."""
    from threadpoolctl import threadpool_limits

    corpus, made = corpus_of(root, files), []
    paths = list(corpus.table.path)
    make(paths[0])  # imports and compiles

    def run():
        made.clear()
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
            made.extend(pool.map(make, paths))

    return Work(run, seconds_of(corpus), lambda: np.concatenate(made[:COMPARED]))


def decoding(root, files, threads):
    """Decode FLAC and nothing else: the limit for all extraction."""
    return _each_file(
        root, files, threads, lambda path: soundfile.read(path, dtype="float32")[0]
    )


def librosa_melspectrogram(root, files, threads):
    """librosa's functions with the settings of `siamlab.Spectrogram`."""
    import librosa

    from siamlab import Spectrogram

    ours = Spectrogram()
    padding = ours.n_fft - ours.win_length

    def make(path):
        samples, sr = soundfile.read(path, dtype="float32")
        power = librosa.feature.melspectrogram(
            # librosa centers the window in the transform.
            y=np.pad(samples, (padding // 2, padding - padding // 2)),
            sr=sr,
            n_fft=ours.n_fft,
            win_length=ours.win_length,
            hop_length=ours.hop_length,
            n_mels=ours.n_mels,
            center=False,
        )
        return librosa.power_to_db(power, amin=1e-10, top_db=None).T

    return _each_file(root, files, threads, make)


def kaldi_fbank(root, files, threads):
    """kaldi-native-fbank, as close to our settings as its options allow."""
    import kaldi_native_fbank as knf

    from siamlab import Spectrogram

    ours, options = Spectrogram(), knf.FbankOptions()
    frames, mel = options.frame_opts, options.mel_opts
    frames.samp_freq = ours.sr
    frames.frame_length_ms = 1e3 * ours.win_length / ours.sr
    frames.frame_shift_ms = 1e3 * ours.hop_length / ours.sr
    frames.window_type, frames.dither, frames.preemph_coeff = "hann", 0.0, 0.0
    frames.remove_dc_offset, frames.snip_edges = False, True
    mel.num_bins, mel.low_freq, mel.high_freq = ours.n_mels, 0.0, ours.sr / 2
    mel.is_librosa = True  # the same filters; Kaldi's own do not allow 128 bands
    options.eps = 10 ** (ours.floor_db / 10)

    def make(path):
        samples, sr = soundfile.read(path, dtype="float32")
        bank = knf.OnlineFbank(options)
        bank.accept_waveform(sr, samples)
        bank.input_finished()
        rows = [bank.get_frame(i) for i in range(bank.num_frames_ready)]
        return np.stack(rows) * np.float32(10 / np.log(10))  # to dB

    return _each_file(root, files, threads, make)


def keras_on_pairs(batch, steps, threads):
    """A model with two inputs and `fit` on arrays of pairs, as in the post."""
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "0"  # the default without siamlab
    import keras
    from keras import ops

    n = batch // 2 * steps
    rng = np.random.default_rng(0)
    pairs = [rng.normal(size=(n, N_FRAMES, N_MELS)).astype(np.float32) for _ in "ab"]
    same = rng.integers(2, size=(n, 1)).astype(np.float32)
    encoder = encoder_model()

    def hinge(same, distance):
        return ops.mean(same * distance + (1 - same) * ops.relu(MARGIN - distance))

    inputs = [keras.Input((N_FRAMES, N_MELS)) for _ in "ab"]
    p, q = (ops.maximum(encoder(x), 1e-30) for x in inputs)
    kl = ops.sum((p - q) * (ops.log(p) - ops.log(q)), axis=-1, keepdims=True)
    net = keras.Model(inputs, kl)
    net.compile("adam", loss=hinge)
    return Work(
        lambda: net.fit(pairs, same, batch_size=batch // 2, epochs=1, verbose=0),
        batch * steps,
    )


def torch_lstm(batch, steps, threads):
    """nn.LSTM, the dense layers and the loss of all pairs, in a plain loop."""
    import torch

    torch.set_num_threads(threads)
    net, batches = _torch_encoder(), speaker_batches(batch, steps)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)

    def loss_of(net, batch):
        x, ids = map(torch.from_numpy, batch)
        log_p = torch.log_softmax(net(x), dim=-1)
        p = log_p.exp()
        kl = (p * log_p).sum(-1, keepdim=True) - p @ log_p.T
        same = ids[:, None] == ids[None, :]
        diagonal = torch.eye(len(ids), dtype=torch.bool)
        return kl[same & ~diagonal].mean() + torch.relu(MARGIN - kl)[~same].mean()

    def run():
        net.train()
        for i in range(steps):
            optimizer.zero_grad()
            loss_of(net, batches[i]).backward()
            optimizer.step()
        batches.on_epoch_end()

    def first_step():
        net = _torch_encoder().eval()
        loss = loss_of(net, speaker_batches(batch, 1)[0])
        loss.backward()
        lengths = [p.grad.norm().item() for p in net.in_keras_order()]
        return np.array([loss.item(), *lengths])

    return Work(run, batch * steps, first_step)


def torch_lstm_with_kept_memory(batch, steps, threads):
    """The same, with a C library that keeps the memory of a step (as TensorFlow)."""
    library = ctypes.CDLL(None)
    # Of malloc.h: M_MMAP_MAX, none; M_TRIM_THRESHOLD, 2 GB.
    for parameter, value in ((-4, 0), (-1, 2**31 - 1)):
        if not library.mallopt(parameter, value):
            raise RuntimeError("mallopt refused the settings; it needs glibc")
    return torch_lstm(batch, steps, threads)


def _torch_encoder():
    """Build the encoder in PyTorch, with the weights of `encoder_model`."""
    import torch
    from torch import nn

    keras_encoder = encoder_model()
    dense = [layer for layer in keras_encoder.layers if "Dense" in type(layer).__name__]
    activations = [layer.activation.__name__ for layer in dense[:-1]]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            both = {"batch_first": True, "bidirectional": True}
            self.first = nn.LSTM(N_MELS, UNITS, **both)
            self.dropout = nn.Dropout(0.25)
            self.second = nn.LSTM(2 * UNITS, UNITS, **both)
            shapes = [layer.kernel.shape for layer in dense]
            self.dense = nn.ModuleList(nn.Linear(*shape) for shape in shapes)

        def forward(self, x):
            _, (last, _) = self.second(self.dropout(self.first(x)[0]))
            x = torch.cat([*last], dim=-1)
            for layer, name in zip(self.dense, activations, strict=False):
                x = layer(x) if name == "linear" else getattr(torch, name)(layer(x))
            return self.dense[-1](x)

        def in_keras_order(self):
            for lstm in (self.first, self.second):
                for direction in ("", "_reverse"):
                    for name in ("weight_ih", "weight_hh", "bias_ih"):
                        yield getattr(lstm, f"{name}_l0{direction}")
                    # PyTorch has two biases, of which one is enough.
                    nn.init.zeros_(getattr(lstm, f"bias_hh_l0{direction}"))
            for linear in self.dense:
                yield linear.weight
                yield linear.bias

    net = Net()
    with torch.no_grad():
        for parameter, weight in zip(
            net.in_keras_order(), keras_encoder.trainable_weights, strict=True
        ):
            parameter.copy_(torch.from_numpy(np.array(weight).T))
    return net


def _unit(x):
    # Padding alone can give a row of zeros.
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-30)


def _predict_each(model, arrays, n_frames, hop_frames):
    """Call `predict` for each utterance, as many tutorials do."""
    from siamlab.sampling import segments

    rows = []

    def embed(x):
        y = model.predict(segments(x, n_frames, hop_frames), verbose=0)
        return _unit(_unit(y).mean(axis=0))

    def run():
        rows[:] = [embed(x) for x in arrays]

    return Work(run, 0.01 * sum(map(len, arrays)), lambda: np.stack(rows))


def predict_each(utterances, longest, threads):
    """`predict` for each utterance, with the course's BLSTM."""
    import siamlab as sl

    model = sl.embeddings.extractor(encoder_model())
    return _predict_each(
        model, noise_utterances(utterances, longest), N_FRAMES, N_FRAMES
    )


def predict_padded(utterances, longest, threads):
    """One `predict` for all, padded to the longest; padding is not averaged."""
    import siamlab as sl
    from siamlab.sampling import segments

    model = sl.embeddings.extractor(encoder_model())
    arrays, rows = noise_utterances(utterances, longest), []

    def run():
        length = max(map(len, arrays))
        padded = [np.pad(x, ((0, length - len(x)), (0, 0))) for x in arrays]
        x = np.concatenate([segments(each, N_FRAMES) for each in padded])
        y = _unit(model.predict(x, batch_size=256, verbose=0))
        y = y.reshape(len(arrays), -1, y.shape[-1])
        counts = [len(x) // N_FRAMES for x in arrays]
        means = [each[:n].mean(axis=0) for each, n in zip(y, counts, strict=True)]
        rows[:] = [_unit(np.stack(means))]

    return Work(run, 0.01 * sum(map(len, arrays)), lambda: rows[0])


def encoder_in_keras(utterances, longest, threads):
    """The shipped encoder as a Keras model, with `predict` for each utterance."""
    import siamlab as sl

    encoder = sl.encoder()
    arrays = noise_utterances(utterances, longest)
    return _predict_each(
        encoder.network(), arrays, encoder.n_frames, encoder.hop_frames
    )


def nested_loops(outputs, threads):
    """KL-hinge of all pairs, with nested loops in the graph."""
    import tensorflow as tf

    def loss(ids, outputs):
        n = tf.shape(outputs)[0]

        def pair(i, j):
            p, q = outputs[i], outputs[j]
            forward = tf.reduce_sum(p * (tf.math.log(p) - tf.math.log(q)))
            backward = tf.reduce_sum(q * (tf.math.log(q) - tf.math.log(p)))
            hinges = tf.nn.relu(MARGIN - forward) + tf.nn.relu(MARGIN - backward)
            return tf.where(ids[i] == ids[j], forward + backward, hinges)

        def row(i, total):
            def step(j, total):
                return j + 1, total + pair(i, j)

            return i + 1, tf.while_loop(lambda j, _: j < n, step, (i + 1, total))[1]

        total = tf.while_loop(lambda i, _: i < n, row, (0, 0.0))[1]
        n = tf.cast(n, tf.float32)
        return total / (n * (n - 1.0) / 2.0)

    return descend(loss, outputs, steps=1)
