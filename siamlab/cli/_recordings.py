"""Which recordings a command works on."""

from pathlib import Path

from ..runs.layouts import LAYOUTS, read


def add(parser):
    """Describe the arguments that say which recordings."""
    parser.add_argument(
        "--data", metavar="ROOT", required=True, help="the folder with the recordings"
    )
    parser.add_argument(
        "--layout",
        choices=(*LAYOUTS, "textgrid"),
        help="how they lie in it; found out by default: LibriSpeech's, or else a "
        "folder for each speaker",
    )
    parser.add_argument(
        "--subset",
        metavar="NAME",
        help="of LibriSpeech, such as test-other (all that are there by default), "
        "and of other corpora that have some",
    )


def add_encoder(parser):
    """Describe the argument that says which encoder."""
    parser.add_argument("--encoder", metavar="FILE.npz", help="another encoder")


def encoder(arguments):
    """Load the encoder: that of the argument, or the one that comes with siamlab."""
    from .. import embeddings

    path = arguments.encoder
    return embeddings.Encoder.load(path) if path else embeddings.encoder()


def corpus(arguments):
    """Read the corpus."""
    root = Path(arguments.data)
    layout = arguments.layout
    if layout is None:
        layout = "librispeech" if _like_librispeech(root) else "folder"
    return read(root, layout, arguments.subset)


def _like_librispeech(root):
    """Whether files are named READER-CHAPTER-NNNN.flac, with or without a subset."""
    from ..corpora._scan import is_sound_file

    return any(
        is_sound_file(path) and path.stem.startswith("-".join((*path.parts[-3:-1], "")))
        for pattern in ("*/*/*/*", "*/*/*")
        for path in root.glob(pattern)
    )


def draw(path, picture):
    """Draw into a file, without a window; ``picture(plots)`` gives the Axes."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import numpy as np

    from .. import _files, plots

    figure = np.atleast_1d(picture(plots))[0].figure
    kind = Path(path).suffix.lstrip(".") or "png"
    with _files.atomic_write(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=120, bbox_inches="tight")
    plt.close(figure)
