"""Bar charts: upright bars on a drawn axis.

One idea: values sit on a raster of the axis's scale, so that a reading has one right answer.
"""

import string

from PIL import ImageDraw

from talk import letters
from vl.canvas import Canvas
from vl.palette import COLOURS, clear_of, near, stands_out
from vl.scene_shapes import Scene
from vl.scene_text import font, some_font
from vl.wording import ask
from words import pick

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
NAMES = "Ada Ben Eva Ida Ian Kim Leo Mia Max Ned Pia Sam Tim Tom Una Zoe".split()
# (highest value, distance of the ticks, raster of the values)
SCALES = ((5, 1, 1), (10, 2, 1), (10, 1, 1), (10, 5, 1), (20, 5, 1), (20, 4, 2), (50, 10, 5), (100, 20, 10),
          (100, 25, 5), (100, 10, 5))


def _labels(rng, count: int) -> list[str]:
    dice = rng.random()
    if dice < 0.45:
        return list(string.ascii_uppercase[:count])
    if dice < 0.6:
        start = int(rng.random() * (27 - count))
        return list(string.ascii_uppercase[start:start + count])
    table = MONTHS if dice < 0.75 else DAYS if dice < 0.87 else NAMES
    if table is NAMES:
        return rng.sample(NAMES, count)
    start = int(rng.random() * (len(table) - count + 1))
    return table[start:start + count]


def chart(rng, held_out: bool) -> Scene:
    while True:
        canvas = Canvas(rng, held_out, smallest=160, aspect=1.7)
        if canvas.width / canvas.unit >= 160 and canvas.height / canvas.unit >= 150:
            break
    room = canvas.width / canvas.unit
    count = 2 + int(rng.random() * (3 if room < 200 else 5))
    labels = _labels(rng, count)
    highest, tick, raster = pick(rng, SCALES)
    values = [raster * (1 + int(rng.random() * (highest // raster))) for _ in range(count)]
    named = rng.random() < 0.6
    first = clear_of(rng, canvas.backgrounds)
    colours = []
    for _ in range(count):
        fit = [name for name in COLOURS if name not in colours and stands_out(name, canvas.backgrounds)]
        colours.append(pick(rng, fit) if named and fit else first)
    _draw(rng, canvas, labels, values, colours, highest, tick, held_out)
    return Scene([canvas], list(questions(rng, labels, values, colours, held_out)))


def _draw(rng, canvas, labels, values, colours, highest, tick, held_out: bool) -> None:
    unit = canvas.unit
    pen = ImageDraw.Draw(canvas.image)
    dark = sum(canvas.backgrounds[0]) < 380
    ink = near(rng, (235, 235, 235) if dark else (25, 25, 25), 15)
    faint = tuple((3 * b + i) // 4 for b, i in zip(canvas.backgrounds[0], ink))
    path = some_font(rng, held_out)
    face = font(path, max(8, round((12.5 + 3 * rng.random()) * unit)))
    ticks = list(range(0, highest + 1, tick))
    margin = max(face.getlength(str(value)) for value in ticks) + 8 * unit
    left, right = margin, canvas.width - 6 * unit
    bottom, top = canvas.height - 22 * unit, 14 * unit
    numbers = rng.random() < 0.3

    def level(value):
        return bottom - (bottom - top) * value / highest

    lines = rng.random() < 0.6
    for value in ticks:
        y = level(value)
        if lines:
            pen.line([left, y, right, y], fill=faint, width=max(1, round(unit)))
        pen.line([left - 4 * unit, y, left, y], fill=ink, width=max(1, round(unit)))
        pen.text((left - 6 * unit, y), str(value), font=face, fill=ink, anchor="rm")
    step = (right - left) / len(labels)
    share = 0.5 + 0.3 * rng.random()
    for i, (label, value, colour) in enumerate(zip(labels, values, colours)):
        middle = left + (i + 0.5) * step
        box = [middle - step * share / 2, level(value), middle + step * share / 2, bottom]
        pen.rectangle(box, fill=near(rng, COLOURS[colour], 8), outline=ink if lines and step > 20 * unit else None)
        shown = face
        if face.getlength(label) > step * 0.96:
            shown = font(path, max(8, int(face.size * step * 0.96 / face.getlength(label))))
        pen.text((middle, bottom + 3 * unit), label, font=shown, fill=ink, anchor="ma")
        if numbers:
            pen.text((middle, level(value) - 1 * unit), str(value), font=face, fill=ink, anchor="mb")
    pen.line([left, top - 4 * unit, left, bottom], fill=ink, width=max(1, round(1.5 * unit)))
    pen.line([left, bottom, right, bottom], fill=ink, width=max(1, round(1.5 * unit)))


def questions(rng, labels, values, colours, held_out: bool):

    def q(kind, **words):
        return ask(rng, kind, held_out, **words)

    yield "bars", q("count bars"), str(len(labels))
    order = sorted(range(len(values)), key=values.__getitem__)
    gap = max(values) * 0.08
    if values[order[-1]] - values[order[-2]] > gap:
        yield "bars", q("tallest"), letters(labels[order[-1]])
    if values[order[1]] - values[order[0]] > gap:
        yield "bars", q("shortest"), letters(labels[order[0]])
    i = int(rng.random() * len(labels))
    yield "bar value", q("value", x=labels[i]), str(values[i])
    i, k = rng.sample(range(len(labels)), 2)
    if abs(values[i] - values[k]) > gap:
        yield "bars", q("compare bars", x=labels[i], y=labels[k]), "Yes" if values[i] > values[k] else "No"
    if len(set(colours)) > 1:
        yield "bars", q("bar colour", x=labels[i]), colours[i]
    yield "describe", q("describe"), f"A bar chart with {len(labels)} bars."
