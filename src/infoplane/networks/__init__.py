"""Networks and their quantizers in PyTorch: the readable definition of what `infoplane.kernels` computes.

`activations`, `ranges`, `layers`, `schemes`, `initialisation` and `inputs` import no PyTorch, because the
kernels use them too. The config takes the names of activation functions and range policies from the first
two.
"""
