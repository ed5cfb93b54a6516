"""What a network is shown: segments and batches.

- `SpeakerBatches`: batches of P speakers with K segments each.
- `PairBatches`: pairs of segments, half of them of the same speaker.
- `audit`: what is in the pairs; `PairAudit`.
- `segment`, `segments`: stretches of a fixed length.
- `UtteranceBatches`: whole utterances with their labels, padded.
- `pad`: arrays of unequal length, filled up.
- `phone_labels`: of each utterance, its phones.
- `frame_labels`: the phone of each frame, from the times of the phones.

Notebooks: 03_ctc_that_does_not_learn, 04_pairs_and_twins.
"""

import lazy_loader

# Some need Keras, which takes seconds to import: each loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
