"""Train the pretrained encoder of siamlab from scratch.

    python tools/train_encoder.py LIBRISPEECH [--seed 0] [--output encoder.npz]

LIBRISPEECH is a folder in LibriSpeech's layout; its train-clean-100 trains. The file
that comes with siamlab, siamlab/embeddings/encoder.npz, was made from the first 8 s of
one recording of each of 251 readers.
"""

import argparse

import keras

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
    how = {"epochs": arguments.epochs, "steps_per_epoch": arguments.steps}
    how["seed"] = arguments.seed
    keras.utils.set_random_seed(arguments.seed)
    network = sl.networks.xvector_encoder(
        scaler=sl.scaling.StandardScaler().fit(features),
        augmentation=sl.embeddings.augmentation(),
    )
    loss = sl.losses.SupervisedContrastive(0.1)
    net = sl.embeddings.train_encoder(features, network, loss, **how)
    about = sl.embeddings.describe_training(
        features, n_frames=120, corpus=f"LibriSpeech {arguments.subset}", **how
    )
    encoder = sl.embeddings.Encoder.from_network(net, features.spectrogram, about)
    encoder.save(arguments.output)
    print(f"{arguments.output}: {encoder}")


if __name__ == "__main__":
    main()
