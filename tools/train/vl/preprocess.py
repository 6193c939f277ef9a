"""From a picture to patches, as Qwen2.5-VL's image processor does it.

One idea: the pixel limits stand here, once; the exported files carry them, so a server resizes as training did.
"""

import functools
import math

import numpy as np
from PIL import Image

PATCH, MERGE = 14, 2
FACTOR = PATCH * MERGE
WINDOW = 112 // FACTOR  # merged cells along a window's side
MIN_PIXELS, MAX_PIXELS = 112 * 112, 336 * 336
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def smart_resize(height: int, width: int) -> tuple[int, int]:
    """The size at which the model sees a picture: multiples of 28, area within the limits, ratio about kept."""
    rows, cols = round(height / FACTOR) * FACTOR, round(width / FACTOR) * FACTOR
    if rows * cols > MAX_PIXELS:
        shrink = math.sqrt(height * width / MAX_PIXELS)
        rows = max(FACTOR, math.floor(height / shrink / FACTOR) * FACTOR)
        cols = max(FACTOR, math.floor(width / shrink / FACTOR) * FACTOR)
    elif rows * cols < MIN_PIXELS:
        grow = math.sqrt(MIN_PIXELS / (height * width))
        rows, cols = math.ceil(height * grow / FACTOR) * FACTOR, math.ceil(width * grow / FACTOR) * FACTOR
    return rows, cols


@functools.cache
def window_order(rows: int, cols: int):
    """For a grid of merged cells: (cells window by window, the windows' sizes in cells)."""
    cells = np.arange(rows * cols).reshape(rows, cols)
    windows = [
        cells[top:top + WINDOW, left:left + WINDOW].ravel() for top in range(0, rows, WINDOW)
        for left in range(0, cols, WINDOW)
    ]
    return np.concatenate(windows), np.array([len(window) for window in windows])


@functools.cache
def patch_places(rows: int, cols: int) -> np.ndarray:
    """[rows*cols*4, 2]: row and column of every patch, cells in window order, a cell's four patches row by row."""
    places = np.stack(np.meshgrid(np.arange(rows * MERGE), np.arange(cols * MERGE), indexing="ij"), -1)
    return _by_cell(places, rows, cols, 1).reshape(rows * cols, 4, 2)[window_order(rows, cols)[0]].reshape(-1, 2)


def _by_cell(pixels: np.ndarray, rows: int, cols: int, side: int) -> np.ndarray:
    """[rows*2*side, cols*2*side, C] to [rows*cols, 4, C, side, side]."""
    parts = pixels.reshape(rows, MERGE, side, cols, MERGE, side, -1)
    return parts.transpose(0, 3, 1, 4, 6, 2, 5).reshape(rows * cols, MERGE * MERGE, -1, side, side)


def patches(image: Image.Image, resample=Image.Resampling.BICUBIC):
    """(patches [N, 588] of bytes in window order, each (channel, y, x); rows and columns of merged cells)."""
    height, width = smart_resize(image.height, image.width)
    if (width, height) != image.size:
        image = image.resize((width, height), resample)
    rows, cols = height // FACTOR, width // FACTOR
    cells = _by_cell(np.asarray(image), rows, cols, PATCH)[window_order(rows, cols)[0]]
    return cells.reshape(rows * cols * 4, 3 * PATCH * PATCH), rows, cols
