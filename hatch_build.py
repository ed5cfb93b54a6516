"""Part of the build: the wheel carries the course inside the package.

The files stay where they are in the repository, and go to ``siamlab/course`` in the
wheel. An editable install finds them in the repository itself, so it gets no copies.
"""

import runpy
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Course(BuildHookInterface):
    """Names what goes into the wheel, and where."""

    def initialize(self, version, build_data):
        """Enter the files of the course; called by hatchling."""
        if version == "editable":
            return
        root = Path(self.root)
        # The package cannot be imported yet: what it needs is not there.
        course = runpy.run_path(str(root / "siamlab/course/_files.py"))
        build_data["force_include"] |= {
            str(root / name): f"siamlab/course/{name}" for name in course["files"](root)
        }
