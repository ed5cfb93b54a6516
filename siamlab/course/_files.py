"""What belongs to the course, and where an installation keeps it.

The wheel carries these files beside this one; in a clone they are where git has them.
`hatch_build.py` runs this file by itself, so nothing of siamlab's is imported
at the top.
"""

from pathlib import Path

START = "notebooks/00_start_here.ipynb"
# The notebooks, and all that they refer to by relative links: the folders stand to each
# other as in the repository, so that every link leads somewhere.
PATTERNS = (
    "notebooks/*.ipynb",
    "notebooks/images/*",
    "docs/doctor.md",
    "benchmarks/results/doctor.md",
    "benchmarks/_report.py",
    "benchmarks/_speakers.py",
    "benchmarks/ladder.py",
    "benchmarks/speakers.py",
    "benchmarks/voice_equality.py",
)


def files(root):
    """List the files of the course; names relative to a root, with "/"."""
    root = Path(root)
    found = [path for pattern in PATTERNS for path in sorted(root.glob(pattern))]
    return [path.relative_to(root).as_posix() for path in found if path.is_file()]


def root():
    """Find the folder that holds ``notebooks``: in the package, or around it."""
    here = Path(__file__).resolve().parent
    for folder in (here, here.parents[1]):
        if (folder / START).is_file():
            return folder
    from ..errors import StorageError

    raise StorageError(
        f"the notebooks are neither in {here} nor in {here.parents[1]}, where a wheel "
        "and a clone have them; install siamlab again, or clone the repository"
    )


def notebooks_folder():
    """Find the notebooks of this installation, from a wheel or in a clone.

    Returns
    -------
    pathlib.Path
        The folder. It may belong to somebody else: to work in a copy, see `copy`.

    Raises
    ------
    StorageError
        If this installation has none.

    Examples
    --------
    >>> sorted(path.name for path in notebooks_folder().glob("00*"))
    ['00_start_here.ipynb']
    """
    return root() / "notebooks"
