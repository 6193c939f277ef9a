"""A canvas: its size, its background, and what saving does to it.

One idea: everything is measured in `unit`, about one pixel of what the model gets to see after resizing, so that a
drawing stays readable whatever its file's size.
"""

import functools
import io

import numpy as np
from PIL import Image

from vl.palette import COLOURS, near
from vl.preprocess import smart_resize

SIDES = (84, 448)
# Heights that training never draws; the held-out pictures have many of them.
HELD_OUT_SIDES = {120, 150, 200, 240, 300, 320, 400}


@functools.cache
def _noise() -> np.ndarray:
    """[1024, 1024, 3] of signed noise, cut for each canvas at a random place."""
    return np.random.default_rng(7).normal(0, 1, (1024, 1024, 3)).astype(np.float32)


class Canvas:

    def __init__(self,
                 rng,
                 held_out: bool = False,
                 smallest: int = SIDES[0],
                 largest: int = SIDES[1],
                 aspect: float = 2.6):
        self.rng = rng
        self.width, self.height = _size(rng, held_out, smallest, largest, aspect)
        rows, cols = smart_resize(self.height, self.width)
        self.unit = self.width / cols  # pixels of the file for one pixel of the model's
        self.name = None  # the background's colour where it has one
        self.image, self.backgrounds = self._background()

    def _background(self):
        """(image, the colours that stand for it)."""
        rng, size = self.rng, (self.width, self.height)
        dice = rng.random()
        if dice < 0.45:
            self.name = ("white", "white", "white", "black", "grey", "yellow", "blue", "green", "pink",
                         "cyan")[int(rng.random() * 10)]
            rgb = near(rng, COLOURS[self.name], 6)
            image, colours = Image.new("RGB", size, rgb), [rgb]
        elif dice < 0.75:
            rgb = _tint(rng)
            image, colours = Image.new("RGB", size, rgb), [rgb]
        else:
            first = _tint(rng)
            second = near(rng, first, 40)
            image, colours = _gradient(size, first, second, rng.random() < 0.5), [first, second]
        if rng.random() < 0.25:
            image = _speckle(rng, image, 2 + rng.random() * 14)
        return image, colours

    def finished(self) -> Image.Image:
        """As a reader of the file sees it: half of all pictures go through JPEG."""
        if self.rng.random() >= 0.5:
            return self.image
        data = io.BytesIO()
        self.image.save(data, "JPEG", quality=60 + int(self.rng.random() * 36))
        return Image.open(data).convert("RGB")


def _size(rng, held_out: bool, smallest: int, largest: int, aspect: float):
    while True:
        area = smallest * (largest / smallest)**(0.15 + 0.85 * rng.random())
        ratio = aspect**(rng.random() - 0.5) if rng.random() < 0.7 else 1.0
        width, height = round(area * ratio), round(area / ratio)
        if held_out and rng.random() < 0.5:
            height = sorted(HELD_OUT_SIDES)[int(rng.random() * len(HELD_OUT_SIDES))]
        elif not held_out and height in HELD_OUT_SIDES:
            continue
        if smallest <= min(width, height) and max(width, height) <= largest and max(width / height,
                                                                                    height / width) <= aspect:
            return width, height


def _tint(rng):
    """A pale or a dark colour without a name."""
    if rng.random() < 0.75:
        return tuple(205 + int(rng.random() * 50) for _ in range(3))
    return tuple(10 + int(rng.random() * 50) for _ in range(3))


def _gradient(size, first, second, across: bool) -> Image.Image:
    width, height = size
    steps = np.linspace(0, 1, width if across else height, dtype=np.float32)[:, None]
    line = (np.float32(first) * (1 - steps) + np.float32(second) * steps).astype(np.uint8)
    line = line[None] if across else line[:, None]
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(line, (height, width, 3))))


def _speckle(rng, image, strength: float) -> Image.Image:
    top, left = int(rng.random() * (1024 - image.height)), int(rng.random() * (1024 - image.width))
    noise = _noise()[top:top + image.height, left:left + image.width]
    if rng.random() < 0.5:
        noise = noise[:, :, :1]
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + strength * noise, 0, 255).astype(np.uint8))
