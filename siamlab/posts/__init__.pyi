from . import ctc, siamese
from .fixes import FIXES, Fix, Program, with_fixes

__all__ = ["FIXES", "Fix", "Program", "ctc", "siamese", "with_fixes"]
