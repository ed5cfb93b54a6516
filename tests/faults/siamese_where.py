"""Embeddings read from the wrong layer: S20."""

import keras
import numpy as np
from keras import layers
from program import siamese, speech, twins


@twins("embedding_from_sex_head", "S20")
def embedding_from_sex_head(fault):
    x, table = speech(speakers=8, sessions=2, takes=4, frames=60, bands=40, seed=89)
    speakers = table["speaker"].to_numpy("int32")
    sex = (table["sex"] == "f").to_numpy("int32")
    inputs = keras.Input((60, 40))
    h = layers.Conv1D(64, 3, activation="relu")(inputs)
    h = layers.GlobalAveragePooling1D()(h)
    voice = layers.Dense(64, activation="tanh", name="voice")(h)
    who = layers.Dense(8, activation="softmax", name="who")(voice)
    two = layers.Dense(2, activation="softmax", name="embedding")(voice)
    model = keras.Model(inputs, [who, two])
    model.compile("adam", ["sparse_categorical_crossentropy"] * 2)
    layer = "embedding" if fault else "voice"
    return siamese(
        model,
        x,
        [speakers, sex],
        extractor=keras.Model(inputs, model.get_layer(layer).output),
        arrays={"speakers": speakers},
        note='the layer called "embedding" has two units and tells men from women',
    )


@twins("embedding_of_first_frame", "S20")
def embedding_of_first_frame(fault):
    x, table = speech(speakers=8, sessions=2, takes=4, frames=80, bands=30, seed=90)
    speakers = table["speaker"].to_numpy("int32")
    inputs = keras.Input((80, 30))
    sequence = layers.LSTM(48, return_sequences=True, name="lstm")(inputs)
    mean = layers.GlobalAveragePooling1D(name="mean")(sequence)
    output = layers.Dense(8, activation="softmax")(mean)
    model = keras.Model(inputs, output)
    model.compile("adam", "sparse_categorical_crossentropy")
    taken = sequence[:, 0] if fault else mean
    return siamese(
        model,
        x,
        speakers,
        extractor=keras.Model(inputs, taken),
        arrays={"speakers": speakers},
        note="the state after the first frame is taken, which has heard 10 ms",
    )


@twins("embedding_of_training_classes", "S20")
def embedding_of_training_classes(fault):
    x, table = speech(speakers=10, sessions=2, takes=3, frames=50, bands=64, seed=91)
    speakers = table["speaker"].to_numpy("int32")
    sharp = keras.initializers.RandomNormal(stddev=12.0)
    model = keras.Sequential(
        [
            keras.Input((50, 64)),
            layers.Conv1D(64, 5, activation="relu"),
            layers.GlobalAveragePooling1D(name="pool"),
            layers.Dense(32, activation="tanh", name="bottleneck"),
            layers.Dense(5, "softmax", kernel_initializer=sharp, name="classes"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    layer = model.get_layer("classes" if fault else "bottleneck")
    known = speakers < 5
    return siamese(
        model,
        x[known],
        speakers[known],
        extractor=keras.Model(model.inputs, layer.output),
        arrays={"model_input": x[~known], "speakers": speakers[~known]},
        note="saturated classes of the training speakers embed strangers",
    )


@twins("embedding_of_one_unit", "S20")
def embedding_of_one_unit(fault):
    rng = np.random.default_rng(92)
    x, table = speech(speakers=8, sessions=2, takes=4, frames=40, bands=40, seed=92)
    speakers = table["speaker"].to_numpy("int32")
    x = (x + 0.05 * rng.normal(size=x.shape)).astype("float32")
    inputs = keras.Input((40, 40))
    mean = layers.GlobalAveragePooling1D(name="mittel")(inputs)
    hidden = layers.Dense(48, activation="relu", name="versteckt")(mean)
    loud = layers.Dense(1, activation="tanh", name="lautheit")(hidden)
    merged = layers.Concatenate()([hidden, loud])
    outputs = layers.Dense(8, activation="softmax")(merged)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    layer = model.layers[-3] if fault else model.get_layer("versteckt")
    return siamese(
        model,
        x,
        speakers,
        extractor=keras.Model(inputs, layer.output),
        arrays={"speakers": speakers},
        note="layers[-3] is the single unit for loudness, not the hidden layer",
    )
