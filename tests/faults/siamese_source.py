"""The siamese source program with all its faults at once, in full and small."""

import keras
from keras import layers, ops
from program import pair_data, siamese, twins

EPSILON = keras.config.epsilon()


class SimilarityAUC(keras.metrics.AUC):
    """Area under the curve of exp(-distance); label 1 = same."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        nearest = ops.mean(ops.exp(-y_pred), axis=-1, keepdims=True)
        return super().update_state(y_true, nearest, sample_weight)


def create_base_network(shape, units, outputs, fault):
    """BLSTM, dropout, BLSTM, Dense, and a PReLU (mended: a softmax)."""
    inputs = keras.Input(shape)
    h = layers.Bidirectional(layers.LSTM(units, return_sequences=True))(inputs)
    h = layers.Dropout(0.5)(h)
    h = layers.Bidirectional(layers.LSTM(units), name="blstm_2")(h)
    h = layers.Dense(outputs)(h)
    h = layers.PReLU()(h) if fault else layers.Softmax()(h)
    return keras.Model(inputs, h, name="base_network")


def kullback_leibler(p, q, keepdims):
    """One direction, with the clip of the program."""
    p, q = ops.clip(p, EPSILON, 1.0), ops.clip(q, EPSILON, 1.0)
    return ops.sum(p * ops.log(p / q), axis=-1, keepdims=keepdims)


def kb_hinge_loss(margin):
    """The program's loss: a mean over all that it is given; label 1 = same."""

    def loss(y_true, y_pred):
        hinge = ops.maximum(margin - y_pred, 0.0)
        return ops.mean(y_true * y_pred + (1 - y_true) * hinge)

    return loss


def accuracy(y_true, y_pred):
    """The program's metric: near means same, and 0.5 is near."""
    verdict = ops.cast(y_pred < 0.5, y_true.dtype)
    return ops.mean(ops.cast(ops.equal(y_true, verdict), "float32"))


@twins(
    "source_siamese",
    "S3 S5 S6 S7 S8 S9 S30",
    also="S2 S10",
    units=256,
    outputs=128,
    bands=128,
    small=False,
)
@twins(
    "source_siamese_small",
    "S1 S3 S5 S6 S7 S8 S9 S30",
    also="S2 S10",
    units=24,
    outputs=32,
    bands=40,
    small=True,
)
@twins(
    "source_siamese_mid_fitted_accuracy",
    "S5 S6 S7 S8 S9 S30",
    also="S2 S3 S10",
    units=48,
    outputs=128,
    bands=128,
    small=None,
)
def source_siamese(fault, units, outputs, bands, small):
    units_in = "dB" if fault else "z"
    x, y, table = pair_data(32, frames=40, bands=bands, units=units_in, seed=161)
    base = create_base_network((40, bands), units, outputs, fault)
    left, right = keras.Input((40, bands)), keras.Input((40, bands))
    p, q = base(left), base(right)
    if fault:
        d = kullback_leibler(p, q, keepdims=not small)
    else:
        there = kullback_leibler(p, q, True)
        d = ops.concatenate([there, kullback_leibler(q, p, True)], axis=-1)
    model = keras.Model([left, right], d)
    if not fault:
        metric = SimilarityAUC(name="auc")
    elif small is False:
        metric = "accuracy"
    else:
        metric = accuracy
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=kb_hinge_loss(1.0 if fault else 2.0),
        metrics=[metric],
    )
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="all of it at once: decibels as they are, PReLU under a clip, KL in one "
        "direction, margin 1, and an accuracy that never gets over 0.5",
    )
