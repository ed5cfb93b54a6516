"""Training on a GPU, on several of them, and on several machines.

On one machine:

- `device_report`: devices, precision, and which LSTM takes the fast path.
- `throughput`: segments in a second, and the share of time spent waiting for input.
- `cudnn`: why a layer runs on cuDNN, or does not.
- `from_cudnn`, `load_old_weights`, `read_old_weights`: weights of an older Keras.

On several:

- `join`: takes part in a training of several workers; gives its `Team`.
- `launch`: starts workers on this machine, and ends all when one is lost;
  `launched`: whether this process is one of them.
- `step_bytes`: what each worker sends in a step.

Each worker has a copy of the network and reads its own rows of a batch
(``sampling.SpeakerBatches(features, shard=team.shard)``). The rest is as on one: the
loss sees all pairs of the joint batch, the gradient is that of the joint batch, and
batch normalization takes its statistics from all rows. Keras must compute with JAX
(``KERAS_BACKEND=jax``).

Notebooks: 07_gpu_training, 12_beyond_one_machine.
"""

import lazy_loader

# Keras takes seconds to import, and `launch` needs none: each loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
