"""Twins and extractors that are not what they seem: S17, S18, S19."""

import keras
from keras import layers, ops
from parts import euclid, hinge
from program import pair_data, siamese, speech, twins


@twins("two_towers_built_twice", "S17", bands=40)
@twins("two_towers_built_twice_wide", "S17", bands=128)
def two_towers_built_twice(fault, bands):
    x, y, table = pair_data(32, bands=bands, seed=81)

    def create_base_network():
        inputs = keras.Input((40, bands))
        h = layers.Bidirectional(layers.LSTM(16))(inputs)
        return keras.Model(inputs, layers.Dense(24)(h))

    base = create_base_network()
    left, right = keras.Input((40, bands)), keras.Input((40, bands))
    other = create_base_network() if fault else base
    model = keras.Model([left, right], euclid(base(left), other(right)))
    model.compile("adam", hinge(2.5))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        arrays={"tower_a": base, "tower_b": other},
        note="the base network is built once for each input",
    )


@twins("cloned_twin", "S17")
def cloned_twin(fault):
    x, y, table = pair_data(32, label="different", frames=60, bands=20, seed=82)
    shared_net = keras.Sequential(
        [
            keras.Input((60, 20)),
            layers.Conv1D(24, 5, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16),
        ]
    )
    twin = shared_net
    if fault:
        copy = {**shared_net.get_config(), "name": "other_net"}
        twin = keras.Sequential.from_config(copy)
        twin.set_weights(shared_net.get_weights())
    a, b = keras.Input((60, 20)), keras.Input((60, 20))
    model = keras.Model([a, b], ops.stack([shared_net(a), twin(b)], axis=1))

    def contrastive(y_true, e):
        d = euclid(e[:, 0], e[:, 1])
        return (1 - y_true) * d**2 + y_true * ops.relu(2.5 - d) ** 2

    model.compile("adam", contrastive)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=shared_net,
        arrays={"tower_a": shared_net, "tower_b": twin},
        note="a copy starts with the same weights and goes its own way",
    )


@twins("subclass_with_two_rnns", "S17")
def subclass_with_two_rnns(fault):
    x, y, table = pair_data(24, frames=30, bands=30, seed=83)

    class Siamese(keras.Model):
        def __init__(self):
            super().__init__()
            self.rnn_links = layers.GRU(20)
            self.rnn_rechts = layers.GRU(20) if fault else self.rnn_links
            self.projection = layers.Dense(12)

        def call(self, inputs):
            a = self.projection(self.rnn_links(inputs[0]))
            b = self.projection(self.rnn_rechts(inputs[1]))
            return ops.sum(ops.abs(a - b), axis=-1, keepdims=True)

    model = Siamese()
    model.compile("adam", hinge(6.0))
    model([part[:2] for part in x])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"tower_a": model.rnn_links, "tower_b": model.rnn_rechts},
        note="only the projection is shared, each side has a GRU of its own",
    )


@twins("returns_compile", "S18")
def returns_compile(fault):
    x, y, table = pair_data(24, frames=30, bands=40, seed=84)

    def siamese_network():
        base = keras.Sequential([layers.LSTM(16), layers.Dense(16)])
        a, b = keras.Input((30, 40)), keras.Input((30, 40))
        model = keras.Model([a, b], euclid(base(a), base(b)))
        if fault:
            return model.compile("adam", hinge(1.5))
        model.compile("adam", hinge(1.5))
        return model

    return siamese(
        siamese_network(),
        x,
        y,
        pairs=table,
        note="the function returns what compile returns, None",
    )


@twins("forgot_to_return", "S18")
def forgot_to_return(fault):
    x, y, table = pair_data(24, frames=50, bands=13, seed=85)

    def build_and_compile():
        net = keras.Sequential()
        net.add(layers.Conv1D(16, 3, activation="relu"))
        net.add(layers.GlobalAveragePooling1D())
        net.add(layers.Dense(8))
        one, two = keras.Input((50, 13)), keras.Input((50, 13))
        model = keras.Model([one, two], euclid(net(one), net(two)))
        model.compile(optimizer="adam", loss=hinge(1.0))
        if not fault:
            return model
        return None

    return siamese(
        build_and_compile(), x, y, pairs=table, note="the model is never returned"
    )


@twins("extractor_built_again", "S19")
def extractor_built_again(fault):
    x, y, table = pair_data(32, frames=40, bands=40, seed=86)

    def base_network():
        inputs = keras.Input((40, 40))
        h = layers.Bidirectional(layers.LSTM(16), name="blstm_2")(inputs)
        return keras.Model(inputs, layers.Dense(16, name="dense")(h))

    base = base_network()
    a, b = keras.Input((40, 40)), keras.Input((40, 40))
    model = keras.Model([a, b], euclid(base(a), base(b)))
    model.compile("adam", hinge(2.0))
    source = base_network() if fault else base
    extractor = keras.Model(source.inputs, source.get_layer("blstm_2").output)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=extractor,
        note="embeddings are taken from a second base network, which is not trained",
    )


@twins("extractor_cloned", "S19")
def extractor_cloned(fault):
    x, table = speech(speakers=6, sessions=2, takes=3, frames=60, bands=64, seed=87)
    classifier = keras.Sequential(
        [
            keras.Input((60, 64)),
            layers.Conv1D(32, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(24, activation="tanh", name="embedding"),
            layers.Dense(6, activation="softmax"),
        ]
    )
    classifier.compile("adam", "sparse_categorical_crossentropy")
    source = keras.models.clone_model(classifier) if fault else classifier
    extractor = keras.Model(source.inputs, source.get_layer("embedding").output)
    return siamese(
        classifier,
        x,
        table["speaker"].to_numpy("int32"),
        extractor=extractor,
        arrays={"speakers": table["speaker"].to_numpy()},
        note="clone_model copies the layers, not their weights",
    )


@twins("loaded_by_name_that_matched_nothing", "S19")
def loaded_by_name_that_matched_nothing(fault):
    x, y, table = pair_data(24, frames=30, bands=26, seed=88)

    def network(prefix):
        return keras.Sequential(
            [
                keras.Input((30, 26)),
                layers.GRU(16, name=f"{prefix}_gru"),
                layers.Dense(12, name=f"{prefix}_dense"),
            ]
        )

    base = network("base")
    a, b = keras.Input((30, 26)), keras.Input((30, 26))
    model = keras.Model([a, b], euclid(base(a), base(b)))
    model.compile("adam", hinge(2.0))
    stored = {layer.name: layer.get_weights() for layer in base.layers}
    extractor = network("extractor" if fault else "base")
    for layer in extractor.layers:
        if layer.name in stored:
            layer.set_weights(stored[layer.name])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=extractor,
        note="weights are loaded by name, no name matches, and nobody says so",
    )
