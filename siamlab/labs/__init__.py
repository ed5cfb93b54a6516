"""Labs: controls, a picture that follows them, and the numbers next to it.

- `SpectrogramLab`: resolution in time and frequency (notebook 01).
- `ScalingLab`: gates of an LSTM whose input is far from 0 (notebook 02).
- `CTCLab`: how outputs become phones, epoch by epoch (notebook 04).
- `MarginLab`: which pairs a hinge loss still pushes apart (notebook 07).
- `SimplexLab`: how a loss moves points over three outputs (notebook 07).
- `ThresholdLab`: error rates at a decision threshold (notebook 08).
- `SpeakerExplorer`: a map of speakers to explore, with sound (notebook 11).

In JupyterLab, a lab in the last line of a cell is displayed. Its controls are
attributes, so that code can set them, too; the attribute `result` holds the numbers.
"""

import lazy_loader

# ipywidgets and Matplotlib load on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
