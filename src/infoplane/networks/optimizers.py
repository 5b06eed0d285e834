"""Batches and optimizers, as far as both engines share them."""

from infoplane.config import TrainingSpec

__all__ = ["batch_size_of"]


def batch_size_of(spec: TrainingSpec, trained: int) -> int:
    """Number of inputs of a training step, but for the last of an epoch, which may have fewer.

    Args:
        trained: number of inputs that are trained on.
    """
    return trained if spec.batch_size == "whole" else min(spec.batch_size, trained)
