"""Training: devices, speed, several workers, and old weights.

Before training:

- `quiet_tensorflow`: import TensorFlow without its start-up lines.
- `load_model`: load a saved network.
- `load_old_weights`, `read_old_weights`, `from_cudnn`: weights of Keras 2.

Speed:

- `device_report`: devices, precision, and whether each LSTM uses cuDNN.
- `why_not_cudnn`: what keeps a layer from cuDNN.
- `throughput`: segments per second, and the time spent waiting for the input.

Several workers:

- `join`: take part in a training of several workers.
- `launch`: start the workers on this machine.

Notebooks: 07_gpu_training, 12_beyond_one_machine.
"""

import lazy_loader

# Keras takes seconds to import, and `launch` needs none: each loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
