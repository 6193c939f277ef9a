"""The model's own tokenizer (as the text model's, smaller, with the marks for pictures), and chats to tokens.

One idea: what is read from a picture is learned one letter a token, so that any word can be spelled out.
"""

import random
import re

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from talk import LETTERS_OFF, LETTERS_ON, plain
from tokenizer import QWEN2_PATTERN, STRICT_PATTERN, split_by
from vl import chats, scene_text
from vl.palette import COLOURS, PLURALS, SHAPES
from vl.scene_charts import DAYS, MONTHS
from vl.wording import PHRASES, ask, casual
from words import NAMES, WORDS, pick

VOCABULARY = 2048
START, END, FILLER = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
VISION_START, VISION_END, IMAGE, VIDEO = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
SPECIAL = (FILLER, START, END, VISION_START, VISION_END, IMAGE, VIDEO)
_MARKED = re.compile(f"({LETTERS_ON}[^{LETTERS_OFF}]*{LETTERS_OFF})")


def _texts(seed: int):
    rng = random.Random(seed)
    for _ in range(40_000):
        shape, colour = pick(rng, SHAPES), pick(rng, tuple(COLOURS))
        yield casual(
            rng,
            ask(rng,
                pick(rng, list(PHRASES)),
                held_out=True,
                s=PLURALS[shape],
                c=colour,
                x=f"{colour} {shape}",
                y=f"{pick(rng, tuple(COLOURS))} {pick(rng, SHAPES)}",
                p=pick(rng, ("top left", "bottom right", *scene_text.ORDINALS)),
                n=pick(rng, ("first", "second"))))
        yield f"A {colour} {shape} and two {colour} {PLURALS[shape]}."
    for _ in range(3000):
        for _, question, answer in (*chats.chat(rng, False).questions, chats.about_picture(rng)):
            yield question
            yield plain(answer)
    for text in (chats.SYSTEM, *MONTHS, *DAYS, "system user assistant"):
        yield from [text] * 500
    for word in (*WORDS, *NAMES):  # fills the vocabulary with pieces of common words
        yield from [word, " " + word]


def train_tokenizer(seed: int = 1) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split_by(STRICT_PATTERN)
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(SPECIAL),
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    tokenizer.train_from_iterator(_texts(seed), trainer)
    tokenizer.pre_tokenizer = split_by(QWEN2_PATTERN)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    assert tokenizer.get_vocab_size() == VOCABULARY, f"{tokenizer.get_vocab_size()} tokens instead of {VOCABULARY}"
    return tokenizer


class Encoder:

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.id = tokenizer.token_to_id
        self._known: dict[str, list[int]] = {}

    def text(self, text: str) -> list[int]:
        """Tokens of a text without special tokens; a marked part goes letter by letter."""
        if text not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            ids = []
            for part in _MARKED.split(text):
                pieces = part.strip(LETTERS_ON + LETTERS_OFF) if part.startswith(LETTERS_ON) else [part]
                for piece in pieces:
                    ids += self.tokenizer.encode(piece, add_special_tokens=False).ids if piece else []
            self._known[text] = ids
        return self._known[text]

    def chat(self, sample, cells: list[tuple[int, int]]):
        """(tokens, positions [3][n], [(first, count) of the tokens to learn, by turn], places of the image tokens).
        `cells`: rows and columns of merged cells of each picture."""
        ids, starts = [], []
        end, start, newline = self.id(END), self.id(START), self.text("\n")

        def head(role):
            return [start, *self.text(role), *newline]

        if sample.system is not None:
            ids += head("system") + self.text(sample.system) + [end] + newline
        learned = []
        for i, turn in enumerate(sample.turns):
            ids += head("user")
            question, joint = self.text(turn.question), self.text(sample.joint)
            shown = cells if i == 0 else []  # all pictures belong to the first question
            if shown and not sample.pictures_first:
                ids += question + joint
            for rows, cols in shown:
                ids.append(self.id(VISION_START))
                starts.append(len(ids))
                ids += [self.id(IMAGE)] * (rows * cols) + [self.id(VISION_END)]
            if not shown:
                ids += question
            elif sample.pictures_first:
                ids += joint + question
            ids += [end, *newline, *head("assistant")]
            answer = self.text(turn.answer) + [end]
            learned.append((len(ids), len(answer)))
            ids += answer + newline
        return ids, positions(len(ids), starts, cells), learned, starts


def positions(length: int, starts: list[int], cells) -> np.ndarray:
    """[3, length] of M-RoPE positions: time, row, column. After a picture the text goes on behind its longer side."""
    out = np.empty((3, length), np.int32)
    at, position = 0, 0
    for start, (rows, cols) in zip(starts, cells):
        out[:, at:start] = np.arange(position, position + start - at)
        position += start - at
        count = rows * cols
        out[0, start:start + count] = position
        out[1, start:start + count] = position + np.arange(count) // cols
        out[2, start:start + count] = position + np.arange(count) % cols
        at, position = start + count, position + max(rows, cols)
    out[:, at:] = np.arange(position, position + length - at)
    return out
