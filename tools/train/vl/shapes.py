"""Draws one shape, and places several without overlap."""

import functools
import math
from typing import NamedTuple

from PIL import Image, ImageDraw

from vl.palette import COLOURS, HELD_OUT_PAIRS, SHAPES, clear_of, near, stands_out
from words import pick


class Thing(NamedTuple):
    shape: str
    colour: str
    x: float  # centre, pixels
    y: float
    r: float  # half of its longer side

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"


def _turned(points, angle):
    c, s = math.cos(angle), math.sin(angle)
    return [(x * c - y * s, x * s + y * c) for x, y in points]


@functools.cache
def _outline(shape: str):
    """Corners of the shape in a box from -1 to 1."""

    def regular(n, start):
        return [(math.cos(start + 2 * math.pi * i / n), math.sin(start + 2 * math.pi * i / n)) for i in range(n)]

    if shape == "square":
        return [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]
    if shape == "rectangle":
        return [(-1, -0.5), (1, -0.5), (1, 0.5), (-1, 0.5)]
    if shape == "diamond":
        return [(0, -1), (0.72, 0), (0, 1), (-0.72, 0)]
    if shape == "triangle":
        return [(0, -0.95), (1, 0.8), (-1, 0.8)]
    if shape == "hexagon":
        return regular(6, 0)
    if shape == "star":
        outer, inner = regular(5, -math.pi / 2), regular(5, -math.pi / 2 + math.pi / 5)
        return [point for o, i in zip(outer, inner) for point in (o, (0.42 * i[0], 0.42 * i[1]))]
    if shape == "cross":
        a = 0.33
        return [(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1), (-a, 1), (-a, a), (-1, a), (-1, -a),
                (-a, -a)]
    if shape == "heart":
        return [(math.sin(t)**3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16)
                for t in (2 * math.pi * i / 40 for i in range(40))]
    steps = 36
    flat = 0.55 if shape == "oval" else 1
    return [(math.cos(2 * math.pi * i / steps), flat * math.sin(2 * math.pi * i / steps)) for i in range(steps)]


def draw(rng, canvas, things) -> None:
    """Draws onto the canvas, smoothly where that is cheap."""
    fine = 2 if canvas.width * canvas.height < 90_000 or rng.random() < 0.3 else 1
    for thing in things:
        rgb = near(rng, COLOURS[thing.colour])
        reach = int(thing.r + 3)
        left, top = int(thing.x) - reach, int(thing.y) - reach
        side = 2 * reach + 1
        mask = Image.new("L", (side * fine, side * fine))
        pen = ImageDraw.Draw(mask)
        upright = thing.shape in ("rectangle", "oval") and rng.random() < 0.5
        angle = (rng.random() - 0.5) * 0.35 + (math.pi / 2 if upright else 0)
        corners = [((x * thing.r + thing.x - left) * fine, (y * thing.r + thing.y - top) * fine)
                   for x, y in _turned(_outline(thing.shape), angle)]
        pen.polygon(corners, fill=255)
        if thing.shape == "ring":
            inner = thing.r * 0.55
            x, y = thing.x - left, thing.y - top
            pen.ellipse([(x - inner) * fine, (y - inner) * fine, (x + inner) * fine, (y + inner) * fine], fill=0)
        if fine > 1:
            mask = mask.reduce(fine)
        canvas.image.paste(rgb, (left, top), mask)


def some_kind(rng, canvas, held_out: bool) -> tuple[str, str]:
    """A colour and a shape that may be drawn here."""
    while True:
        pair = clear_of(rng, canvas.backgrounds), pick(rng, SHAPES)
        if held_out and rng.random() < 0.35:
            pair = pick(rng, sorted(HELD_OUT_PAIRS))
            if not stands_out(pair[0], canvas.backgrounds):
                continue
        if held_out or pair not in HELD_OUT_PAIRS:
            return pair


def place(rng, canvas, pairs, largest: float = 0.24, smallest: float = 11) -> list[Thing]:
    """Things of these (colour, shape), as many as fit. `largest`: half side as a share of the canvas's shorter side;
    `smallest`: in the model's pixels."""
    short = min(canvas.width, canvas.height)
    least = smallest * canvas.unit
    most = max(least * 1.05,
               min(largest * short, 0.62 * math.sqrt(canvas.width * canvas.height / max(1, len(pairs))) * 0.75))
    things: list[Thing] = []
    for colour, shape in pairs:
        for _ in range(30):
            r = least + (most - least) * rng.random()**1.3
            if 2 * r + 4 > short:
                continue
            x, y = r + 2 + rng.random() * (canvas.width - 2 * r - 4), r + 2 + rng.random() * (canvas.height - 2 * r - 4)
            if all((x - t.x)**2 + (y - t.y)**2 > (1.08 * (r + t.r) + 2)**2 for t in things):
                things.append(Thing(shape, colour, x, y, r))
                break
    return things
