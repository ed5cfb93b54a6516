"""Training on several machines, or on several processors of one.

- `join`: takes part in a training of several workers; gives its `Team`.
- `launch`: starts workers on this machine, and ends all when one is lost;
  `launched`: whether this process is one of them.
- `step_bytes`: what each worker sends in a step.

Each worker has a copy of the network and reads its own rows of a batch
(``sampling.SpeakerBatches(features, shard=team.shard)``). The rest is as on one: the
loss sees all pairs of the joint batch, the gradient is that of the joint batch, and
batch normalisation takes its statistics from all rows. Keras must compute with JAX
(``KERAS_BACKEND=jax``).

Notebook: 12_beyond_one_machine.
"""

import lazy_loader

# Keras takes seconds to import, and `launch` needs none: each loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
