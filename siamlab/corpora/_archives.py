"""Which corpora can be downloaded, and where to get the others."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Archive:
    """A .tar.gz archive that can be downloaded without an account.

    Parameters
    ----------
    url : str
        Address of the archive.
    size : int
        Bytes of the archive.
    sha256 : str
        Checksum of the archive, 64 hexadecimal digits.
    license : str
        License of the recordings.
    top : str
        The one folder in the archive that contains all others.
    folder : str
        Name that `top` gets when it is unpacked; what the corpus function takes.
    marker : str
        A folder in `folder` that exists if and only if the archive was unpacked.
    """

    url: str
    size: int
    sha256: str
    license: str
    top: str
    folder: str
    marker: str


# Sizes and checksums of LibriSpeech: TensorFlow Datasets, url_checksums/librispeech.txt
# (the checksums: also torchaudio, datasets/librispeech.py). Mini LibriSpeech
# (dev-clean-2, train-clean-5): sizes in Kaldi,
# egs/mini_librispeech/s5/local/download_and_untar.sh; the SHA-256 were published by
# several projects that compared with the publisher's md5sum.txt (6d7ab67a... and
# 5df7d4e7..., which are also in PaddlePaddle's DeepSpeech). FSDD: TensorFlow Datasets,
# datasets/spoken_digit/checksums.tsv.
_LIBRISPEECH = {
    "dev-clean": (
        337_926_286,
        "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    ),
    "dev-other": (
        314_305_928,
        "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    ),
    "test-clean": (
        346_663_984,
        "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    ),
    "test-other": (
        328_757_843,
        "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    ),
    "train-clean-100": (
        6_387_309_499,
        "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    ),
    "train-clean-360": (
        23_049_477_885,
        "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    ),
    "train-other-500": (
        30_593_501_606,
        "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    ),
    "dev-clean-2": (
        126_046_265,
        "176ec501490eced2d6c1f89f4f0ddc7dfe799e649e5322f8ba49fe3ff50c8012",
    ),
    "train-clean-5": (
        332_954_390,
        "47805806c8b15f7549f3c51bd6b7da72ec0128a34d32830c8014a88658c0292d",
    ),
}

ARCHIVES = {
    f"librispeech/{subset}": Archive(
        url=f"https://www.openslr.org/resources/"
        f"{31 if subset in ('dev-clean-2', 'train-clean-5') else 12}/{subset}.tar.gz",
        size=size,
        sha256=sha256,
        license="CC BY 4.0",
        top="LibriSpeech",
        folder="LibriSpeech",
        marker=subset,
    )
    for subset, (size, sha256) in _LIBRISPEECH.items()
}
ARCHIVES["fsdd"] = Archive(
    url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz",
    size=11_975_353,
    sha256="8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
    license="CC BY-SA 4.0",
    top="free-spoken-digit-dataset-1.0.9",
    folder="fsdd",
    marker="recordings",
)

# Corpora that need an account, a signature or a payment, or for which nobody publishes
# a checksum.
ELSEWHERE = {
    "voxceleb": (
        "request access at https://www.robots.ox.ac.uk/~vgg/data/voxceleb/ (the lists "
        "are under CC BY 4.0, the recordings belong to the makers of the videos), and "
        "unpack it to ROOT/wav/idXXXXX/VIDEO/NNNNN.wav (VoxCeleb 1) or "
        "ROOT/dev/aac/idXXXXX/VIDEO/NNNNN.m4a (VoxCeleb 2), with vox1_meta.csv and "
        "vox2_meta.csv in ROOT"
    ),
    "common_voice": (
        "choose a language at https://commonvoice.mozilla.org/datasets (CC0 1.0; you "
        "agree not to identify the speakers), and unpack it to ROOT/validated.tsv and "
        "ROOT/clips/*.mp3"
    ),
    "timit": (
        "the Linguistic Data Consortium sells it as LDC93S1, under its own license, at "
        "https://catalog.ldc.upenn.edu/LDC93S1; unpack it to "
        "ROOT/TRAIN/DR1/FCJF0/SA1.WAV"
    ),
    "audiomnist": (
        "run git clone https://github.com/soerenab/AudioMNIST (MIT; no checksum of it "
        "is published), which creates ROOT/data/01/0_01_0.wav"
    ),
}
