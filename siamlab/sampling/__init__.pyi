from .auditing import PairAudit, audit
from .cutting import segment, segments
from .labels import frame_labels, phone_labels
from .pairs import PairBatches
from .speakers import SpeakerBatches
from .utterances import UtteranceBatches, pad

__all__ = [
    "PairAudit",
    "PairBatches",
    "SpeakerBatches",
    "UtteranceBatches",
    "audit",
    "frame_labels",
    "pad",
    "phone_labels",
    "segment",
    "segments",
]
