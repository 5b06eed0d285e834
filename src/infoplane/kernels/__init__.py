"""Networks as compiled loops: training and replay on a processor, with the same bytes on every machine.

`VERSION` says which bytes those are.
"""

from infoplane.code import VERSION

__all__ = ["VERSION"]
