"""Colours by name, shapes by name, and which pairs of them training never sees.

One idea: a name stands for a small cloud of colours, never for one, and everything drawn keeps a distance from what is
behind it, so that a question about a colour has one answer.
"""

COLOURS = {
    "red": (214, 38, 40), "green": (42, 150, 58), "blue": (42, 82, 212), "yellow": (242, 218, 40),
    "orange": (246, 138, 28), "purple": (132, 48, 172), "pink": (250, 142, 186), "brown": (122, 72, 34),
    "black": (24, 24, 24), "white": (246, 246, 246), "grey": (132, 132, 132), "cyan": (44, 200, 214)
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross", "diamond", "rectangle", "oval", "ring", "hexagon")
PLURALS = {"cross": "crosses", **{shape: shape + "s" for shape in SHAPES if shape != "cross"}}
# Drawn only for the held-out questions; training sees each of the colours and shapes in other company.
HELD_OUT_PAIRS = {("purple", "star"), ("cyan", "diamond"), ("brown", "heart"), ("orange", "cross"), ("pink", "hexagon"),
                  ("grey", "ring"), ("yellow", "triangle")}


def near(rng, rgb, spread: int = 14):
    """A colour near `rgb`."""
    return tuple(min(255, max(0, channel + int(rng.random() * (2 * spread + 1)) - spread)) for channel in rgb)


def distance(a, b) -> float:
    return sum((x - y)**2 for x, y in zip(a, b))**0.5


def stands_out(colour: str, backgrounds, least: float = 95) -> bool:
    return all(distance(COLOURS[colour], rgb) >= least for rgb in backgrounds)


def clear_of(rng, backgrounds, least: float = 95) -> str:
    """The name of a colour that stands out from all of `backgrounds`."""
    fit = [name for name in COLOURS if stands_out(name, backgrounds, least)]
    return fit[int(rng.random() * len(fit))]
