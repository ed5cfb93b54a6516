"""What ``siamlab train`` reads: a YAML file of names and values."""

import dataclasses
import os
from pathlib import Path

from ..errors import ArgumentError
from ._arguments import LAYOUTS

LOSSES = ("SupervisedContrastive", "GE2E", "Triplet", "Contrastive")
_CHOICES: dict[str, tuple] = {
    "layout": (*LAYOUTS, "voices"),
    "test_layout": (*LAYOUTS, "voices", None),
    "loss": LOSSES,
}
_RANGES: dict[str, tuple[float, float]] = {
    "test_fraction": (0.01, 0.99),
    "units": (1, 10_000),
    "output_dim": (2, 10_000),
    "n_frames": (5, 100_000),
    "n_speakers": (2, 100_000),
    "n_segments": (2, 10_000),
    "epochs": (1, 10**6),
    "steps_per_epoch": (1, 10**6),
    "learning_rate": (1e-9, 10.0),
    "clipnorm": (1e-9, 1e9),
    "seed": (0, 2**31 - 1),
}
_TYPES = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    dict: "names with values",
    str | None: "text, or nothing",
}


@dataclasses.dataclass(frozen=True)
class Config:
    """The configuration of a training.

    Parameters
    ----------
    data : str or None
        Folder of the recordings; None for the embedded voices.
    layout : str
        How it is organized: the name of a function of `siamlab.corpora`.
    subset : str or None
        A subset, of corpora that have some.
    test_data, test_layout, test_subset : str or None
        The test set. By default it is a part of the speakers of `data`.
    test_fraction : float
        The size of that part.
    units, output_dim : int
        Width of the hidden layers and dimension of an embedding.
    augment : bool
        Whether to use `embeddings.augmentation`.
    loss : str
        Name of a loss of `siamlab.losses`.
    loss_settings : dict
        Its arguments.
    n_frames : int
        Length of a segment.
    n_speakers, n_segments : int
        Speakers in a batch, and segments of each.
    epochs, steps_per_epoch : int
        Number of epochs, and of batches in each.
    learning_rate : float
        Initial learning rate of Adam. It decays to 0 as a cosine.
    clipnorm : float
        Largest norm of a gradient.
    seed : int
        Seed for weights, batches, augmentation and split.

    Raises
    ------
    ArgumentError
        If a value has the wrong type, is out of range or not among the valid names.

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
    test_fraction: float = 0.2
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
    learning_rate: float = 2e-3
    clipnorm: float = 5.0
    seed: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check(field.name, field.type, getattr(self, field.name))
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
            A file of names and values; what is missing keeps its default. Folders are
            relative to the folder of the file.

        Returns
        -------
        Config
            The checked configuration.

        Raises
        ------
        ArgumentError
            If the file cannot be read, is not YAML, or has a wrong name or value.
        """
        import yaml

        path = Path(path)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
        # Numbers and dates that Python cannot represent raise other errors.
        except (OSError, yaml.YAMLError, ValueError, ArithmeticError) as error:
            reason = " ".join(str(error).split())
            raise ArgumentError(f"{path} cannot be read as YAML ({reason})") from error
        except RecursionError:
            raise ArgumentError(f"{path} has too many nested lists") from None
        if not isinstance(content, dict):
            raise ArgumentError(
                f"{path}: expected names with values, such as `epochs: 8`; got "
                f"{type(content).__name__}"
            )
        names = [field.name for field in dataclasses.fields(cls)]
        if unknown := [repr(name) for name in content if name not in names]:
            raise ArgumentError(
                f"{path}: unknown names {', '.join(unknown)}; valid names: "
                f"{', '.join(names)}"
            )
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


def _check(name, type_, value):
    """Check a value; the message says what was expected and what was received."""
    allowed = (int, float) if type_ is float else type_
    # True is an int in Python, but not in a configuration.
    if not isinstance(value, allowed) or isinstance(value, bool) != (type_ is bool):
        is_text = type_ is float and isinstance(value, str)
        hint = "; YAML reads 1e-3 as text, write 1.0e-3" if is_text else ""
        raise ArgumentError(f"{name} must be {_TYPES[type_]}; got {value!r}{hint}")
    if name in _RANGES:
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise ArgumentError(f"{name} must be {low} to {high}; got {value}")
    if name in _CHOICES and value not in _CHOICES[name]:
        names = ", ".join(filter(None, _CHOICES[name]))
        raise ArgumentError(f"{name} must be one of {names}; got {value!r}")
