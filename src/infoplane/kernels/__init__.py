"""Networks as compiled loops: training and replay on a processor, with the same bytes on every machine.

`VERSION` is that of the engine. It is raised when, and only when, the bytes of results change: those of a
training, or of the information of its layers. Results of equal spec, data and version are equal, and are not
made again.
"""

__all__ = ["VERSION"]

VERSION = 1
