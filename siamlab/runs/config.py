"""What is to be trained on what."""

import dataclasses
import math
import os
from pathlib import Path

from ..errors import ArgumentError
from . import _yaml
from .layouts import LAYOUTS

_WITH_VOICES = (*LAYOUTS, "voices")
NETWORKS = ("xvector", "base")
LOSSES = ("SupervisedContrastive", "GE2E", "Triplet", "Contrastive", "KLHinge")


@dataclasses.dataclass(frozen=True)
class Config:
    """A training of a speaker network.

    Parameters
    ----------
    data : str or None
        The folder of the recordings; None for the embedded voices.
    layout : str
        How they lie in it: the name of a function of `siamlab.corpora`.
    subset : str or None
        Of the corpora that have some; see `layouts.read`.
    test_data, test_layout, test_subset : str or None
        Who is the exam. None takes a share of the speakers of `data`.
    test_share : float
        That share, where there is no other exam.
    network : {"xvector", "base"}
        Of `siamlab.networks`.
    units, outputs : int
        Its sizes.
    augmentation : bool
        Random rooms, microphones, noise and loudness, as of the encoder.
    loss : str
        Name of a loss of `siamlab.losses` over all pairs of a batch.
    loss_settings : dict
        Its arguments.
    frames : int
        Length of a segment.
    epochs, steps, speakers, segments : int
        Epochs; batches in each; speakers in a batch, and segments of each.
    rate : float
        Of Adam, at the beginning; it falls to 0 as a cosine.
    clipnorm : float
        Of each gradient.
    seed : int
        Of weights, batches, augmentation and split.

    Raises
    ------
    ArgumentError
        If a value is of another kind, out of range, or none of the known ones.

    Examples
    --------
    >>> Config(layout="voices", epochs=1).epochs
    1
    """

    data: str | None = None
    layout: str = "folder"
    subset: str | None = None
    test_data: str | None = None
    test_layout: str | None = None
    test_subset: str | None = None
    test_share: float = 0.2
    network: str = "xvector"
    units: int = 192
    outputs: int = 128
    augmentation: bool = True
    loss: str = "SupervisedContrastive"
    loss_settings: dict = dataclasses.field(default_factory=dict)
    frames: int = 120
    epochs: int = 8
    steps: int = 100
    speakers: int = 32
    segments: int = 4
    rate: float = 2e-3
    clipnorm: float = 5.0
    seed: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_kind(field, getattr(self, field.name))
        for name, known in (
            ("layout", _WITH_VOICES),
            ("test_layout", (*_WITH_VOICES, None)),
            ("network", NETWORKS),
            ("loss", LOSSES),
        ):
            value = getattr(self, name)
            if value not in known:
                names = ", ".join(str(each) for each in known if each)
                raise ArgumentError(
                    f"{name} must be one of {names}; got {_yaml.shown(value)}"
                )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise ArgumentError(
                    f"{name} must be at least {least}; got {_yaml.shown(value)}"
                )
            if value > _MOST:
                raise ArgumentError(
                    f"{name} must be at most {_MOST}; got {_yaml.shown(value)}"
                )
        for name in ("rate", "clipnorm"):
            if not 0 < getattr(self, name) < math.inf:
                raise ArgumentError(
                    f"{name} must be positive; got {getattr(self, name)}"
                )
        if not 0 < self.test_share < 1:
            raise ArgumentError(
                f"test_share must lie between 0 and 1; got {self.test_share}"
            )
        if self.data is None and self.layout != "voices":
            raise ArgumentError(
                "data must name the folder of the recordings; only the embedded voices "
                "(layout: voices) need none"
            )

    @classmethod
    def read(cls, path):
        """Read a configuration from a YAML file.

        Parameters
        ----------
        path : str or os.PathLike
            Names of the arguments, each with its value; what is not there is as by
            default. Folders are relative to that of the file.

        Returns
        -------
        Config
            Checked.

        Raises
        ------
        ArgumentError
            If it cannot be read, is no YAML, holds a name that is none, or a value
            that may not be.
        """
        path = Path(path)
        content = _yaml.load(path)
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = [_yaml.shown(name) for name in content if name not in known]
        if unknown:
            raise ArgumentError(
                f"{path} has {', '.join(unknown)}, which is nothing to set; known: "
                f"{', '.join(known)}"
            )
        for name in ("data", "test_data"):
            if isinstance(content.get(name), str):
                # From the root on: a run folder keeps it, and lies elsewhere.
                there = path.absolute().parent / os.path.expanduser(content[name])
                content[name] = str(there)
        try:
            return cls(**content)
        except ArgumentError as error:
            raise ArgumentError(f"{path}: {error}") from error

    def as_yaml(self):
        """Write all values out.

        Returns
        -------
        str
            What `read` takes.
        """
        import yaml

        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False)


_LEAST = {
    "units": 1,
    "outputs": 2,
    "frames": 5,
    "epochs": 1,
    "steps": 1,
    "speakers": 2,
    "segments": 2,
    "seed": 0,
}
_MOST = 2**31 - 1  # what random generators and tensors take


def _check_kind(field, value):
    """Refuse what YAML took for something else: `rate: 1e-3` is text in it."""
    kinds = {
        int: ("a whole number", lambda v: type(v) is int),
        float: ("a number", lambda v: type(v) in (int, float)),
        bool: ("true or false", lambda v: type(v) is bool),
        str: ("a text", lambda v: isinstance(v, str)),
        dict: ("names with values", lambda v: isinstance(v, dict)),
        str | None: ("a text, or nothing", lambda v: v is None or isinstance(v, str)),
    }
    what, fits = kinds[field.type]
    if not fits(value):
        hint = ""
        if field.type is float and isinstance(value, str):
            hint = "; YAML wants a point in it: 1.0e-3"
        raise ArgumentError(
            f"{field.name} must be {what}; got {_yaml.shown(value)}{hint}"
        )
