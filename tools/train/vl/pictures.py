"""The stream of samples: pictures, a system message, and turns of questions and answers about them.

One idea: a seed gives the same stream anywhere, in two kinds: for training, and held out (fonts, words, numbers, pairs
of colour and shape, sides and phrasings that training never uses appear there, mixed with familiar ones).

    python3 -m vl.pictures --fonts .carry/fonts --show 12 --into /tmp/pictures      (from tools/train)
"""

import argparse
import bisect
import itertools
import json
import pathlib
import random
from typing import NamedTuple

from PIL import Image

from talk import plain
from vl import chats, scene_charts, scene_shapes, scene_text
from vl.chats import SYSTEM
from vl.wording import casual
from words import pick

SCENES = ((scene_shapes.shapes, 34), (scene_shapes.one_shape, 5), (scene_text.text, 31), (scene_charts.chart, 15),
          (scene_shapes.pair, 7), (scene_text.two_words, 3), (chats.chat, 5))
_WEIGHTS = list(itertools.accumulate(weight for _, weight in SCENES))
SYSTEMS = ("You are a helpful assistant.", "You are a helpful assistant.", "Answer briefly.", "You look at pictures.",
           "Be brief.")


class Turn(NamedTuple):
    task: str
    question: str
    answer: str  # may carry the marks of talk.letters


class Sample(NamedTuple):
    pictures: list  # of PIL images, as read from a file
    system: str | None  # None: no system message
    turns: list[Turn]
    pictures_first: bool  # before the first question, or after it
    joint: str  # what stands between pictures and question


def scene(rng, held_out: bool):
    while True:
        draw = SCENES[bisect.bisect(_WEIGHTS, rng.random() * _WEIGHTS[-1])][0]
        made = draw(rng, held_out)
        if made.questions:
            return made


# Tasks that need more practice than one question in a scene.
OFTEN = {
    "word": 3, "number": 3, "several lines": 2, "bar value": 3, "count": 2, "letters": 0.4, "text colour": 0.5,
    "background": 0.5, "lines": 0.5, "describe": 0.8
}


def sample(rng) -> Sample:
    """One sample for training."""
    made = scene(rng, False)
    asked = sorted(made.questions, key=lambda entry: rng.random()**(1 / OFTEN.get(entry[0], 1)), reverse=True)
    wanted = 1 if rng.random() < 0.12 else 2 + int(rng.random() * 5)
    turns = [Turn(task, casual(rng, question), answer) for task, question, answer in asked[:wanted]]
    if made.canvases and rng.random() < 0.1:
        turns.insert(int(rng.random() * (len(turns) + 1)), Turn(*chats.about_picture(rng)))
    dice = rng.random()
    system = SYSTEM if dice < 0.8 else None if dice < 0.9 else pick(rng, SYSTEMS)
    return Sample([canvas.finished() for canvas in made.canvases], system, turns,
                  rng.random() < 0.85, "\n" if rng.random() < 0.2 else "")


def held_out_sample(rng) -> Sample:
    """One question of a scene, put plainly."""
    made = scene(rng, True)
    task, question, answer = pick(rng, made.questions)
    return Sample([canvas.finished() for canvas in made.canvases], SYSTEM, [Turn(task, question, answer)], True, "")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--fonts", required=True)
    options.add_argument("--show", type=int, default=12)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--held-out", action="store_true")
    options.add_argument("--into", type=pathlib.Path, required=True)
    chosen = options.parse_args()
    chosen.into.mkdir(parents=True, exist_ok=True)
    scene_text.use_fonts(chosen.fonts)
    rng = random.Random(chosen.seed)
    for i in range(chosen.show):
        made = held_out_sample(rng) if chosen.held_out else sample(rng)
        for k, picture in enumerate(made.pictures):
            picture.save(chosen.into / f"{i}-{k}.png")
        print(i, [picture.size for picture in made.pictures],
              json.dumps([(turn.task, turn.question, plain(turn.answer)) for turn in made.turns]))
    _sheet(chosen.into)


def _sheet(folder: pathlib.Path) -> None:
    """All of the folder's pictures on one."""
    paths = sorted(folder.glob("[0-9]*.png"), key=lambda path: [int(part) for part in path.stem.split("-")])
    sheet = Image.new("RGB", (6 * 300, 300 * -(-len(paths) // 6)), "grey")
    for i, path in enumerate(paths):
        picture = Image.open(path)
        picture.thumbnail((290, 290))
        sheet.paste(picture, (i % 6 * 300, i // 6 * 300))
    sheet.save(folder / "sheet.png")


if __name__ == "__main__":
    main()
