"""Does a network know voices, where all speakers share one microphone?

    python benchmarks/voice_equality.py --train ROOT --timit ROOT
    python benchmarks/voice_equality.py --train ROOT --fsdd ROOT

A network is trained on ``--train`` (LibriSpeech's layout) with random filters, rooms
and noise, and kept in ``--net``. Then follows the protocol of the paper behind the
KL-hinge loss (Lukic et al., 2017): of each speaker two utterances, one of eight
sentences and one of the remaining two, in the order of their names; the embeddings of
the sentences are averaged, clustered by complete linkage on the cosine, and the
misclassification rate is that of the best cut. For 5, 10 and all speakers.

Without TIMIT the same is done with the test-other readers, as they are and after a
random filter drawn for each recording, and with ``--fsdd``.

SA1 and SA2 are the same two sentences for everybody and come first by name: they are
among the eight. Two more rows show what that does: the two that stand apart are SA1 and
SA2, or there are none of them at all.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from _report import keep, machine, table

import siamlab as sl

SIZES = (5, 10, None)
FRAMES = 120  # of a segment: 1.2 s


def augmentation():
    """Another room, microphone, background and level for each segment."""
    return [
        sl.layers.RandomRoom(seconds=(0.05, 0.6), ratio=(0.0, 15.0), share=0.7),
        sl.layers.RandomFilter(depth=6.0, waves=6),
        sl.layers.RandomNoise(ratio=(5.0, 40.0), share=0.8),
        sl.layers.RandomGain(10.0),
    ]


def network(root, path, seed, epochs, steps):
    """Load the network, or train it."""
    if path.exists():
        return keras.saving.load_model(path)
    keras.utils.set_random_seed(seed)
    features = sl.extract(sl.corpora.librispeech(root, "train-clean-100"))
    scaler = sl.scaling.Standard().fit(features)
    base = sl.networks.xvector(scaler=scaler, augmentation=augmentation())
    net = sl.networks.SpeakerNet(base, sl.losses.SupervisedContrastive(0.1))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps * epochs)
    net.compile(optimizer=keras.optimizers.Adam(rate, clipnorm=5.0))
    batches = sl.sampling.SpeakerBatches(
        features, frames=FRAMES, steps=steps, seed=seed
    )
    net.fit(batches, epochs=epochs)
    whole = path.with_name(f"{path.stem}.part.keras")  # Keras wants its own ending
    net.save(whole)
    whole.replace(path)
    return net


def halves(features, sentences=None):
    """For each utterance, whether it belongs to the two that stand apart.

    ``sentences``: None takes the last two by name; else those names stand apart.
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
    """Misclassification rate of the two utterances of each speaker at the best cut."""
    models, names = [], []
    for part in (apart, ~apart):
        who, vectors = sl.embeddings.enrol(embeddings[part], speakers[part])
        models.append(vectors)
        names.append(who)
    models, names = np.concatenate(models), np.concatenate(names)
    # Every number of clusters is a cut of the tree.
    return min(
        float(
            sl.metrics.misclassification_rate(
                names, sl.clusters.hierarchical(models, n=n, linkage="complete")
            )
        )
        for n in range(1, len(models) + 1)
    )


def figures(name, features, embed, apart, seed):
    """Row of the table: EER, and misclassification for some numbers of speakers."""
    embeddings, speakers = embed(features), features.speakers
    rates = []
    everyone = np.unique(speakers)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        if size is not None and size > len(everyone):
            rates.append("")
            continue
        found = []
        for _ in range(1 if size in (None, len(everyone)) else 20):
            some = everyone if size is None else rng.choice(everyone, size, False)
            kept = np.isin(speakers, some)
            found.append(misclassified(embeddings[kept], speakers[kept], apart[kept]))
        rates.append(f"{np.mean(found):.2f}")
    eer = sl.metrics.verify(embeddings, speakers, seed=seed).eer
    return name, f"{eer:.1%} [{eer.low:.1%}, {eer.high:.1%}]", *rates


def exams(arguments):
    """Names, features and what stands apart."""
    if arguments.timit:
        corpus = sl.corpora.timit(arguments.timit)
        features = sl.extract(corpus)
        yield "TIMIT", features, halves(features)
        yield "TIMIT, SA1 and SA2 apart", features, halves(features, ("SA1", "SA2"))
        without = features.select(~features.table.sentence.isin(("SA1", "SA2")))
        yield "TIMIT, without SA1 and SA2", without, halves(without)
    test = sl.extract(sl.corpora.librispeech(arguments.train, "test-other"))
    yield "test-other", test, halves(test)
    filtered = sl.metrics.refilter(test, depth=6.0, seed=0)
    yield "test-other, filtered", filtered, halves(test)
    if arguments.fsdd:
        digits = sl.extract(sl.corpora.fsdd(arguments.fsdd))
        yield "fsdd", digits, halves(digits)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", metavar="ROOT", required=True)
    parser.add_argument("--timit", metavar="ROOT")
    parser.add_argument("--fsdd", metavar="ROOT")
    parser.add_argument("--net", type=Path, default=Path("voice_equality.keras"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()

    net = network(
        arguments.train,
        arguments.net,
        arguments.seed,
        arguments.epochs,
        arguments.steps,
    )
    train = sl.extract(sl.corpora.librispeech(arguments.train, "train-clean-100"))
    keras.utils.set_random_seed(arguments.seed)
    scaler = sl.scaling.Standard().fit(train)
    untrained = sl.networks.base(head="unit", scaler=scaler)
    ways = {
        "average spectrum": sl.metrics.average_spectra,
        "untrained": lambda features: sl.embed(untrained, features),
        "trained": lambda features: sl.embed(
            net, features, layer="head", frames=FRAMES, hop=FRAMES // 2
        ),
    }
    rows = []
    for exam, features, apart in exams(arguments):
        for way, embed in ways.items():
            row = figures(f"{exam}: {way}", features, embed, apart, arguments.seed)
            rows.append(row)
            print(*row, sep="  ", flush=True)
    head = ("who, how", "EER [95 %]", "MR of 5", "of 10", "of all")
    text = "\n".join(
        [
            f"Trained on {train!r} with random rooms, filters, noise and gains. "
            "MR: misclassification rate at the best cut, complete linkage; of 5 and of "
            "10 speakers the mean of 20 draws.",
            "",
            table(head, rows),
            "",
            machine("tensorflow", "keras", "numpy") + ".",
        ]
    )
    print("\n" + text)
    if arguments.keep:
        keep(arguments.keep, text, {"rows": rows})


if __name__ == "__main__":
    main()
