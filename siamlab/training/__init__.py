"""Training: saved networks, old weights, speed, and several workers.

Before training:

- `quiet_tensorflow`: import TensorFlow without its startup messages.
- `load_model`: load a saved network.
- `load_old_weights`, `read_old_weights`, `from_cudnn`: load weights of Keras 2.

Speed:

- `device_report`: report whether each LSTM of a model uses cuDNN.
- `why_not_cudnn`: list the reasons why a layer cannot use cuDNN.
- `throughput`: measure segments per second, and the time spent waiting for input.

Several workers:

- `join`: join a training run with several workers.
- `launch`: start the workers on this machine.

Notebooks: 14_gpu_training, 15_beyond_one_machine.
"""

import lazy_loader

# Keras takes seconds to import, and `launch` does not need it: load on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
