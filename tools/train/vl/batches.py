"""Packs samples into batches of a fixed size, and the processes that write them to files for the trainer.

One idea: a batch is one flat row of patches and one flat row of tokens, with the boundaries of windows, pictures and
chats beside them. Nothing is padded but the end, and every batch has the same shape, so one compiled step serves all.
"""

import multiprocessing
import os
import pathlib
import random
import time
from typing import NamedTuple

import numpy as np
from PIL.Image import Resampling
from tokenizers import Tokenizer

from vl import pictures, preprocess, scene_text
from vl.tokens import FILLER, Encoder

BYTES = 3 * preprocess.PATCH**2
LONGEST_PICTURE, LONGEST_CHAT, WINDOW_PATCHES = 600, 640, 64


class Shape(NamedTuple):
    """How much a batch holds."""
    patches: int = 45_056
    tokens: int = 25_600

    def fields(self):
        """name -> (dtype, shape), in file order."""
        return {
            "patches": (np.uint8, (self.patches, BYTES)), "places": (np.int32, (self.patches, 2)),
            "window_ends": (np.int32, (self.patches // 24 + 1, )),
            "picture_ends": (np.int32, (self.patches // 48 + 1, )), "cell_tokens": (np.int32, (self.patches // 4, )),
            "tokens": (np.int32, (self.tokens, )), "positions": (np.int32, (3, self.tokens)),
            "chat_ends": (np.int32, (self.tokens // 64 + 1, )), "label_places": (np.int32, (self.tokens // 6, )),
            "labels": (np.int32, (self.tokens // 6, )), "label_turns": (np.int32, (self.tokens // 6, ))
        }

    def empty(self) -> dict[str, np.ndarray]:
        return {name: np.zeros(shape, kind) for name, (kind, shape) in self.fields().items()}

    def parts(self):
        """(name, its bytes in a file, kind, shape)."""
        at = 0
        for name, (kind, shape) in self.fields().items():
            size = int(np.prod(shape)) * np.dtype(kind).itemsize
            yield name, slice(at, at + size), kind, shape
            at += size


class Packer:
    """Takes samples until one does not fit; `turns` lists (task, sample number) of every answer."""

    def __init__(self, shape: Shape, encoder: Encoder):
        self.shape, self.encoder = shape, encoder
        self.arrays = shape.empty()
        self.turns: list[tuple[str, int]] = []
        self.patches = self.tokens = self.labels = self.windows = self.pictures = self.chats = self.samples = 0

    def add(self, sample, resample=Resampling.BICUBIC) -> bool:
        """False: there is no room for it."""
        parts = [preprocess.patches(picture, resample) for picture in sample.pictures]
        ids, positions, learned, starts = self.encoder.chat(sample, [(rows, cols) for _, rows, cols in parts])
        a = self.arrays
        windows = sum(len(preprocess.window_order(rows, cols)[1]) for _, rows, cols in parts)
        answers = sum(count for _, count in learned)
        assert len(ids) <= LONGEST_CHAT, f"a chat has {len(ids)} tokens, at most {LONGEST_CHAT} are planned"
        # The last cell's token and the last label's place stay free: the padding points there.
        if (self.patches + sum(len(part) for part, _, _ in parts) > self.shape.patches
                or self.tokens + len(ids) >= self.shape.tokens or self.labels + answers > len(a["labels"])
                or self.windows + windows + 1 + self._spare_windows() > len(a["window_ends"]) - 1
                or self.pictures + len(parts) + 1 + self._spare_windows() > len(a["picture_ends"]) - 1
                or self.chats + 2 + self._spare_chats() > len(a["chat_ends"]) - 1):
            return False
        for (part, rows, cols), start in zip(parts, starts):
            order, sizes = preprocess.window_order(rows, cols)
            stop = self.patches + len(part)
            a["patches"][self.patches:stop] = part
            a["places"][self.patches:stop] = preprocess.patch_places(rows, cols)
            a["cell_tokens"][self.patches // 4:stop // 4] = self.tokens + start + order
            a["window_ends"][self.windows + 1:self.windows + 1 + len(sizes)] = self.patches + 4 * np.cumsum(sizes)
            self.windows += len(sizes)
            self.pictures += 1
            a["picture_ends"][self.pictures] = stop
            self.patches = stop
        a["tokens"][self.tokens:self.tokens + len(ids)] = ids
        a["positions"][:, self.tokens:self.tokens + len(ids)] = positions
        for turn, (first, count) in zip(sample.turns, learned):
            stop = self.labels + count
            a["label_places"][self.labels:stop] = self.tokens + np.arange(first - 1, first - 1 + count)
            a["labels"][self.labels:stop] = ids[first:first + count]
            a["label_turns"][self.labels:stop] = len(self.turns)
            self.turns.append((turn.task, self.samples))
            self.labels = stop
        self.tokens += len(ids)
        self.chats += 1
        self.samples += 1
        a["chat_ends"][self.chats] = self.tokens
        return True

    def _spare_windows(self) -> int:
        return -(-(self.shape.patches - self.patches) // WINDOW_PATCHES)

    def _spare_chats(self) -> int:
        return -(-(self.shape.tokens - self.tokens) // LONGEST_CHAT)

    def finish(self) -> dict[str, np.ndarray]:
        """The rest is filled: patches and tokens in windows and chats of their own, labels that do not count."""
        a = self.arrays
        rows = (("window_ends", self.windows, self.shape.patches, WINDOW_PATCHES),
                ("picture_ends", self.pictures, self.shape.patches, WINDOW_PATCHES),
                ("chat_ends", self.chats, self.shape.tokens, LONGEST_CHAT))
        for name, done, total, chunk in rows:
            last = a[name][done]
            ends = last + chunk * np.arange(1, len(a[name]) - done)
            a[name][done + 1:] = np.minimum(ends, total)
            assert a[name][-1] == total, f"{name} has no room for the padding"
        a["cell_tokens"][self.patches // 4:] = self.shape.tokens - 1
        a["tokens"][self.tokens:] = self.encoder.id(FILLER)
        a["labels"][self.labels:] = -100
        a["label_turns"][self.labels:] = -1
        return a


def batches(shape: Shape, encoder: Encoder, rng, draw, varied: bool = True):
    """(arrays, turns) without end. `varied`: now and then another resizing, as readers of files differ."""
    waiting = None
    while True:
        packer = Packer(shape, encoder)
        while True:
            if waiting is None:
                dice = rng.random() if varied else 0
                way = Resampling.BICUBIC if dice < 0.75 else Resampling.BILINEAR if dice < 0.93 else Resampling.HAMMING
                waiting = draw(rng), way
            if not packer.add(*waiting):
                break
            waiting = None
        yield packer.finish(), packer.turns


def _write(shape: Shape, tokenizer_path: str, fonts: str, seed: int, folder: str, most: int) -> None:
    """A process's work: batch files without end, at most `most` waiting."""
    scene_text.use_fonts(fonts)
    encoder = Encoder(Tokenizer.from_file(tokenizer_path))
    place = pathlib.Path(folder)
    for number, (arrays, _) in enumerate(batches(shape, encoder, random.Random(seed), pictures.sample)):
        while len(os.listdir(folder)) > most:
            time.sleep(0.05)
        partial = place / f"{seed}-{number}.part"
        with open(partial, "wb") as file:
            for array in arrays.values():
                array.tofile(file)
        partial.rename(partial.with_suffix(".batch"))


def start(shape: Shape, tokenizer_path: str, fonts: str, seed: int, processes: int, folder: pathlib.Path, most: int):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_write,
                        daemon=True,
                        args=(shape, tokenizer_path, fonts, seed * 1000 + i, str(folder), most))
        for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    return workers
