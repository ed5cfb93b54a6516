"""Labs: plots that the reader moves, and the numbers that follow.

- `SpectrogramLab`: resolution in time and frequency (notebook 01).
- `ScalingLab`: gates of an LSTM whose input is far from 0 (notebook 02).
- `TrellisLab`: all paths of CTC in six frames (notebook 03).
- `CTCLab`: how outputs become phones, epoch by epoch (notebook 04).
- `BroadcastLab`: the table of values that the posted loss averages (notebook 06).
- `SwitchboardLab`: five fixes of the posted program, in any combination (notebook 06).
- `MarginLab`: which pairs a hinge loss still pushes apart (notebook 07).
- `SimplexLab`: how a loss moves points over three outputs (notebook 07).
- `ThresholdLab`: error rates at a decision threshold (notebook 08).
- `SpeakerExplorer`: a map of speakers to explore, with sound (notebook 11).

In a notebook, a lab in the last line of a cell is displayed. Its controls are traits,
so that code can set them, too: ``lab.margin = 2``. The attribute `result` holds the
numbers, `readout` the same in words. ``lab.to_html(path)`` writes a page in which the
lab works without a kernel.
"""

import lazy_loader

# anywidget loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
