"""Does a network know voices, where all speakers share one microphone?

    python benchmarks/voice_equality.py --train ROOT --timit ROOT
    python benchmarks/voice_equality.py --train ROOT --fsdd ROOT
    python benchmarks/voice_equality.py --train ROOT --hold-out 50

Two networks are trained on ``--train`` (LibriSpeech's layout) and kept in ``--nets``:
the course's BLSTM on the sound as it is, and an x-vector network with random filters,
rooms and noise. Then follows the protocol of the paper behind the KL-hinge loss (Lukic
et al., 2017): of each speaker two utterances, one of eight sentences and one of the
remaining two, in the order of their names; the embeddings of the sentences are
averaged, clustered by complete linkage on the cosine, and the misclassification rate is
that of the best cut. For 5, 10 and all speakers.

Without TIMIT the same is done with the test-other readers, as they are and after a
random filter drawn for each recording, and with ``--fsdd``. ``--hold-out`` keeps some
of the training readers back and takes them as the exam, each recording cut in three: on
them the network and its augmentation were chosen. The figures of test-other and fsdd
stood beside, and had a say in how strong the augmentation is: they flatter a little.

SA1 and SA2 are the same two sentences for everybody and come first by name: they are
among the eight. Two more rows show what that does: the two that stand apart are SA1 and
SA2, or there are none of them at all.
"""

import argparse
from functools import partial
from pathlib import Path

import keras
import numpy as np
from _report import keep, machine, table
from sklearn.cluster import AgglomerativeClustering

import siamlab as sl
from siamlab.embeddings import augmentation

SIZES = (5, 10, None)


# How it is built from a scaler, frames of a segment, layer of the embedding.
NETWORKS = {
    "course": (
        lambda scaler: sl.networks.blstm_encoder(head="unit", scaler=scaler),
        40,
        "blstm_2",
    ),
    "voices": (
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
        return keras.saving.load_model(path)
    keras.utils.set_random_seed(seed)
    build, frames, _ = NETWORKS[kind]
    base = build(sl.scaling.StandardScaler().fit(features))
    net = sl.networks.SpeakerNet(base)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps * epochs)
    optimizer = keras.optimizers.Adam(rate, clipnorm=5.0)
    net.compile(optimizer, loss=sl.losses.SupervisedContrastive(0.1))
    batches = sl.sampling.SpeakerBatches(
        features, n_frames=frames, steps_per_epoch=steps, seed=seed
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
        who, vectors = sl.embeddings.enroll(embeddings[part], speakers[part])
        models.append(vectors)
        names.append(who)
    models, names = np.concatenate(models), np.concatenate(names)
    # Every number of clusters is a cut of the tree.
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


def cut(features, parts=3):
    """Make several utterances of each."""
    arrays = [piece for x in features for piece in np.array_split(x, parts)]
    rows = np.repeat(np.arange(len(features)), parts)
    table = features.table.iloc[rows].reset_index(drop=True)
    table["path"] += [f" {place}" for place in np.tile(np.arange(parts), len(features))]
    return sl.Features(arrays, table)


def exams(arguments, held_out):
    """Names, features and what stands apart."""
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", metavar="ROOT", required=True)
    parser.add_argument("--timit", metavar="ROOT")
    parser.add_argument("--fsdd", metavar="ROOT")
    parser.add_argument("--hold-out", type=int, default=0, metavar="READERS")
    parser.add_argument("--nets", type=Path, default=Path("voice_equality"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
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
        "untrained": ("course", sl.networks.blstm_encoder(head="unit", scaler=scaler))
    }
    arguments.nets.mkdir(parents=True, exist_ok=True)
    for kind in NETWORKS:
        # One for each set of readers: who is examined was not trained on.
        path = arguments.nets / f"{kind}-{len(train)}-seed{arguments.seed}.keras"
        how = arguments.seed, arguments.epochs, arguments.steps
        nets[f"trained, {kind}"] = kind, network(kind, train, path, *how)
    ways = {"average spectrum": sl.embeddings.average_spectra}
    for name, (kind, net) in nets.items():
        _, frames, layer = NETWORKS[kind]
        ways[name] = partial(
            sl.embed, net, layer=layer, n_frames=frames, hop_frames=frames // 2
        )
    rows = []
    for exam, features, apart in exams(arguments, held_out):
        for way, embed in ways.items():
            row = figures(f"{exam}: {way}", features, embed, apart, arguments.seed)
            rows.append(row)
            print(*row, sep="  ", flush=True)
    head = ("who, how", "EER [95 %]", "MR of 5", "of 10", "of all")
    text = "\n".join(
        [
            f"Trained on {train!r}. Course: the BLSTM of the course, sound as it is. "
            "Voices: `networks.xvector_encoder`, random rooms, filters, noise and gains. MR: "
            "misclassification rate at the best cut, complete linkage; of 5 and of 10 "
            "speakers the mean of 20 draws.",
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
