"""Write bars.npz: 1,024 noisy images of 8 × 8 pixels, of a horizontal bar, a vertical bar or a diagonal.

A data set is a file with arrays `inputs` (N, …) and `labels` (N,), the classes 0 … C−1. Replace it by yours.
"""

from pathlib import Path

import numpy as np

generator = np.random.default_rng(0)
labels = np.arange(1024) % 3
images = generator.integers(0, 96, (1024, 8, 8))
for image, label, position in zip(images, labels, generator.integers(0, 8, 1024), strict=True):
    if label == 0:
        image[position] = 255
    elif label == 1:
        image[:, position] = 255
    else:
        image[np.arange(8), (np.arange(8) + position) % 8] = 255
if __name__ == "__main__":
    np.savez(
        Path(__file__).with_name("bars.npz"),
        inputs=images.astype(np.uint8),
        labels=labels,
        allow_pickle=False,
    )
