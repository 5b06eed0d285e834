"""Images that are mostly dark, of which kernels read what is not."""

import numpy as np

from infoplane import Dataset


def images_of_few_pixels(count: int = 60, classes: int = 3) -> Dataset:
    """Random images of 100 pixels, a fifth of which are not 0, among them one that tells the class."""
    generator, labels = np.random.default_rng(count), np.arange(count) % classes
    pixels = generator.integers(1, 256, (count, 100)) * (generator.random((count, 100)) < 0.2)
    pixels[np.arange(count), labels] = 255
    return Dataset("small-images", pixels.astype(np.uint8), labels, np.arange(count) % 4 > 0, 1 / 255)
