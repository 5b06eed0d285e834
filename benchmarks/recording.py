"""Time and memory of a recording of a ResNet-18 on 10,000 images of the size of CIFAR's.

Weights and images are random. Beside it stands the model alone on the same batches.

    python benchmarks/recording.py
"""

import resource
import time

import torch
from measurement import elapsed
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from infoplane import Recorder

IMAGES, BATCH = 10_000, 100
BINS = {"kind": "uniform", "bins": 30, "range": "layer"}


class Block(nn.Module):
    """Two convolutions and a connection past them (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.past = nn.Identity() if stride == 1 else nn.Conv2d(channels, width, 1, stride, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.relu(self.second(self.first(inputs)) + self.past(inputs))
        return outputs


def resnet18() -> nn.Module:
    """ResNet-18 for images of 32 × 32 pixels and ten classes: 11.2 million parameters."""
    widths = 64, 128, 256, 512
    blocks: list[nn.Module] = []
    for before, width in zip((64, *widths), widths, strict=False):
        blocks += [Block(before, width, 1 if width == 64 else 2), Block(width, width, 1)]
    stem = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def run_alone(model: nn.Module, images: Tensor) -> None:
    with torch.no_grad():
        for batch in DataLoader(TensorDataset(images), BATCH):
            model(*batch)


def peak_memory() -> float:
    """Peak memory of this process, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(IMAGES, 3, 32, 32, generator=generator)
    labels = torch.randint(0, 10, (IMAGES,), generator=generator)
    model = resnet18().eval()
    exact = Recorder(model, images, labels, batch_size=BATCH)
    binned = Recorder(model, images, labels, estimators=BINS, batch_size=BATCH)
    numbers = sum(layer.width or 0 for layer in exact.recorded)
    print(f"{len(exact.layers)} layers, {numbers:,} activations of an image")
    for name, action in (
        ("model alone", lambda: run_alone(model, images)),
        ("exact", lambda: exact.record(0)),
        ("30 bins over each layer", lambda: binned.record(0)),
    ):
        start = time.perf_counter()
        seconds = elapsed(action)
        print(
            f"{name}: {time.perf_counter() - start:.0f} s, {seconds:.0f} CPU seconds, "
            f"peak memory {peak_memory():.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
