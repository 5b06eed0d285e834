"""Networks and their quantizers in PyTorch: the readable definition of what `infoplane.kernels` computes.

`layers`, `schemes`, `initialisation`, `inputs` and `optimizers` import no PyTorch, because the kernels use
them too.
"""
