"""VoxCeleb 1 and 2, and their lists of trials."""

import os
import re
from pathlib import Path

import pandas as pd

from ..errors import CorpusError
from ._files import corpus_of, existing_folder, sound_files, text_of

_EXPECTED = (
    "VoxCeleb's layout: wav/idXXXXX/VIDEO/NNNNN.wav or aac/idXXXXX/VIDEO/NNNNN.m4a, "
    "in ROOT or in a folder of it"
)
_SPEAKER = re.compile(r"id\d{5}")
_METADATA = ("vox1_meta.csv", "vox2_meta.csv")
_TRIAL = "1 id10270/VIDEO/00001.wav id10270/VIDEO/00008.wav"


def voxceleb(root, subset=None):
    """Read VoxCeleb 1 or 2 (Nagrani et al., 2017; Chung et al., 2018).

    Interviews on YouTube: each video of a speaker is a session, with its own room and
    microphone. Where to get it, and under which terms, says
    ``siamlab.corpora.download("voxceleb", ...)``.

    Parameters
    ----------
    root : str or os.PathLike
        ``ROOT/wav/id10270/VIDEO/00001.wav`` (VoxCeleb 1) or
        ``ROOT/aac/id00012/VIDEO/00001.m4a`` (VoxCeleb 2; needs ``siamlab[m4a]``).
        These may lie deeper, ``ROOT/dev/aac/...``, and `root` may be ``wav`` itself.
    subset : str, optional
        Only what lies below this folder of `root`: "wav", "dev", "test/aac".

    Returns
    -------
    Corpus
        Speakers as id10270, sessions as id10270/VIDEO. Further columns: sex ("F",
        "M") and nationality, from ``vox1_meta.csv`` and ``vox2_meta.csv`` where they
        lie in `root` or in one of the two folders above it; "" where unknown.

    Raises
    ------
    CorpusError
        If the folder is missing, a file lies elsewhere, a recording is there twice,
        or the metadata cannot be read.
    """
    root = existing_folder(root, _EXPECTED)
    folder = root if subset is None else root / subset
    if not os.path.isdir(folder):
        there = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir()))
        raise CorpusError(
            f"{root} has no folder {subset!r}; there is {there or 'none'}"
        )
    people = _people(root)
    rows = []
    seen: dict[str, Path] = {}
    for path in sound_files(folder, _EXPECTED):
        key = _key(path)
        speaker, video, _ = key.split("/")
        if not _SPEAKER.fullmatch(speaker):
            raise CorpusError(f"{path} does not lie there; expected {_EXPECTED}")
        if key in seen:
            raise CorpusError(
                f"{key} is there twice, {seen[key]} and {path}; "
                f"choose a folder of {root} with subset="
            )
        seen[key] = path
        sex, nationality = people.get(speaker, ("", ""))
        rows.append(
            {
                "speaker": speaker,
                "session": f"{speaker}/{video}",
                "path": str(path),
                "sex": sex,
                "nationality": nationality,
            }
        )
    return corpus_of(rows, f"voxceleb {subset}" if subset else "voxceleb")


def voxceleb_trials(path, corpus):
    """Read one of VoxCeleb's official lists of trials.

    Parameters
    ----------
    path : str or os.PathLike
        ``veri_test2.txt``, ``list_test_all2.txt``, ``list_test_hard2.txt`` and so on:
        lines of ``1 id10270/VIDEO/00001.wav id10270/VIDEO/00008.wav``, 1 for the same
        speaker. Endings do not matter: the recordings may be .m4a.
    corpus : Corpus or Features
        Holds all of these recordings. `Features` where extraction rejected some, so
        that rows are those of the embeddings.

    Returns
    -------
    first, second : numpy.ndarray of int
        Shape (trials,), rows of the corpus.
    same : numpy.ndarray of bool
        Same shape.

    Raises
    ------
    CorpusError
        If the file is no such list, or names recordings that the corpus has not.

    Examples
    --------
    The equal error rate of a network `net`, as papers report it:

    >>> import siamlab as sl
    >>> corpus = sl.corpora.voxceleb("vox1", "test")  # doctest: +SKIP
    >>> features = sl.extract(corpus)  # doctest: +SKIP
    >>> embeddings = sl.embed(net, features)  # doctest: +SKIP
    >>> first, second, same = sl.corpora.voxceleb_trials(
    ...     "veri_test2.txt", features
    ... )  # doctest: +SKIP
    >>> scores = sl.metrics.trial_scores(embeddings, first, second)  # doctest: +SKIP
    >>> sl.metrics.eer(same, scores)  # doctest: +SKIP
    """
    labels, *sides = _trials(Path(path))
    there = pd.Index([_key(Path(p)) for p in corpus.table.path])
    if there.has_duplicates:
        key = there[there.duplicated()][0]
        raise CorpusError(f"{key} is in several rows of the corpus; a trial needs one")
    wanted = pd.Index(pd.concat(sides).unique())
    missing = wanted[~wanted.isin(there)]
    if len(missing):
        raise CorpusError(
            f"{len(missing)} of the {len(wanted)} recordings in {path} are not in the "
            f"corpus, the first is {missing[0]}; read the folder that holds them all"
        )
    first, second = (there.get_indexer(side) for side in sides)
    return first, second, labels


def _key(path):
    """Name a recording as VoxCeleb does, without its ending."""
    speaker, video, name = ("", "", *path.parts)[-3:]
    return f"{speaker}/{video}/{name.split('.')[0]}"


def _trials(path):
    """Labels, and both sides as keys."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read as a list of trials: {error}") from (
            error
        )
    trials = []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise CorpusError(
                f"{path}, line {number}: expected {_TRIAL!r}; got {line!r}"
            )
        trials.append(fields)
    if not trials:
        raise CorpusError(f"{path} is empty; expected lines of {_TRIAL!r}")
    table = pd.DataFrame(trials)
    keys = [table[i].map(lambda name: _key(Path(name))) for i in (1, 2)]
    return table[0].to_numpy() == "1", *keys


def _people(root):
    """Speaker -> (sex, nationality)."""
    people: dict[str, tuple[str, str]] = {}
    root = root.absolute()  # "." has no parents
    for name in _METADATA:
        for folder in (root, *root.parents[:2]):
            if (folder / name).is_file():
                people |= _read_people(folder / name)
                break
    return people


def _read_people(path):
    """Read a table with tabs (VoxCeleb 1) or with commas (2), padded with blanks."""
    content = text_of(path)
    separator = "\t" if "\t" in content.split("\n", 1)[0].strip() else ","
    lines = [
        [cell.strip() for cell in line.split(separator)]
        for line in content.splitlines()
        if line.strip()
    ]
    header, *rows = lines or [[]]
    columns = {name.split(" ")[-1]: i for i, name in enumerate(header)}
    speaker = next((i for i, name in enumerate(header) if _is_speaker(name)), None)
    if speaker is None or "Gender" not in columns:
        raise CorpusError(
            f"{path}: expected the columns VoxCeleb1 ID (or 2) and Gender; "
            f"got {', '.join(header) or 'nothing'}"
        )

    def cell(row, name):
        i = columns.get(name, len(row))
        return row[i] if i < len(row) else ""

    return {
        row[speaker]: (cell(row, "Gender").upper(), cell(row, "Nationality"))
        for row in rows
        if len(row) > speaker
    }


def _is_speaker(name):
    return name.startswith("VoxCeleb") and name.endswith("ID")
