"""A whole training from one file: what it was, how it went, and what came of it.

- `Config`: what is to be trained on what; `Config.read` takes it from YAML.
- `train`: trains it into a run folder, and goes on with a run that was killed.
- `write_report`: the page that says how it went.

``siamlab train CONFIG.yaml`` does it on the command line.
"""

import lazy_loader

# A configuration is checked before Keras is imported, which takes seconds.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
