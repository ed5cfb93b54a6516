"""A corpus by the name of its layout: for configurations and for the command line."""

from ..errors import ArgumentError

# Names of functions of `siamlab.corpora`, which takes long to import.
LAYOUTS = (
    "folder",
    "librispeech",
    "voxceleb",
    "common_voice",
    "fsdd",
    "audiomnist",
    "timit",
)
IN_PARTS = ("librispeech", "voxceleb", "common_voice", "timit")


def read(root, layout, subset=None):
    """Read the corpus in a folder.

    Parameters
    ----------
    root : str or os.PathLike
        The folder.
    layout : str
        Name of a function of `siamlab.corpora` that takes a folder.
    subset : str, optional
        Of those that have some. Without it: all of LibriSpeech that is there, and what
        the others take by default.

    Returns
    -------
    Corpus
        As that function gives it.

    Raises
    ------
    ArgumentError
        If there are no subsets in this layout.
    CorpusError
        As that function does.
    """
    from .. import corpora

    function = getattr(corpora, layout)
    if subset is None:
        return function(root, None) if layout == "librispeech" else function(root)
    if layout not in IN_PARTS:
        raise ArgumentError(
            f"the layout {layout} has no subsets, got {subset!r}; "
            f"{', '.join(IN_PARTS)} have some. Leave it away, or name the folder of "
            "the part"
        )
    return function(root, subset)
