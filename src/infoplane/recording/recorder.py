"""The recorder, called from one's own training loop."""

from typing import Any

from torch import nn

from infoplane.errors import UserError
from infoplane.recording.estimators import Estimators
from infoplane.recording.recording import NO_ENDS, Recording, as_metrics, positive

__all__ = ["Recorder"]


class Recorder(Recording):
    """Records where the layers of a PyTorch model are in the information plane while it is trained.

    X is uniform over the given inputs, T is all that a layer outputs for an input, and the model is
    deterministic in evaluation mode, so that I(X;T) = H(T). `exact` counts the bit patterns of floats, −0 as
    +0: two inputs share a code only if every number that the layer outputs for them is the same.

    Args:
        model: any module. It is called with a batch, or with the items of a mapping as keywords.
        inputs: the inputs that are counted: an array or tensor (N, …), a mapping of them, or a `Dataset` or
            `DataLoader` of PyTorch that gives the same in every pass, in the same order.
        labels: (N,) or (N, 1) classes, whole numbers or names; None to take those of a loader's pairs
            (inputs, labels).
        layers: names as of `named_modules()`, types of modules, or modules. `relu:2` is the second call of
            `relu`, `lstm[0]` the first tensor that `lstm` returns, `softmax` that of the model's output,
            `softmax[1]` that of one of several tensors in it, and `output` the model's output. By default the
            outputs of all activation functions and pools, as their quantizers put them out, and the softmax
            of the output.
        estimators: one or several specs, their keys as a dict, or kinds; or a mapping of names to them.
        every: epochs −1, 0 and multiples of this are recorded; of the others only the metrics are noted.
        batch_size: inputs that the model is given at a time.
        bits: the activation bits of the model, for `rebinned` and `quantized`.

    Raises:
        UserError: a layer is unknown, is not called, or is called several times; the model outputs several
            tensors, and it is not clear which are the logits; an estimator does not fit; there are more or
            fewer labels than inputs.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    >>> inputs = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)
    >>> recorder = Recorder(model, inputs, inputs[:, 0].int(), estimators={"kind": "adaptive", "bins": 2})
    >>> recorder.record(-1, loss=0.7)
    >>> recorder.table()[["epoch", "layer", "layer_name"]].values.tolist()
    [[-1, 1, '1'], [-1, 2, 'softmax']]
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any,
        labels: Any = None,
        layers: Any = None,
        estimators: Estimators = "exact",
        every: int = 1,
        batch_size: int = 256,
        bits: int = 32,
    ) -> None:
        super().__init__(model, inputs, labels, layers, estimators, batch_size, bits)
        self.every = positive("every", every)
        for name, estimator in self.estimators.items():
            if estimator.spec.range == "global":
                raise UserError(
                    f"estimators: {name}: range global is that of all epochs, which is not known before the "
                    "end; use layer, neuron or two numbers, or infoplane.from_states"
                )

    def record(self, epoch: int, **metrics: float) -> None:
        """Count what the model outputs now, if it is one of the epochs to be recorded.

        The model runs in evaluation mode without gradients. Its mode, hooks, buffers and device are the same
        afterwards, and so are all random states.

        Args:
            epoch: −1 before the first step, e after pass e + 1 over the training set.
            metrics: numbers for the history, as the loss; `train_accuracy` and `test_accuracy` are between 0
                and 1. NaN is what is not known.

        Raises:
            UserError: a layer outputs NaN, infinity where bins are laid, nothing, or rows of another number
                than there are inputs; it is not called as often as before; a metric is no number, or an
                accuracy no share; the epoch is not later than the one before; the inputs or labels of a
                loader differ from those of the first pass; or, at the first recording, the model is random in
                evaluation mode. Nothing is recorded then.
        """
        self.refuse_epoch(epoch)
        numbers = as_metrics(metrics)
        if epoch == -1 or epoch % self.every == 0:
            self.count(int(epoch), NO_ENDS)
        self.metrics[int(epoch)] = numbers
