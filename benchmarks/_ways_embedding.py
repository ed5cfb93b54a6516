"""Embeddings of utterances from 1 to 20 s, by the base network and by the encoder."""

import numpy as np
from _race import Way
from _ways_training import BANDS, FRAMES, network


def utterances(number, longest, seed=0):
    """Noise in place of speech, from 100 frames to the longest."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(100, longest + 1, size=number)
    return [rng.normal(-50, 15, (n, BANDS)).astype(np.float32) for n in lengths]


def _seconds(arrays):
    return 0.01 * sum(map(len, arrays))


def _unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _traces(model):
    return {"traces": model.predict_function.experimental_get_tracing_count()}


def _predict_each(model, arrays, frames, hop):
    """Each utterance by itself, as tutorials have it."""
    from siamlab.sampling import segments

    rows = []

    def run():
        rows[:] = [
            _unit(
                _unit(model.predict(segments(x, frames, hop), verbose=0)).mean(axis=0)
            )
            for x in arrays
        ]

    return Way(
        run,
        _seconds(arrays),
        result=lambda: np.stack(rows),
        facts=lambda: _traces(model),
    )


def predict_each(number, longest, threads):
    """`predict` for each utterance."""
    import siamlab as sl

    model = sl.embeddings.extractor(network())
    return _predict_each(model, utterances(number, longest), FRAMES, FRAMES)


def padded(number, longest, threads):
    """One `predict` for all, padded to the longest; the padding is not averaged."""
    import siamlab as sl
    from siamlab.sampling import segments

    model, arrays = sl.embeddings.extractor(network()), utterances(number, longest)
    rows = []

    def run():
        most = max(map(len, arrays))
        x = np.stack([np.pad(x, ((0, most - len(x)), (0, 0))) for x in arrays])
        x = np.concatenate([segments(each, FRAMES) for each in x])
        y = _unit(model.predict(x, batch_size=256, verbose=0))
        y = y.reshape(len(arrays), -1, y.shape[-1])
        there = [len(x) // FRAMES for x in arrays]
        means = [each[:n].mean(axis=0) for each, n in zip(y, there, strict=True)]
        rows[:] = [_unit(np.stack(means))]

    return Way(
        run,
        _seconds(arrays),
        result=lambda: rows[0],
        facts=lambda: _traces(model),
    )


def ours(number, longest, threads):
    """`siamlab.embed`."""
    import siamlab as sl

    net, arrays = network(), utterances(number, longest)
    rows = []

    def run():
        rows[:] = [sl.embed(net, arrays)]

    return Way(
        run,
        _seconds(arrays),
        result=lambda: np.asarray(rows[0]),
        facts=lambda: _traces(sl.embeddings.extractor(net)),
    )


def encoder_predict_each(number, longest, threads):
    """Run the encoder's network in Keras, with `predict` for each utterance."""
    import siamlab as sl

    encoder = sl.encoder()
    arrays = utterances(number, longest)
    return _predict_each(encoder.network(), arrays, encoder.frames, encoder.hop)


def encoder(number, longest, threads):
    """Run the encoder that comes with siamlab, in NumPy."""
    import siamlab as sl

    encoder, arrays = sl.encoder(), utterances(number, longest)
    sl.embed(encoder, arrays[:1])  # imports
    rows = []

    def run():
        rows[:] = [sl.embed(encoder, arrays)]

    return Way(run, _seconds(arrays), result=lambda: np.asarray(rows[0]))
