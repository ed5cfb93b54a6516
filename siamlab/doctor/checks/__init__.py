"""The checks, in the order of causes: what explains others comes first."""

from . import inputs, losses, scores, embeddings, pairs, ctc, layers  # noqa: F401, I001
