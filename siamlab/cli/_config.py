"""What ``siamlab train`` reads: a YAML file of names and values."""

import contextlib
import dataclasses
import os
from pathlib import Path

from ..errors import ArgumentError
from ._arguments import LAYOUTS

LOSSES = ("SupervisedContrastive", "GE2E", "Triplet", "Contrastive")
_CHOICES: dict[str, tuple] = {"layout": (*LAYOUTS, "voices"), "loss": LOSSES}
# What `embeddings.train_encoder` does not check itself.
_MINIMUM = {"units": 1, "output_dim": 2, "n_frames": 5, "epochs": 1, "seed": 0}


@dataclasses.dataclass(frozen=True)
class Config:
    """The configuration of a training run.

    Parameters
    ----------
    data : str or None
        Folder of the recordings; None for the synthetic voices.
    layout : str
        Layout of the folder: the name of a function of `siamlab.corpora`.
    subset : str or None
        A subset, for corpora that have subsets.
    test_data, test_subset : str or None
        The test set. By default, some of the speakers of `data`.
    test_fraction : float
        Fraction of the speakers in the test set, if it is taken from `data`.
    units, output_dim : int
        Width of the hidden layers and dimension of an embedding.
    augment : bool
        Whether to use `embeddings.augmentation`.
    loss : str
        Name of a loss of `siamlab.losses`.
    loss_settings : dict
        Arguments of the loss.
    n_frames : int
        Length of a segment in frames.
    n_speakers, n_segments : int
        Speakers per batch, and segments per speaker.
    epochs, steps_per_epoch : int
        Number of epochs, and batches per epoch.
    learning_rate : float
        Initial learning rate of Adam; it decays to 0 along a cosine.
    seed : int
        Seed for weights, batches, augmentation and split.

    Raises
    ------
    ArgumentError
        If a value has the wrong type, is out of range, or is not a valid name.

    Examples
    --------
    >>> Config(layout="voices", epochs=1).epochs
    1
    """

    data: str | None = None
    layout: str = "folder"
    subset: str | None = None
    test_data: str | None = None
    test_subset: str | None = None
    test_fraction: float | int = 0.2
    units: int = 192
    output_dim: int = 128
    augment: bool = True
    loss: str = "SupervisedContrastive"
    loss_settings: dict = dataclasses.field(default_factory=dict)
    n_frames: int = 120
    n_speakers: int = 32
    n_segments: int = 4
    epochs: int = 8
    steps_per_epoch: int = 100
    learning_rate: float | int = 2e-3
    seed: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            name, value, expected = field.name, getattr(self, field.name), None
            if not isinstance(value, field.type):  # type: ignore[arg-type]
                expected = getattr(field.type, "__name__", field.type)
            elif name in _CHOICES and value not in _CHOICES[name]:
                expected = f"one of {', '.join(_CHOICES[name])}"
            elif name in _MINIMUM and value < _MINIMUM[name]:
                expected = f"at least {_MINIMUM[name]}"
            elif name == "learning_rate" and not value > 0:
                expected = "more than 0"
            if expected is not None:
                raise ArgumentError(f"{name}: expected {expected}; received {value!r}")
        if self.data is None and self.layout != "voices":
            raise ArgumentError(
                "data must be the folder of the recordings; only the synthetic voices "
                "(layout: voices) need no folder"
            )

    @classmethod
    def read(cls, path):
        """Read a configuration from a YAML file.

        Parameters
        ----------
        path : str or os.PathLike
            A file of names and values; missing names keep their defaults. Folders are
            relative to the folder of the file.

        Returns
        -------
        Config
            The checked configuration.

        Raises
        ------
        ArgumentError
            If the file cannot be read, is not YAML, or has an invalid name or value.
        """
        import yaml

        path = Path(path)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
        # Numbers, dates and deep nesting raise errors of their own.
        except (
            OSError,
            yaml.YAMLError,
            ValueError,
            ArithmeticError,
            RecursionError,
        ) as e:
            reason = " ".join(str(e).split())
            raise ArgumentError(f"{path} cannot be read as YAML ({reason})") from e
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(content, dict) or not set(content) <= set(names):
            raise ArgumentError(
                f"{path}: expected lines such as `epochs: 8` with the names "
                f"{', '.join(names)}; received {list(content)!r}"
            )
        if isinstance(content.get("learning_rate"), str):
            with contextlib.suppress(ValueError):  # YAML reads 1e-3 as text
                content["learning_rate"] = float(content["learning_rate"])
        for name in ("data", "test_data"):
            if isinstance(content.get(name), str):
                # The run folder keeps a copy of the file, so the path is absolute.
                folder = path.absolute().parent / os.path.expanduser(content[name])
                content[name] = str(folder)
        try:
            return cls(**content)
        except ArgumentError as error:
            raise ArgumentError(f"{path}: {error}") from error

    def to_yaml(self):
        """Return all values as text that `read` accepts."""
        import yaml

        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False)
