"""From a trained network to one vector per utterance, and per speaker.

- `embed`: spectrograms -> embeddings.
- `extractor`: the part of a network up to a layer.
- `check_extractor`: whether an extractor of your own has the trained weights.
- `layer_sweep`: embeddings from every layer.
- `enrol`, `trials`: a model of each speaker, and scores against it.

Notebook: 08_embeddings.
"""

from .enrolment import enrol, trials
from .extraction import embed, extractor
from .layers import layer_sweep
from .proof import check_extractor

__all__ = [
    "check_extractor",
    "embed",
    "enrol",
    "extractor",
    "layer_sweep",
    "trials",
]
