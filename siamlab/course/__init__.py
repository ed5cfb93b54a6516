"""The course on the reader's own disk, and JupyterLab on it.

- `start`: the first line of each notebook.
- `notebooks_folder`: where this installation keeps the notebooks.
- `copy`, `Copied`: a folder of the reader's own, in which nothing that was changed is
  ever overwritten.
- `open_lab`: JupyterLab on such a folder, until Ctrl-C.

``siamlab lab`` does both, one after the other.
"""

from ._copy import Copied, copy
from ._files import notebooks_folder
from ._jupyter import open_lab
from ._start import start

__all__ = ["Copied", "copy", "notebooks_folder", "open_lab", "start"]
