"""Writes the held-out pictures and questions that the tests ask.

One idea: the questions are drawn blindly, so many of each task, from the held-out stream of vl/pictures.py with a seed
that neither training nor its scoring uses; no answer of any model has a say in which are kept.

    python3 tools/train/heldout_vl.py --fonts .carry/fonts --into tests/embedded
"""

import argparse
import io
import json
import pathlib
import random

from talk import plain
from vl import chats, pictures, scene_text
from words import pick

SEED = 2026
WANTED = {
    "count": 18, "colour": 10, "shape": 10, "presence": 8, "relation": 10, "extreme": 10, "size": 8, "place": 10,
    "background": 6, "describe": 10, "word": 18, "number": 14, "several lines": 14, "text colour": 8, "letters": 6,
    "lines": 4, "bars": 12, "bar value": 8, "two pictures": 12, "unanswerable": 4
}
LARGEST_PNG = 30_000  # bytes; a noisy picture is stored as JPEG


def encoded(rng, image) -> tuple[bytes, str]:
    """The file's bytes and ending, in the varieties that cameras and programs write."""
    data = io.BytesIO()
    if rng.random() < 0.5:
        kind = pick(rng, ("RGB", "RGB", "RGBA", "P"))
        # A palette only where it loses nothing.
        few = image.getcolors(256) is not None
        image.convert(kind if kind != "P" or few else "RGB").save(data, "PNG", optimize=True)
        if len(data.getvalue()) <= LARGEST_PNG:
            return data.getvalue(), "png"
        data = io.BytesIO()
    image.save(data,
               "JPEG",
               quality=60 + int(rng.random() * 36),
               progressive=rng.random() < 0.25,
               subsampling=pick(rng, ("4:2:0", "4:2:0", "4:4:4")))
    return data.getvalue(), "jpg"


def drawn(rng, wanted: dict[str, int]):
    """(task, images, question, answer), as many of each task as wanted."""
    left = dict(wanted)
    while any(left.values()):
        made = pictures.scene(rng, held_out=True)
        if not made.canvases:
            continue
        fit = [entry for entry in made.questions if left.get(entry[0], 0)]
        if left.get("unanswerable") and rng.random() < 0.05:
            fit = [("unanswerable", pick(rng, chats.UNSEEN).format(n="Ada"), chats.BEYOND_PICTURE)]
        if fit:
            task, question, answer = pick(rng, fit)
            left[task] -= 1
            yield task, [canvas.image for canvas in made.canvases], question, plain(answer)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--fonts", required=True)
    options.add_argument("--into", type=pathlib.Path, required=True, help="gets heldout-pictures.json and pictures/")
    chosen = options.parse_args()
    scene_text.use_fonts(chosen.fonts)
    folder = chosen.into / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    rng, rows, total = random.Random(SEED), [], 0
    for number, (task, images, question, answer) in enumerate(drawn(rng, WANTED), 1):
        names = []
        for which, image in zip("ab", images):
            data, ending = encoded(rng, image)
            names.append(f"pictures/{number:03}{which if len(images) > 1 else ''}.{ending}")
            (chosen.into / names[-1]).write_bytes(data)
            total += len(data)
        rows.append(
            json.dumps({"task": task, "pictures": names, "question": question, "answers": [answer]},
                       ensure_ascii=False))
    (chosen.into / "heldout-pictures.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(len(rows), "questions,", total, "bytes of pictures")


if __name__ == "__main__":
    main()
