"""Which recordings a command works on."""

from pathlib import Path

LAYOUTS = (
    "folder",
    "librispeech",
    "voxceleb",
    "common_voice",
    "fsdd",
    "audiomnist",
    "textgrid",
    "timit",
)


def add(parser):
    """Describe the arguments that say which recordings."""
    parser.add_argument(
        "--data", metavar="ROOT", required=True, help="the folder with the recordings"
    )
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="how they lie in it; found out by default: LibriSpeech's, or else a "
        "folder for each speaker",
    )
    parser.add_argument(
        "--subset",
        metavar="NAME",
        help="of LibriSpeech, such as test-other; all that are there by default",
    )


def corpus(arguments):
    """Read the corpus."""
    from .. import corpora

    root = Path(arguments.data)
    layout = arguments.layout
    if layout is None:
        layout = "librispeech" if _like_librispeech(root) else "folder"
    if layout == "librispeech":
        return corpora.librispeech(root, arguments.subset)
    return getattr(corpora, layout)(root)


def _like_librispeech(root):
    """Whether files are named READER-CHAPTER-NNNN.flac, with or without a subset."""
    for pattern in ("*/*/*/*.flac", "*/*/*.flac"):
        for path in root.glob(pattern):
            reader, chapter = path.parts[-3:-1]
            return path.stem.startswith(f"{reader}-{chapter}-")
    return False


def draw(path, picture):
    """Draw into a file, without a window; ``picture(plots)`` gives the Axes."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import numpy as np

    from .. import plots, store

    figure = np.atleast_1d(picture(plots))[0].figure
    kind = Path(path).suffix.lstrip(".") or "png"
    with store.write_whole(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=120, bbox_inches="tight")
    plt.close(figure)
