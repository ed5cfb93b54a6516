"""Part of the build: the wheel carries the notebooks inside the package.

The files that ``siamlab/course_files.txt`` names go to ``siamlab/course_files`` in the
wheel. An editable install finds them in the repository, so it gets no copies.
"""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Course(BuildHookInterface):
    """Adds the files of the course to the wheel."""

    def initialize(self, version, build_data):
        """Enter the files of the course; called by hatchling."""
        if version == "editable":
            return
        root = Path(self.root)
        patterns = (root / "siamlab/course_files.txt").read_text("utf-8").split()
        for path in (path for pattern in patterns for path in root.glob(pattern)):
            name = path.relative_to(root).as_posix()
            build_data["force_include"][str(path)] = f"siamlab/course_files/{name}"
