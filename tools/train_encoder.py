"""Train the encoder that comes with siamlab, from scratch.

    python tools/train_encoder.py LIBRISPEECH [--seed 0] [--output encoder.npz]

LIBRISPEECH is a folder in LibriSpeech's layout; its train-clean-100 trains. The file
that comes with siamlab, siamlab/embeddings/encoder.npz, was made from the first 8 s of
one recording of each of 251 readers.
"""

import argparse

import siamlab as sl


def main():
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", metavar="LIBRISPEECH")
    parser.add_argument("--subset", default="train-clean-100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--output", default="encoder.npz", metavar="FILE.npz")
    arguments = parser.parse_args()
    features = sl.extract(sl.corpora.librispeech(arguments.root, arguments.subset))
    encoder = sl.embeddings.train_encoder(
        features,
        epochs=arguments.epochs,
        steps=arguments.steps,
        seed=arguments.seed,
        corpus=f"LibriSpeech {arguments.subset}",
    )
    encoder.save(arguments.output)
    print(f"{arguments.output}: {encoder}")


if __name__ == "__main__":
    main()
