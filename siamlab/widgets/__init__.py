"""Labs: something to move, a picture that follows, and the numbers beside it.

- `ThresholdLab`: what one number decides (notebook 06).

A lab in JupyterLab is shown by its name in the last line of a cell. Its controls are
attributes, so that code can move them too, and `found` holds the numbers.
"""

import lazy_loader

# Each has an ipywidgets and a Matplotlib to load.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
