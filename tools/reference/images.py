"""Draws the pictures of the vision goldens: noise and shapes, in sizes that no patch divides."""
import numpy as np
from PIL import Image, ImageDraw

# Sizes as height x width. What each is for, with 28 pixels a token and 3136 to 23520 pixels an image:
SIZES = {
    "small.png": (37, 61),      # too small, is enlarged; 2 x 3 tokens
    "narrow.png": (100, 45),    # 4 x 2 tokens
    "half.png": (70, 98),       # sides of 2.5 and 3.5 tokens: halves round to even, 2 x 4; grey
    "clear.png": (130, 130),    # 5 x 5 tokens, so windows of 4 are ragged; with alpha, which is dropped
    "photo.jpg": (200, 170),    # too large, is shrunk to 5 x 5 tokens
}


def draw(name):
    height, width = SIZES[name]
    random = np.random.default_rng([height, width])
    y, x = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(x / (3 + 2 * c) + y / (9 - 2 * c)) for c in range(3)]
    noise = random.integers(-20, 21, (height // 2 + 1, width // 2 + 1, 3)).repeat(2, 0).repeat(2, 1)[:height, :width]
    picture = Image.fromarray(np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(6):
        left, top = random.integers(0, width), random.integers(0, height)
        box = [left, top, left + random.integers(3, width // 2), top + random.integers(3, height // 2)]
        (pen.ellipse if random.integers(2) else pen.rectangle)([int(v) for v in box],
                                                               fill=tuple(int(v) for v in random.integers(0, 256, 3)))
    return picture


def save_all(folder):
    folder.mkdir(exist_ok=True)
    for name, (height, width) in SIZES.items():
        picture = draw(name)
        if name == "half.png":
            picture = picture.convert("L")
        if name == "clear.png":
            veil = np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)
            picture.putalpha(Image.fromarray(veil))
        # Colour at full resolution: decoders differ in how they enlarge it.
        options = {"quality": 90, "subsampling": 0} if name.endswith("jpg") else {"optimize": True}
        picture.save(folder / name, **options)
