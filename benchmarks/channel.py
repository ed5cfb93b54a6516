"""Does a network learn the voice or the microphone, if each speaker has only one?

    python benchmarks/channel.py --train ROOT --timit ROOT
    python benchmarks/channel.py --train ROOT --fsdd ROOT
    python benchmarks/channel.py --train ROOT --hold-out 50

Two networks are trained on ``--train`` (LibriSpeech's layout) and saved in ``--nets``:
the course's BLSTM on the recordings as they are, and an x-vector network with random
filters, rooms and noise. They are evaluated by the protocol of the paper behind the
KL-hinge loss (Lukic et al., 2017): each speaker has two utterances, one made of eight
sentences and one of the remaining two, in the order of their names; the embeddings of
the sentences are averaged and clustered by complete linkage on the cosine, and the
misclassification rate is that of the best cut. For 5, 10 and all speakers.

Without TIMIT, the readers of test-other are evaluated, as they are and with a random
channel filter for each recording, and with ``--fsdd`` the spoken digits. ``--hold-out``
evaluates training readers that are held out, each recording cut into three: the network
and its augmentation were chosen on them. The figures of test-other and fsdd had a part
in choosing the strength of the augmentation, so they are slightly optimistic.

In TIMIT, SA1 and SA2 are the same two sentences for all speakers and come first by
name, among the eight. Two more rows show their effect: SA1 and SA2 as the two sentences
of the second utterance, and neither of them at all.
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np
from _report import argument_parser, machine, publish, table
from sklearn.cluster import AgglomerativeClustering

import siamlab as sl
from siamlab.embeddings import augmentation

SIZES = (5, 10, None)


# Function that builds it, frames of a segment, layer of the embedding.
NETWORKS = {
    "BLSTM": (
        lambda scaler: sl.networks.blstm_encoder(head="unit", scaler=scaler),
        40,
        "blstm_2",
    ),
    "x-vector": (
        lambda scaler: sl.networks.xvector_encoder(
            scaler=scaler, augmentation=augmentation()
        ),
        120,
        "head",
    ),
}


def network(kind, features, path, seed, epochs, steps):
    """Load the network, or train it."""
    if path.exists():
        return sl.load_model(path)
    keras.utils.set_random_seed(seed)
    build, frames, _ = NETWORKS[kind]
    encoder = build(sl.scaling.StandardScaler().fit(features))
    net = sl.networks.SpeakerNet(encoder)
    learning_rate = keras.optimizers.schedules.CosineDecay(2e-3, steps * epochs)
    optimizer = keras.optimizers.Adam(learning_rate, clipnorm=5.0)
    net.compile(optimizer, loss=sl.losses.SupervisedContrastive(0.1))
    batches = sl.sampling.SpeakerBatches(
        features, n_frames=frames, steps_per_epoch=steps, seed=seed
    )
    net.fit(batches, epochs=epochs)
    temporary = path.with_name(f"{path.stem}.part.keras")
    net.save(temporary)
    temporary.replace(path)
    return net


def halves(features, sentences=None):
    """Return for each sentence whether it belongs to the second utterance.

    ``sentences``: their names; None takes the last two by name.
    """
    table = features.table
    name = table["sentence"] if "sentence" in table else table["path"]
    apart = np.zeros(len(table), dtype=bool)
    for _, rows in table.groupby("speaker").groups.items():
        order = sorted(rows, key=lambda row: name[row])
        two = max(round(0.2 * len(order)), 1)  # of ten sentences
        chosen = order[-two:]
        if sentences is not None:
            chosen = [row for row in order if name[row] in sentences]
        apart[chosen] = True
    return apart


def misclassified(embeddings, speakers, apart):
    """Return the misclassification rate of both utterances at the best cut."""
    models, names = [], []
    for part in (apart, ~apart):
        who, vectors = sl.embeddings.enroll(embeddings[part], speakers[part])
        models.append(vectors)
        names.append(who)
    models, names = np.concatenate(models), np.concatenate(names)
    # Each number of clusters is a cut of the tree.
    return min(
        float(
            sl.metrics.misclassification_rate(
                names,
                AgglomerativeClustering(
                    n, metric="cosine", linkage="complete"
                ).fit_predict(models),
            )
        )
        for n in range(1, len(models) + 1)
    )


def figures(name, features, embed, apart, seed):
    """Return a row: EER, and misclassification rates for some numbers of speakers."""
    embeddings, speakers = embed(features), features.speakers
    error_rates = []
    everyone = np.unique(speakers)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        if size is not None and size > len(everyone):
            error_rates.append("")
            continue
        found = []
        for _ in range(1 if size in (None, len(everyone)) else 20):
            some = everyone if size is None else rng.choice(everyone, size, False)
            kept = np.isin(speakers, some)
            found.append(misclassified(embeddings[kept], speakers[kept], apart[kept]))
        error_rates.append(f"{np.mean(found):.2f}")
    eer = sl.metrics.verify(embeddings, speakers, seed=seed).eer
    return name, f"{eer:.1%} [{eer.low:.1%}, {eer.high:.1%}]", *error_rates


def cut(features, parts=3):
    """Cut each utterance into several."""
    arrays = [piece for x in features for piece in np.array_split(x, parts)]
    rows = np.repeat(np.arange(len(features)), parts)
    table = features.table.iloc[rows].reset_index(drop=True)
    table["path"] += [f" {place}" for place in np.tile(np.arange(parts), len(features))]
    return sl.Features(arrays, table)


def test_sets(arguments, held_out):
    """Yield names, features, and which sentences form the second utterance."""
    if held_out is not None:
        pieces = cut(sl.extract(held_out))
        yield "held out", pieces, halves(pieces)
        yield (
            "held out, filtered",
            sl.embeddings.randomize_channel(pieces, 6.0, 0),
            halves(pieces),
        )
        return
    if arguments.timit:
        corpus = sl.corpora.timit(arguments.timit)
        features = sl.extract(corpus)
        yield "TIMIT", features, halves(features)
        yield "TIMIT, SA1 and SA2 apart", features, halves(features, ("SA1", "SA2"))
        without = features.select(~features.table.sentence.isin(("SA1", "SA2")))
        yield "TIMIT, without SA1 and SA2", without, halves(without)
    test = sl.extract(sl.corpora.librispeech(arguments.train, "test-other"))
    yield "test-other", test, halves(test)
    filtered = sl.embeddings.randomize_channel(test, range_db=6.0, seed=0)
    yield "test-other, filtered", filtered, halves(test)
    if arguments.fsdd:
        digits = sl.extract(sl.corpora.fsdd(arguments.fsdd))
        yield "fsdd", digits, halves(digits)


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--train", metavar="ROOT", required=True)
    parser.add_argument("--timit", metavar="ROOT")
    parser.add_argument("--fsdd", metavar="ROOT")
    parser.add_argument("--hold-out", type=int, default=0, metavar="READERS")
    parser.add_argument("--nets", type=Path, default=Path("channel"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()

    readers = sl.corpora.librispeech(arguments.train, "train-clean-100")
    held_out = None
    if arguments.hold_out:
        share = arguments.hold_out / readers.table.speaker.nunique()
        readers, held_out = readers.split(by="speaker", fractions=(1 - share, share))
    train = sl.extract(readers)
    keras.utils.set_random_seed(arguments.seed)
    scaler = sl.scaling.StandardScaler().fit(train)
    nets = {
        "untrained": ("BLSTM", sl.networks.blstm_encoder(head="unit", scaler=scaler))
    }
    arguments.nets.mkdir(parents=True, exist_ok=True)
    for kind in NETWORKS:
        # One for each training set: readers of the test set are never in it.
        path = arguments.nets / f"{kind}-{len(train)}-seed{arguments.seed}.keras"
        settings = arguments.seed, arguments.epochs, arguments.steps
        nets[f"trained, {kind}"] = kind, network(kind, train, path, *settings)
    embedders = {"average spectrum": sl.embeddings.average_spectra}
    for name, (kind, net) in nets.items():
        _, frames, layer = NETWORKS[kind]
        embedders[name] = partial(
            sl.embed, net, layer=layer, n_frames=frames, hop_frames=frames // 2
        )
    rows = []
    for test_set, features, apart in test_sets(arguments, held_out):
        for name, embed in embedders.items():
            row = figures(f"{test_set}: {name}", features, embed, apart, arguments.seed)
            rows.append(row)
            print(*row, sep="  ", flush=True)
    head = ("test set, network", "EER [95 %]", "MR of 5", "of 10", "of all")
    parts = [
        f"Trained on {train!r}. BLSTM: the course's, recordings as they are. "
        "x-vector: `networks.xvector_encoder`, random rooms, filters, noise and gains. "
        "MR: misclassification rate at the best cut, complete linkage; of 5 and of 10 "
        "speakers the mean of 20 draws.",
        table(head, rows),
        machine("tensorflow", "keras", "numpy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep, {"rows": rows})


if __name__ == "__main__":
    main()
