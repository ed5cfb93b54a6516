"""What is damaged: a whole file of some kind."""

import dataclasses
import io

import numpy as np
import soundfile

from .watch import Case

RATE = 16000


@dataclasses.dataclass(frozen=True)
class Whole:
    """A file as it should be.

    Parameters
    ----------
    kind : str
        Row of the table.
    target : str
        Where it lies in the chosen folder.
    content : bytes
        Of it.
    reader : str
        Function of `readers`.
    damage : callable
        One of `damage.in_...`.
    tree : dict of str to bytes
        What lies beside it.
    ill : str
        What is wrong with it by itself; "" where it is fine.
    """

    kind: str
    target: str
    content: bytes
    reader: str
    damage: object
    tree: dict = dataclasses.field(default_factory=dict)
    ill: str = ""

    def case(self, index=-1, how="whole", content=None):
        """Make a case of it."""
        content = self.content if content is None else content
        name = f"{self.target} ({self.ill})" if self.ill else self.target
        reader = f"_fuzz.readers:{self.reader}"
        return Case(
            index, self.kind, name, how, reader, self.target, content, self.tree
        )


def speech(seconds, rate=RATE):
    """Noise that swells and ebbs: no codec finds it silent."""
    rng = np.random.default_rng(0)
    n = round(seconds * rate)
    swell = 0.3 + 0.2 * np.sin(2 * np.pi * 3 * np.arange(n) / rate)
    return (rng.uniform(-1, 1, n) * swell).astype(np.float32)


def sound(seconds=0.5, rate=RATE, channels=1, **how):
    file = io.BytesIO()
    samples = np.repeat(speech(seconds, rate)[:, None], channels, axis=1)
    soundfile.write(file, samples, rate, **{"format": "WAV", **how})
    return file.getvalue()
