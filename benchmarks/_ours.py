"""What benchmarks/throughput.py measures of siamlab: one function for each work.

Each function imports siamlab itself and returns `Work`, so that the same file can be
run against any checkout with this interface.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from _processes import Work

N_MELS, N_FRAMES, UNITS, OUTPUT_DIM = 128, 40, 128, 128
SEGMENTS_PER_SPEAKER = 8  # in a batch
MARGIN = 3.0
COMPARED = 5  # files


def corpus_of(root, files=None):
    """Read the subsets of a folder in LibriSpeech's layout as one corpus."""
    import pandas as pd

    import siamlab as sl

    subsets = [path.name for path in sorted(Path(root).iterdir()) if path.is_dir()]
    tables = [sl.corpora.librispeech(root, subset).table for subset in subsets]
    corpus = sl.corpora.Corpus(pd.concat(tables, ignore_index=True), "benchmark")
    return corpus.select(range(min(files or len(corpus), len(corpus))))


def seconds_of(corpus):
    """Return the duration of a corpus, in seconds."""
    return float((corpus.table.duration - corpus.table.start).sum())


def new_cache():
    """Use an empty cache from now on; the folder is removed at exit."""
    folder = os.environ["SIAMLAB_CACHE"] = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def extraction(root, files, threads):
    """Spectrograms in memory."""
    import siamlab as sl

    corpus, made = corpus_of(root, files), []
    sl.extract(corpus.select([0]), cache=False)

    def run():
        made.clear()  # the arrays of the last run are not memory of this one
        made.extend(sl.extract(corpus, cache=False, n_jobs=threads))

    return Work(run, seconds_of(corpus), lambda: np.concatenate(made[:COMPARED]))


def extraction_cached(root, files, threads):
    """Spectrograms, written into an empty cache."""
    import siamlab as sl

    corpus, made = corpus_of(root, files), []
    sl.extract(corpus.select([0]), cache=False)

    def run():
        new_cache()
        made[:] = [sl.extract(corpus, n_jobs=threads)]

    def result():
        return np.concatenate([made[0][i] for i in range(min(COMPARED, len(corpus)))])

    return Work(run, seconds_of(corpus), result)


def noise_features(n_speakers, n_utterances, n_frames):
    """Noise in place of speech: a training step takes as long."""
    import pandas as pd

    import siamlab as sl

    rng = np.random.default_rng(0)
    shape = (n_speakers * n_utterances, n_frames, N_MELS)
    arrays = list(rng.normal(size=shape).astype(np.float32))
    names = np.arange(n_speakers).repeat(n_utterances).astype(str)
    return sl.Features(arrays, pd.DataFrame({"speaker": names}))


def speaker_batches(batch, steps):
    """Draw batches of segments, the same for all who train on them."""
    import siamlab as sl

    n_speakers = batch // SEGMENTS_PER_SPEAKER
    return sl.sampling.SpeakerBatches(
        noise_features(max(64, n_speakers), 8, 200),
        n_speakers=n_speakers,
        n_segments=SEGMENTS_PER_SPEAKER,
        n_frames=N_FRAMES,
        steps_per_epoch=steps,
    )


def encoder_model():
    """Build the course's BLSTM, with the same weights each time."""
    import siamlab as sl

    sl.training.quiet_tensorflow()
    import keras

    keras.utils.set_random_seed(0)
    model = sl.networks.blstm_encoder(N_FRAMES, N_MELS, UNITS, OUTPUT_DIM)
    head = model.layers[-1]
    # Larger outputs: with small ones each loss would be the margin.
    head.set_weights([20 * head.get_weights()[0], *head.get_weights()[1:]])
    return model


def speaker_net():
    """Compile a network that learns from all pairs of a batch."""
    import siamlab as sl

    net = sl.networks.SpeakerNet(encoder_model())
    net.compile("adam", loss=sl.losses.KLHinge(MARGIN))
    return net


def training(batch, steps, threads):
    """Train with `fit`, on batches that are drawn at the same time."""
    net, batches = speaker_net(), speaker_batches(batch, steps)

    def first_step():
        """Return the loss and the length of each gradient, without dropout."""
        import tensorflow as tf

        import siamlab as sl

        model, (x, ids) = encoder_model(), speaker_batches(batch, 1)[0]
        with tf.GradientTape() as tape:
            loss = sl.losses.KLHinge(MARGIN)(ids, model(x, training=False))
        gradients = tape.gradient(loss, model.trainable_variables)
        lengths = [np.linalg.norm(gradient.numpy()) for gradient in gradients]
        return np.array([loss.numpy(), *lengths])

    return Work(
        lambda: net.fit(batches, epochs=1, verbose=0), batch * steps, first_step
    )


def noise_utterances(utterances, longest):
    """Noise in dB, from 100 frames to the longest."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(100, longest + 1, size=utterances)
    return [rng.normal(-50, 15, (n, N_MELS)).astype(np.float32) for n in lengths]


def _embed(model, utterances, longest):
    import siamlab as sl

    arrays, rows = noise_utterances(utterances, longest), []

    def run():
        rows[:] = [sl.embed(model, arrays)]

    return Work(run, 0.01 * sum(map(len, arrays)), lambda: np.asarray(rows[0]))


def embedding(utterances, longest, threads):
    """`siamlab.embed` with the course's BLSTM."""
    return _embed(speaker_net(), utterances, longest)


def encoder(utterances, longest, threads):
    """`siamlab.embed` with the encoder that siamlab ships, in NumPy."""
    import siamlab as sl

    return _embed(sl.encoder(), utterances, longest)


def random_outputs(outputs, units=128):
    """Return speaker ids, four of each, and outputs of a softmax."""
    import tensorflow as tf

    logits = np.random.default_rng(0).normal(0, 2, size=(outputs, units))
    probabilities = tf.nn.softmax(tf.constant(logits, tf.float32))
    return tf.constant(np.arange(outputs) // 4), probabilities


def descend(loss, outputs, steps):
    """Compute a loss and its gradient `steps` times in one compiled graph."""
    import tensorflow as tf

    def compiled(steps):
        @tf.function
        def function(ids, outputs):
            gradient = tf.zeros_like(outputs)
            for _ in tf.range(steps):
                with tf.GradientTape() as tape:
                    tape.watch(outputs)
                    value = loss(ids, outputs)
                gradient = tape.gradient(value, outputs)
                # Each step depends on the one before, so that none is optimized away.
                outputs = outputs - 1e-9 * gradient
            return gradient

        return function

    given, once, often = random_outputs(outputs), compiled(1), compiled(steps)
    return Work(lambda: often(*given).numpy(), steps, lambda: once(*given).numpy())


def pair_loss(outputs, threads):
    """KL-hinge over all pairs, as a matrix product."""
    import siamlab as sl

    sl.training.quiet_tensorflow()
    return descend(sl.losses.KLHinge(MARGIN, weighting="pairs"), outputs, steps=100)
