"""Folders of sound and text files, written for the tests."""

import itertools
import re

import numpy as np
import soundfile
from sound_files import encode


class Tree:
    """Writes sound files, no two alike, and text files."""

    def __init__(self, root):
        self.root = root
        self.rng = np.random.default_rng(0)

    def _path(self, name):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def sound(self, name, sr=16000, seconds=None, **settings):
        """Write noise, of 0.5 to 1.5 s if no length is given."""
        path = self._path(name)
        n = sr // 2 + self.rng.integers(sr) if seconds is None else round(sr * seconds)
        samples = self.rng.uniform(-0.5, 0.5, n)
        if path.suffix in (".m4a", ".webm"):
            codec = {".m4a": "aac", ".webm": "libopus"}[path.suffix]
            encode(path, samples, sr, codec)
        else:
            soundfile.write(path, samples, sr, **settings)
        return path

    def sounds(self, names, **settings):
        """Write a file for each combination: "{a,b}/{c,d}.wav" are four files."""
        parts = re.split(r"[{}]", names)
        choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
        for name in itertools.product(*choices):
            self.sound("".join(name), **settings)
        return self

    def text(self, name, content, encoding="utf-8"):
        path = self._path(name)
        path.write_bytes(content.encode(encoding))
        return path
