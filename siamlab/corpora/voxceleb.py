"""VoxCeleb 1 and 2, and their trial lists.

- `voxceleb`: the recordings.
- `voxceleb_trials`: pairs of recordings, same speaker or not.
"""

import re
from pathlib import Path

import pandas as pd

from ..errors import CorpusError
from ._csv import read_table
from ._scan import corpus_of, existing_folder, find_above, read_layout, read_text

_EXPECTED = (
    "VoxCeleb's layout: wav/idXXXXX/VIDEO/NNNNN.wav or aac/idXXXXX/VIDEO/NNNNN.m4a, "
    "in ROOT or in one of its folders"
)
_LAYOUT = "(?P<speaker>id[0-9]{5})/(?P<session>[^/]+)/([^/.]+)[^/]*"
_SPEAKER_COLUMN = re.compile(r"VoxCeleb.*ID")  # "VoxCeleb1 ID", but not "VGGFace1 ID"
_METADATA = ("vox1_meta.csv", "vox2_meta.csv")
# As trial lists write them: VoxCeleb's, and those of Kaldi.
TRIAL_LABELS = {"1": True, "0": False, "target": True, "nontarget": False}
_TRIAL = "1 id10270/VIDEO/00001.wav id10270/VIDEO/00008.wav"


def voxceleb(root, subset=None):
    """Read VoxCeleb 1 or 2 (Nagrani et al., 2017; Chung et al., 2018).

    The recordings are from interviews on YouTube. Each video of a speaker is a session,
    with its own room and microphone. Calling
    ``siamlab.corpora.download("voxceleb", ...)`` shows where to get the corpus, and
    under which license.

    Parameters
    ----------
    root : str or os.PathLike
        ``ROOT/wav/id10270/VIDEO/00001.wav`` (VoxCeleb 1) or
        ``ROOT/aac/id00012/VIDEO/00001.m4a`` (VoxCeleb 2; needs ``siamlab[m4a]``). These
        folders may be nested, as in ``ROOT/dev/aac/...``, and `root` may be the folder
        ``wav`` itself.
    subset : str, optional
        Read only this subfolder of `root`, such as "wav", "dev" or "test/aac".

    Returns
    -------
    Corpus
        Speakers are named like id10270, sessions like id10270/VIDEO. Additional
        columns: sex ("F", "M") and nationality, "" if unknown. They are read from
        ``vox1_meta.csv`` and ``vox2_meta.csv`` if these are in `root` or in one of the
        two folders above it. Files in other places, and second files of the same
        recording, are listed in `Corpus.rejected`.

    Raises
    ------
    CorpusError
        If the folder is missing, no file is in its place, or the metadata cannot be
        read.
    """
    folder = existing_folder(root, _EXPECTED, subset)
    table, left_out = read_layout(folder, _LAYOUT, _EXPECTED)
    table["session"] = table["speaker"] + "/" + table["session"]
    people = _people(folder)
    for column in ("sex", "nationality"):
        found = people[column].reindex(table["speaker"], fill_value="")
        table[column] = found.to_numpy()
    name = f"voxceleb {subset}" if subset else "voxceleb"
    return corpus_of(table, name, **left_out)


def voxceleb_trials(path, corpus):
    """Read one of VoxCeleb's official trial lists.

    Parameters
    ----------
    path : str or os.PathLike
        ``veri_test2.txt``, ``list_test_all2.txt``, ``list_test_hard2.txt`` and so on:
        files with lines like ``1 id10270/VIDEO/00001.wav id10270/VIDEO/00008.wav``,
        where 1 is the same speaker. The label may be the last word, and "target" or
        "nontarget", as in Kaldi. File extensions are ignored, so the recordings may be
        .m4a files.
    corpus : Corpus or Features
        Must contain all recordings of the list. Pass `Features` if extraction rejected
        other recordings, so that the rows match those of the embeddings.

    Returns
    -------
    first, second : numpy.ndarray of int
        Row indices of the corpus, shape (trials,).
    y_true : numpy.ndarray of bool
        Same shape, True for the same speaker.

    Raises
    ------
    CorpusError
        If the file is not a trial list, or lists recordings that the corpus lacks.

    Examples
    --------
    The equal error rate of a network `net`, as reported in papers:

    >>> import siamlab as sl
    >>> corpus = sl.corpora.voxceleb("vox1", "test")  # doctest: +SKIP
    >>> features = sl.extract(corpus)  # doctest: +SKIP
    >>> embeddings = sl.embed(net, features)  # doctest: +SKIP
    >>> first, second, y_true = sl.corpora.voxceleb_trials(
    ...     "veri_test2.txt", features
    ... )  # doctest: +SKIP
    >>> y_score = sl.metrics.trial_scores(embeddings, first, second)  # doctest: +SKIP
    >>> sl.metrics.eer(y_true, y_score)  # doctest: +SKIP
    """
    y_true, *sides = _read_trials(Path(path))
    present = pd.Index([_key(Path(p)) for p in corpus.table.path])
    wanted = pd.Index(pd.concat(sides).unique())
    missing = wanted[~wanted.isin(present)]
    if len(missing):
        raise CorpusError(
            f"the corpus lacks {len(missing)} of the {len(wanted)} recordings in "
            f"{path}; the first is {missing[0]}. Read a folder that has them all"
        )
    first, second = (present.get_indexer(side) for side in sides)
    return first, second, y_true


def _key(path):
    """Name a recording as VoxCeleb does, without its suffix."""
    speaker, video, name = ("", "", *path.parts)[-3:]
    return f"{speaker}/{video}/{name.split('.')[0]}"


def _read_trials(path):
    """Read the labels, and the first and second recordings by their keys."""
    trials = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) == 3 and fields[0] not in TRIAL_LABELS:
            fields = [fields[2], *fields[:2]]
        if len(fields) != 3 or fields[0] not in TRIAL_LABELS:
            raise CorpusError(
                f"{path}, line {number}: expected {_TRIAL!r}; got {line!r}"
            )
        trials.append(fields)
    if not trials:
        raise CorpusError(f"{path} is empty; expected lines of {_TRIAL!r}")
    table = pd.DataFrame(trials)
    keys = [table[i].map(lambda name: _key(Path(name))) for i in (1, 2)]
    return table[0].map(TRIAL_LABELS).to_numpy(dtype=bool), *keys


def _people(folder):
    """Read sex and nationality by speaker from the metadata that is there."""
    people = pd.DataFrame(columns=["sex", "nationality"], dtype=object)
    for path in (find_above(folder, name) for name in _METADATA):
        if path.is_file():
            people = pd.concat([people, _read_people(path)])
    return people[~people.index.duplicated()]


def _read_people(path):
    """Read a table with tabs (VoxCeleb 1) or commas (VoxCeleb 2)."""
    table, _ = read_table(path)
    speakers = [name for name in table if _SPEAKER_COLUMN.fullmatch(name)]
    if not speakers or "Gender" not in table:
        raise CorpusError(
            f"{path}: expected the columns VoxCeleb1 ID (or 2) and Gender; "
            f"got {', '.join(table) or 'nothing'}"
        )
    names = {"Gender": "sex", "Nationality": "nationality"}
    people = table.set_index(speakers[0]).rename(columns=names)
    people["sex"] = people["sex"].str.upper()
    return people.reindex(columns=list(names.values()), fill_value="")
