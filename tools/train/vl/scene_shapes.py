"""Pictures of shapes, and everything that can be asked about them with one answer.

One idea: a question is put only where its answer is beyond doubt: positions and sizes must differ by a margin, and a
thing is called by a name that fits no other.
"""

import collections

from vl.canvas import Canvas
from vl.palette import COLOURS, HELD_OUT_PAIRS, PLURALS, SHAPES, stands_out
from vl.shapes import Thing, draw, place, some_kind
from vl.wording import a_or_an, ask
from words import pick

NUMBERS = ("no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Scene:
    """Canvases and the questions about them: (task, question, answer)."""

    def __init__(self, canvases, questions):
        self.canvases, self.questions = canvases, questions


def shapes(rng, held_out: bool) -> Scene:
    canvas = Canvas(rng, held_out)
    room = canvas.width * canvas.height / canvas.unit**2
    most = 3 if room < 14_000 else 6 if room < 30_000 else 9
    wanted = 1 + int(rng.random() * most)
    if rng.random() < 0.55 or wanted < 3:  # all different
        pairs = [some_kind(rng, canvas, held_out) for _ in range(wanted)]
    else:  # a few kinds, repeated
        few = [some_kind(rng, canvas, held_out) for _ in range(1 + int(rng.random() * 3))]
        pairs = [pick(rng, few) for _ in range(wanted)]
    things = place(rng, canvas, pairs, 0.3 if wanted < 3 else 0.24)
    draw(rng, canvas, things)
    return Scene([canvas], list(questions(rng, canvas, things, held_out)))


def one_shape(rng, held_out: bool) -> Scene:
    canvas = Canvas(rng, held_out, aspect=1.8)
    things = place(rng, canvas, [some_kind(rng, canvas, held_out)], 0.42)
    draw(rng, canvas, things)
    return Scene([canvas], list(questions(rng, canvas, things, held_out)))


def questions(rng, canvas, things: list[Thing], held_out: bool):
    """All questions that have one answer, in no particular order."""

    def q(kind, **words):
        return ask(rng, kind, held_out, **words)

    if not things:
        return
    by_shape, by_colour = collections.Counter(t.shape for t in things), collections.Counter(t.colour for t in things)
    by_name = collections.Counter(t.name for t in things)
    named = [t for t in things if by_name[t.name] == 1]
    yield from _counts(rng, q, things, by_shape, by_colour, by_name)
    yield from _names(rng, q, canvas, things, by_shape, by_colour)
    yield from _presence(rng, q, by_name)
    if len(things) > 1:
        yield from _relations(rng, q, canvas, named)
        yield from _extremes(rng, q, canvas, things, by_name)
    yield from _places(rng, q, canvas, things, named)
    if len(by_name) <= 3 and len(things) <= 5:
        yield "describe", q("describe"), described(by_name)
    if canvas.name:
        yield "background", q("background"), canvas.name


def described(by_name) -> str:
    """A sentence; kinds in the order of the palette."""
    order = sorted(by_name, key=lambda name: (list(COLOURS).index(name.split()[0]), SHAPES.index(name.split()[1])))
    parts = []
    for name in order:
        count = by_name[name]
        colour, shape = name.split()
        parts.append(a_or_an(f" {NUMBERS[count]} {colour} {shape if count == 1 else PLURALS[shape]}")[1:])
    text = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return text[0].upper() + text[1:] + "."


def _counts(rng, q, things, by_shape, by_colour, by_name):
    yield "count", q("count all"), str(len(things))
    shape = pick(rng, sorted(by_shape)) if rng.random() < 0.88 else pick(rng, SHAPES)
    yield "count", q("count shape", s=PLURALS[shape]), str(by_shape[shape])
    colour = pick(rng, sorted(by_colour)) if rng.random() < 0.88 else pick(rng, tuple(COLOURS))
    yield "count", q("count colour", c=colour), str(by_colour[colour])
    colour, shape = pick(rng, sorted(by_name)).split()
    if rng.random() < 0.15:
        colour = pick(rng, tuple(COLOURS))
    yield "count", q("count both", c=colour, s=PLURALS[shape]), str(by_name[f"{colour} {shape}"])


def _names(rng, q, canvas, things, by_shape, by_colour):
    if len(things) == 1:
        yield "shape", q("what one"), things[0].shape
        yield "colour", q("colour one"), things[0].colour
        return
    once = [t for t in things if by_shape[t.shape] == 1]
    if once:
        thing = pick(rng, once)
        yield "colour", q("colour of", s=thing.shape), thing.colour
    once = [t for t in things if by_colour[t.colour] == 1]
    if once:
        thing = pick(rng, once)
        yield "shape", q("shape of", c=thing.colour), thing.shape


def _presence(rng, q, by_name):
    colour, shape = pick(rng, sorted(by_name)).split()
    if rng.random() < 0.5:
        if rng.random() < 0.5:
            shape = pick(rng, SHAPES)
        else:
            colour = pick(rng, tuple(COLOURS))
    yield "presence", q("exists", x=f"{colour} {shape}"), "Yes" if by_name[f"{colour} {shape}"] else "No"


def _relations(rng, q, canvas, named):
    pairs = [(a, b) for a in named for b in named if a is not b]
    if not pairs:
        return
    a, b = pick(rng, pairs)
    if abs(a.x - b.x) > 0.12 * canvas.width:
        side = "left" if a.x < b.x else "right"
        yield "relation", q("left or right", x=a.name, y=b.name), side
        yield "relation", q("is left", x=a.name, y=b.name), "Yes" if side == "left" else "No"
    a, b = pick(rng, pairs)
    if abs(a.y - b.y) > 0.12 * canvas.height:
        side = "above" if a.y < b.y else "below"
        yield "relation", q("above or below", x=a.name, y=b.name), side
        yield "relation", q("is above", x=a.name, y=b.name), "Yes" if side == "above" else "No"


def _extremes(rng, q, canvas, things, by_name):
    for kind, task, key, margin in (("leftmost", "extreme", lambda t: -t.x,
                                     0.07 * canvas.width), ("rightmost", "extreme", lambda t: t.x, 0.07 * canvas.width),
                                    ("topmost", "extreme", lambda t: -t.y, 0.07 * canvas.height),
                                    ("bottommost", "extreme", lambda t: t.y, 0.07 * canvas.height)):
        order = sorted(things, key=key)
        if key(order[-1]) - key(order[-2]) > margin:
            yield task, q(kind), order[-1].name
    order = sorted(things, key=lambda t: t.r)
    if order[-1].r > 1.35 * order[-2].r:
        yield "size", q("largest"), order[-1].name
    if order[0].r * 1.35 < order[1].r:
        yield "size", q("smallest"), order[0].name


def _places(rng, q, canvas, things, named):
    """Ninths of the picture: only well inside of one."""

    def third(share, names):
        for name, low, high in zip(names, (0, 0.4, 0.72), (0.28, 0.6, 1)):
            if low <= share <= high:
                return name
        return None

    def ninth(thing):
        row = third(thing.y / canvas.height, ("top", "middle", "bottom"))
        col = third(thing.x / canvas.width, ("left", "middle", "right"))
        if row is None or col is None:
            return None
        return {"middle middle": "centre"}.get(f"{row} {col}", f"{row} {col}".replace("middle", "").strip())

    clear = [t for t in named if ninth(t)]
    if clear:
        thing = pick(rng, clear)
        yield "place", q("place", x=thing.name if len(things) > 1 else thing.shape), ninth(thing)
    corners = collections.Counter((t.y < canvas.height / 2, t.x < canvas.width / 2) for t in things)
    for thing in things:
        where = ninth(thing)
        if where and " " in where and corners[(thing.y < canvas.height / 2, thing.x < canvas.width / 2)] == 1:
            yield "place", q("in corner", p=where), thing.name
            return


def pair(rng, held_out: bool) -> Scene:
    """Two pictures in one question."""
    canvases = [Canvas(rng, held_out, largest=300, aspect=1.6) for _ in range(2)]
    single = rng.random() < 0.4
    wanted = [1, 1] if single else [1 + int(rng.random() * 5) for _ in range(2)]
    shared = pick(rng, SHAPES)
    both = []
    for canvas, count in zip(canvases, wanted):
        few = [some_kind(rng, canvas, held_out) for _ in range(2)]
        if rng.random() < 0.7 and stands_out(few[0][0],
                                             canvas.backgrounds) and (few[0][0], shared) not in HELD_OUT_PAIRS:
            few[0] = (few[0][0], shared)
        things = place(rng, canvas, [few[0]] + [pick(rng, few) for _ in range(count - 1)], 0.3)
        draw(rng, canvas, things)
        both.append(things)
    return Scene(canvases, list(_pair_questions(rng, both, held_out)))


def _pair_questions(rng, both, held_out: bool):

    def q(kind, **words):
        return ask(rng, kind, held_out, **words)

    first, second = both
    if not first or not second:
        return
    shape = pick(rng, first + second).shape
    a, b = (sum(t.shape == shape for t in things) for things in both)
    if a != b:
        yield "two pictures", q("more", s=PLURALS[shape]), "first" if a > b else "second"
    if len(first) != len(second):
        yield "two pictures", q("more", s="shapes"), "first" if len(first) > len(second) else "second"
    n = int(rng.random() * 2)
    yield "two pictures", q("in picture", s="shapes", n=("first", "second")[n]), str(len(both[n]))
    only = [(t, n) for n in (0, 1) for t in both[n] if t.name not in {other.name for other in both[1 - n]}]
    if only:
        thing, n = pick(rng, only)
        yield "two pictures", q("which has", x=thing.name), ("first", "second")[n]
    if len(first) == len(second) == 1:
        yield "two pictures", q("same shape"), "Yes" if first[0].shape == second[0].shape else "No"
        yield "two pictures", q("same colour"), "Yes" if first[0].colour == second[0].colour else "No"
