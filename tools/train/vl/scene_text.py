"""Pictures of words and numbers in several fonts.

One idea: the words come from a list and from a syllable maker, and a checksum keeps some of both out of training, so
that reading is learned letter by letter.
"""

import functools
import pathlib
import zlib

from PIL import Image, ImageDraw, ImageFont

from talk import letters
from vl.canvas import Canvas
from vl.palette import COLOURS, clear_of, near
from vl.scene_shapes import Scene
from vl.wording import ask
from words import WORDS, invented, pick

HELD_OUT_FONTS = ("Lato", "Caladea")
ORDINALS = ("first", "second", "third")
_folder = [pathlib.Path(".carry/fonts")]


def use_fonts(folder) -> None:
    _folder[0] = pathlib.Path(folder)


@functools.cache
def fonts(held_out: bool) -> list[str]:
    """Paths of the fonts for training or for the held-out questions."""
    paths = sorted(str(path) for path in _folder[0].iterdir() if path.suffix in (".ttf", ".otf"))
    assert paths, f"{_folder[0]} holds no fonts"
    return [path for path in paths if pathlib.Path(path).name.startswith(HELD_OUT_FONTS) == held_out]


@functools.lru_cache(4000)
def font(path: str, size: int):
    return ImageFont.truetype(path, size)


def some_font(rng, held_out: bool) -> str:
    return pick(rng, fonts(held_out and rng.random() < 0.5))


def is_held_out(text: str) -> bool:
    return zlib.crc32(text.lower().encode()) % 10 == 0


def a_word(rng, held_out: bool) -> str:
    """Most from the list in a held-out question; a training word is as often invented or a jumble of letters."""
    while True:
        dice = rng.random()
        if dice < (0.85 if held_out else 0.5):
            word = pick(rng, WORDS)
        elif held_out or dice < 0.85:
            word = invented(rng)
        else:
            word = "".join(pick(rng, "abcdefghijklmnopqrstuvwxyz") for _ in range(2 + int(rng.random() * 7)))
        if 2 <= len(word) <= 11 and is_held_out(word) == held_out:
            break
    dice = rng.random()
    return word.upper() if dice < 0.3 else word.capitalize() if dice < 0.5 else word


def a_number(rng, held_out: bool) -> str:
    while True:
        digits = 1 + int(rng.random() * 6)
        number = str(1 + int(rng.random() * 9)) + "".join(str(int(rng.random() * 10)) for _ in range(digits - 1))
        if len(number) < 3 or is_held_out(number) == held_out:
            return number


def text(rng, held_out: bool) -> Scene:
    """One to three lines, each a word or a number."""
    while True:
        canvas = Canvas(rng, held_out, smallest=96)
        lines = 1 if rng.random() < 0.6 else 2 + int(rng.random() * 2)
        written = [a_word(rng, held_out) if rng.random() < 0.72 else a_number(rng, held_out) for _ in range(lines)]
        colours = [clear_of(rng, canvas.backgrounds, 120) for _ in range(lines)]
        if _write(rng, canvas, written, colours, held_out):
            return Scene([canvas], list(questions(rng, written, colours, held_out)))


def _write(rng, canvas, written, colours, held_out: bool) -> bool:
    """Draws the lines one below another; whether they fit at a readable size."""
    band = canvas.height / len(written)
    angle = (rng.random() - 0.5) * 16 if len(written) == 1 and rng.random() < 0.5 else 0
    same = some_font(rng, held_out)
    for i, (line, colour) in enumerate(zip(written, colours)):
        path = same if rng.random() < 0.6 else some_font(rng, held_out)
        probe = font(path, 40)
        left, top, right, bottom = probe.getbbox(line)
        largest = min(0.94 * canvas.width / (right - left) * 40, 0.78 * band / (bottom - top) * 40, 110 * canvas.unit)
        smallest = 15 * canvas.unit
        if largest < smallest:
            return False
        size = int(smallest + (largest - smallest) * rng.random()**0.8)
        face = font(path, max(8, size))
        left, top, right, bottom = face.getbbox(line)
        mask = Image.new("L", (right - left + 4, bottom - top + 4))
        ImageDraw.Draw(mask).text((2 - left, 2 - top), line, font=face, fill=255)
        if angle:
            mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        free_x, free_y = canvas.width - mask.width, band - mask.height
        if free_x < 0 or free_y < 0:
            return False
        at = int(rng.random() * free_x), int(i * band + rng.random() * free_y)
        canvas.image.paste(near(rng, COLOURS[colour]), at, mask)
    return True


def questions(rng, written, colours, held_out: bool):

    def q(kind, **words):
        return ask(rng, kind, held_out, **words)

    if len(written) == 1:
        line, = written
        word = line.isalpha()
        yield ("word" if word else "number"), q("read word" if word else "read number"), letters(line)
        yield "text colour", q("text colour"), colours[0]
        yield "describe", q("describe"), f"The {'word' if word else 'number'} {letters(line)}."
        if word:
            yield "letters", q("count letters"), str(len(line))
            yield "letters", q("first letter"), letters(line[0])
        return
    yield "lines", q("count lines"), str(len(written))
    yield "several lines", q("read all"), letters(" ".join(written))
    places = list(ORDINALS[:len(written)])
    for i, line in enumerate(written):
        place = places[i]
        if i == 0 and rng.random() < 0.4:
            place = "top"
        elif i == len(written) - 1 and rng.random() < 0.5:
            place = pick(rng, ("bottom", "last"))
        yield "several lines", q("read line", p=place), letters(line)
        if colours.count(colours[i]) == 1:
            yield "several lines", q("read coloured", c=colours[i]), letters(line)


def two_words(rng, held_out: bool) -> Scene:
    """A word in each of two pictures."""
    while True:
        canvases = [Canvas(rng, held_out, smallest=96, largest=260, aspect=2.2) for _ in range(2)]
        words = [a_word(rng, held_out) for _ in range(2)]
        colours = [clear_of(rng, canvas.backgrounds, 120) for canvas in canvases]
        if all(
                _write(rng, canvas, [word], [colour], held_out)
                for canvas, word, colour in zip(canvases, words, colours)):
            break
    asked = [("two pictures", ask(rng, "read picture", held_out, n=n), letters(word))
             for n, word in zip(("first", "second"), words)]
    return Scene(canvases, asked)
