from .labeling import frame_labels, phone_labels
from .pair_audit import PairAudit, audit
from .pair_batches import PairBatches
from .segmentation import segment, segments
from .speaker_batches import SpeakerBatches
from .utterance_batches import UtteranceBatches, pad

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
