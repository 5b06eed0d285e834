"""What the library is measured against: plain eager PyTorch and NumPy, one repetition at a time.

The semantics are those of `published` ReLU networks of 8 bits: kernels over their own range, activations
and logits over moving ranges of decay 0.999 that start at ±6, straight-through gradients, Adam.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.ao.quantization import FakeQuantize, MovingAverageMinMaxObserver
from torch.nn import functional

__all__ = ["EagerTraining", "QuantizedLayer", "information", "layer_codes", "load", "quantized_network"]

START = 6.0


def quantizer(averaging_constant: float) -> FakeQuantize:
    """Eight bits over a moving range; a constant of 1 makes it the range of the tensor at hand."""
    made: FakeQuantize = FakeQuantize(  # type: ignore[no-untyped-call]
        MovingAverageMinMaxObserver,
        quant_min=0,
        quant_max=255,
        dtype=torch.quint8,
        averaging_constant=averaging_constant,
    )
    return made


class QuantizedLayer(nn.Module):
    """A layer of `torch.nn` with its kernel and its output quantized."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, activation: nn.Module) -> None:
        super().__init__()
        nn.init.xavier_uniform_(layer.weight)
        layer.bias = nn.Parameter(torch.zeros(len(layer.weight)))
        self.layer, self.activation = layer, activation
        self.kernel_quantizer, self.output_quantizer = quantizer(1.0), quantizer(0.001)
        self.set_range(-START, START)

    def set_range(self, low: float, high: float) -> None:
        """Put the moving range of the output where it should be."""
        observer = self.output_quantizer.activation_post_process
        observer.min_val.fill_(low)
        observer.max_val.fill_(high)
        scale, zero_point = observer.calculate_qparams()
        self.output_quantizer.scale.copy_(scale)
        self.output_quantizer.zero_point.copy_(zero_point)

    def train(self, mode: bool = True) -> "QuantizedLayer":
        """In evaluation the moving range stands still; that of the kernel is always its own."""
        self.output_quantizer.enable_observer(mode)
        super().train(mode)
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        kernel = self.kernel_quantizer(self.layer.weight)
        if isinstance(self.layer, nn.Linear):
            total = functional.linear(inputs, kernel, self.layer.bias)
        else:
            total = functional.conv2d(inputs, kernel, self.layer.bias)
        output: Tensor = self.output_quantizer(self.activation(total))
        return output


def quantized_network(*layers: nn.Module) -> nn.Sequential:
    """Layers one after the other, ReLU after each that has weights but the last."""
    return nn.Sequential(
        *(
            QuantizedLayer(layer, nn.Identity() if layer is layers[-1] else nn.ReLU())
            if isinstance(layer, nn.Linear | nn.Conv2d)
            else layer
            for layer in layers
        )
    )


def load(network: nn.Sequential, state: Sequence[tuple[Tensor, Tensor, tuple[float, float]]]) -> None:
    """Give each layer its kernel (fan_in, width), its bias, and the range of its output."""
    for layer, (kernel, bias, ends) in zip(network, state, strict=True):
        assert isinstance(layer, QuantizedLayer)
        layer.layer.load_state_dict({"weight": kernel.T, "bias": bias})
        layer.set_range(*ends)


class EagerTraining:
    """The training of one repetition.

    Args:
        inputs: (N, …) float32.
        labels: (N,) classes.
        train_mask: (N,) boolean.
    """

    def __init__(
        self,
        network: nn.Sequential,
        inputs: Tensor,
        labels: Tensor,
        train_mask: Tensor,
        batch_size: int = 256,
    ) -> None:
        self.network, self.batch_size = network, batch_size
        self.inputs, self.labels = inputs[train_mask], labels[train_mask]
        self.test_inputs, self.test_labels = inputs[~train_mask], labels[~train_mask]
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.999), eps=1e-7)
        self.records: list[dict[str, Tensor]] = []

    def step(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One step of Adam; the batch's cross-entropy and logits before it."""
        self.optimizer.zero_grad()
        logits = self.network(inputs)
        loss = functional.cross_entropy(logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss, logits

    def epoch(self) -> tuple[float, float]:
        """One pass over the training inputs in random order; its mean cross-entropy and accuracy."""
        self.network.train()
        total = correct = 0.0
        for places in torch.split(torch.randperm(len(self.inputs)), self.batch_size):
            labels = self.labels[places]
            loss, logits = self.step(self.inputs[places], labels)
            total += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
        return total / len(self.inputs), correct / len(self.inputs)

    @torch.no_grad()
    def test_accuracy(self) -> float:
        self.network.eval()
        right = self.network(self.test_inputs).argmax(1) == self.test_labels
        return float(right.float().mean())

    def train(self, epochs: int, record_every: int) -> list[tuple[float, float, float]]:
        """Loss, train accuracy and test accuracy of every epoch; the state of some is recorded."""
        history = []
        for epoch in range(epochs):
            history.append((*self.epoch(), self.test_accuracy()))
            if epoch % record_every == 0:
                self.records.append({key: value.clone() for key, value in self.network.state_dict().items()})
        return history


@torch.no_grad()
def layer_codes(network: nn.Sequential, inputs: Tensor) -> list[np.ndarray]:
    """The codes of each layer, (N, width), up to a common shift; those of the logits less their highest."""
    network.eval()
    codes = []
    for layer in network:
        assert isinstance(layer, QuantizedLayer)
        inputs = layer(inputs)
        codes.append(torch.round(inputs / layer.output_quantizer.scale).long())
    codes[-1] -= codes[-1].amax(1, keepdim=True)
    return [each.numpy() for each in codes]


def entropy(codes: np.ndarray) -> float:
    """H in bits of the rows of codes (N, width)."""
    _, counts = np.unique(codes, axis=0, return_counts=True)
    shares = counts / len(codes)
    return float(-(shares * np.log2(shares)).sum())


def information(codes: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """H(T) and I(T;Y) = H(T) − Σ_y p(y) H(T|Y=y) in bits, T being a row of codes (N, width)."""
    h_t = entropy(codes)
    shares = [(entropy(codes[labels == label]), np.mean(labels == label)) for label in np.unique(labels)]
    return h_t, float(h_t - sum(h * share for h, share in shares))
