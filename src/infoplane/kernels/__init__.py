"""The network as loops in machine code, which give the same bytes on every machine."""

__all__ = ["VERSION"]

# Of the numbers that the kernels compute: raised when, and only when, the bytes of a training or of an exact
# information change. Results of equal spec, data and version are not made again.
VERSION = 1
