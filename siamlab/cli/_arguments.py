"""Arguments that several commands share: recordings, and an encoder."""

import io
import json
from pathlib import Path

from ..errors import ArgumentError

_MAX_LISTED = 100  # files with the same reason
# Functions of `siamlab.corpora`, which takes a second to import.
WITH_SUBSETS = ("librispeech", "voxceleb", "common_voice", "timit")
LAYOUTS = ("folder", *WITH_SUBSETS, "fsdd", "audiomnist", "textgrid")


def add_corpus(parser):
    """Add the arguments that name a corpus."""
    parser.add_argument(
        "--data", metavar="ROOT", required=True, help="folder of the recordings"
    )
    default = "default: librispeech if the file names match, otherwise folder"
    parser.add_argument("--layout", choices=LAYOUTS, help=default)
    parser.add_argument("--subset", metavar="NAME", help="for example test-other")


def add_encoder(parser):
    """Add the argument that names an encoder."""
    default = "an .npz or .onnx file; by default the pretrained encoder of siamlab"
    parser.add_argument("--encoder", metavar="FILE", help=default)


def load_encoder(arguments):
    """Load the encoder that the arguments name."""
    from .. import embeddings

    return embeddings.encoder(arguments.encoder)


def load_corpus(arguments):
    """Read the corpus that the arguments name."""
    root, layout = Path(arguments.data), arguments.layout
    if layout is None:
        layout = "librispeech" if _is_librispeech(root) else "folder"
    return read_corpus(root, layout, arguments.subset)


def read_corpus(root, layout, subset=None):
    """Read a corpus with the function of `siamlab.corpora` that the layout names."""
    from .. import corpora

    function = getattr(corpora, layout)
    if subset is None:
        return function(root, None) if layout == "librispeech" else function(root)
    if layout not in WITH_SUBSETS:
        raise ArgumentError(
            f"the layout {layout} has no subsets; got {subset!r}. Layouts with "
            f"subsets: {', '.join(WITH_SUBSETS)}. Otherwise pass the subset's folder"
        )
    return function(root, subset)


def _is_librispeech(root):
    """Return whether files are named SPEAKER-CHAPTER-NNNN, in a subset or not."""
    from ..corpora._scan import is_sound_file

    return any(
        is_sound_file(path) and path.stem.startswith("-".join((*path.parts[-3:-1], "")))
        for pattern in ("*/*/*/*", "*/*/*")
        for path in root.glob(pattern)
    )


def print_results(arguments, summary, lines, rejected, skipped):
    """Print results as lines, or the summary as JSON, and what was left out."""
    left_out = {"rejected": rejected, "skipped": skipped}
    if arguments.json:
        lists = {name: files.to_dict("records") for name, files in left_out.items()}
        print(json.dumps(summary | lists))
        return
    print(*lines, sep="\n")
    for name, files in left_out.items():
        print(f"{name}: {len(files)}")
        for reason, paths in files.groupby("reason", sort=False).path:
            if len(paths) > _MAX_LISTED:
                print(f"  {len(paths)} files, such as {paths.iloc[0]}: {reason}")
            else:
                print(*(f"  {path}: {reason}" for path in paths), sep="\n")


def save_figure(path, draw):
    """Draw into a file; ``draw()`` returns the Axes."""
    from .. import _files

    file_format = Path(path).suffix.lstrip(".") or "png"
    with _files.atomic_write(path) as temporary:
        temporary.write_bytes(render_figure(draw, file_format))


def render_figure(draw, file_format):
    """Return a figure as bytes, without opening a window; see `save_figure`."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import numpy as np

    from .. import plots

    content = io.BytesIO()
    with plt.style.context(plots.STYLE):
        figure = np.atleast_1d(draw())[0].figure
        figure.savefig(content, format=file_format, dpi=150, bbox_inches="tight")
    plt.close(figure)
    return content.getvalue()
