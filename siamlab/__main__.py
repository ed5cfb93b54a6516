"""``python -m siamlab`` is ``siamlab``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
