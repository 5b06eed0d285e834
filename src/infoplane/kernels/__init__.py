"""Networks as compiled loops: training and replay on a processor, with the same bytes on every machine.

`infoplane.code.VERSION` says which bytes those are.
"""
