"""What a network is shown: segments and batches.

- `SpeakerBatches`: batches of P speakers with K segments each.
- `Pairs`: pairs of segments, half of them of the same speaker.
- `audit`: what is in the pairs; `PairAudit`.
- `segment`, `segments`: stretches of a fixed length.
- `UtteranceBatches`: whole utterances with their labels, padded.
- `pad`: arrays of unequal length, filled up.
- `phone_labels`: of each utterance, its phones.
- `frame_labels`: the phone of each frame, from the times of the phones.

Notebooks: 03_ctc_that_does_not_learn, 04_pairs_and_twins.
"""

from .audit import PairAudit, audit
from .labels import frame_labels, phone_labels
from .pairs import Pairs
from .speakers import SpeakerBatches, segment, segments
from .utterances import UtteranceBatches, pad

__all__ = [
    "PairAudit",
    "Pairs",
    "SpeakerBatches",
    "UtteranceBatches",
    "audit",
    "frame_labels",
    "pad",
    "phone_labels",
    "segment",
    "segments",
]
