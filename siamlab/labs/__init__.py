"""Labs: something to move, a picture that follows, and the numbers beside it.

- `SpectrogramLab`: what a window hears and a band takes (notebook 01).
- `ScalingLab`: what an LSTM does with numbers that are far from 0 (notebook 02).
- `CTCLab`: how outputs become phones, epoch by epoch (notebook 03).
- `MarginLab`: which pairs a hinge still pushes (notebook 05).
- `SimplexLab`: how a loss moves points over three outputs (notebook 05).
- `ThresholdLab`: what one number decides (notebook 06).
- `SpeakerExplorer`: a map of speakers to walk about on, with sound (notebook 09).

A lab in JupyterLab is shown by its name in the last line of a cell. Its controls are
attributes, so that code can move them too, and `found` holds the numbers.
"""

import lazy_loader

# Each has an ipywidgets and a Matplotlib to load.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
