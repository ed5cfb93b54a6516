"""Which corpora can be downloaded, and where the others are."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive that anybody may download without an account.

    Parameters
    ----------
    url : str
        Where it is.
    bytes : int
        Its size.
    sha256 : str
        Of the archive, 64 hexadecimal digits.
    inside : str
        The folder in it that holds everything.
    to : str
        What that folder is to be called where it is unpacked.
    marker : str
        The folder in `to` that is there when all is.
    root : str
        The folder, below the one of the download, that the corpus function takes.
    license : str
        Under which it is.
    """

    url: str
    bytes: int
    sha256: str
    inside: str
    to: str
    marker: str
    root: str
    license: str


def _librispeech(resource, subset, size, sha256):
    return Archive(
        f"https://www.openslr.org/resources/{resource}/{subset}.tar.gz",
        size,
        sha256,
        inside="LibriSpeech",
        to="LibriSpeech",
        marker=subset,
        root="LibriSpeech",
        license="CC BY 4.0",
    )


# Sizes and checksums of LibriSpeech: TensorFlow Datasets, url_checksums/librispeech.txt
# (the checksums: also torchaudio, datasets/librispeech.py). Mini LibriSpeech: sizes in
# Kaldi, egs/mini_librispeech/s5/local/download_and_untar.sh; the SHA-256 were published
# by several who compared with the publisher's md5sum.txt (6d7ab67a... and 5df7d4e7...,
# which are also in PaddlePaddle's DeepSpeech). FSDD: TensorFlow Datasets,
# datasets/spoken_digit/checksums.tsv.
ARCHIVES = {
    "librispeech/dev-clean": _librispeech(
        12,
        "dev-clean",
        337926286,
        "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    ),
    "librispeech/dev-other": _librispeech(
        12,
        "dev-other",
        314305928,
        "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    ),
    "librispeech/test-clean": _librispeech(
        12,
        "test-clean",
        346663984,
        "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    ),
    "librispeech/test-other": _librispeech(
        12,
        "test-other",
        328757843,
        "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    ),
    "librispeech/train-clean-100": _librispeech(
        12,
        "train-clean-100",
        6387309499,
        "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    ),
    "librispeech/train-clean-360": _librispeech(
        12,
        "train-clean-360",
        23049477885,
        "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    ),
    "librispeech/train-other-500": _librispeech(
        12,
        "train-other-500",
        30593501606,
        "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    ),
    "librispeech/dev-clean-2": _librispeech(
        31,
        "dev-clean-2",
        126046265,
        "176ec501490eced2d6c1f89f4f0ddc7dfe799e649e5322f8ba49fe3ff50c8012",
    ),
    "librispeech/train-clean-5": _librispeech(
        31,
        "train-clean-5",
        332954390,
        "47805806c8b15f7549f3c51bd6b7da72ec0128a34d32830c8014a88658c0292d",
    ),
    "fsdd": Archive(
        "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz",
        11975353,
        "8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
        inside="free-spoken-digit-dataset-1.0.9",
        to="fsdd",
        marker="recordings",
        root="fsdd/recordings",
        license="CC BY-SA 4.0",
    ),
}

# Where a download needs an account, a signature or money, or where nobody publishes a
# checksum that one could compare with.
ELSEWHERE = {
    "voxceleb": (
        "ask for access at https://www.robots.ox.ac.uk/~vgg/data/voxceleb/ (the lists "
        "are under CC BY 4.0, the sound belongs to those who made the videos), and "
        "unpack it to ROOT/wav/idXXXXX/VIDEO/NNNNN.wav (VoxCeleb 1) or "
        "ROOT/dev/aac/idXXXXX/VIDEO/NNNNN.m4a (VoxCeleb 2), with vox1_meta.csv and "
        "vox2_meta.csv in ROOT"
    ),
    "common_voice": (
        "choose a language at https://commonvoice.mozilla.org/datasets (CC0 1.0; you "
        "agree not to find out who the speakers are), and unpack it: "
        "ROOT/validated.tsv and ROOT/clips/*.mp3"
    ),
    "timit": (
        "the Linguistic Data Consortium sells it as LDC93S1, under its own license, at "
        "https://catalog.ldc.upenn.edu/LDC93S1; unpack it to "
        "ROOT/TRAIN/DR1/FCJF0/SA1.WAV"
    ),
    "audiomnist": (
        "git clone https://github.com/soerenab/AudioMNIST (MIT; there is no checksum "
        "of it to compare with), which gives ROOT/data/01/0_01_0.wav"
    ),
}
