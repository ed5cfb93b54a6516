"""Segments and batches for training.

Batches for ``fit``, as `keras.utils.PyDataset`:

- `SpeakerBatches`: P speakers with K segments each.
- `PairBatches`: pairs of segments, half of them from the same speaker.
- `UtteranceBatches`: whole utterances with labels, padded.

Before training:

- `audit`: checks the pairs that will be drawn; returns a `PairAudit`.
- `segment`, `segments`: cut spectrograms to a fixed length.
- `pad`: pads arrays of different lengths.
- `phone_labels`: the phones of each utterance, for CTC.
- `frame_labels`: the phone of each frame, from phones with times.

Notebooks: 04_ctc_that_does_not_learn, 05_siamese_networks.
"""

import lazy_loader

# Keras takes seconds to import, so each name is loaded on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
