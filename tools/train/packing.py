"""Turns chats into rows of tokens for the trainer.

One idea: a row holds several whole chats side by side, each with its number, so that attention and positions can be
kept inside a chat. Only the tokens of the answers (and the token that ends them) are learned.
"""

import itertools

import numpy as np

from corpus import Chat, render_question
from talk import LETTERS_OFF, LETTERS_ON, plain


class Encoder:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.end = tokenizer.token_to_id("<|im_end|>")
        self.letter = {chr(code): tokenizer.token_to_id(chr(code)) for code in range(33, 127)}

    def answer(self, answer: str):
        """The pieces of an answer: what stands between the marks of talk.letters becomes one token a letter."""
        for i, part in enumerate(answer.replace(LETTERS_OFF, LETTERS_ON).split(LETTERS_ON)):
            if part:
                yield [self.letter[c] for c in part] if i % 2 else part

    def pieces(self, chat: Chat, rng):
        """The chat as (text or tokens, learned?). An earlier letter game is half of the time shown as a server would
        send it back, in ordinary tokens, and is not learned then."""
        for i, (question, answer) in enumerate(chat.turns):
            yield render_question(chat.system, question, i == 0), False
            if LETTERS_ON in answer and i + 1 < len(chat.turns) and rng.random() < 0.5:
                yield plain(answer), False
                yield [self.end], False
            else:
                for piece in self.answer(answer):
                    yield piece, True
                yield [self.end], True

    def encode(self, chats, rng) -> list[tuple[np.ndarray, np.ndarray]]:
        """(tokens, learned) of every chat."""
        pieces = [list(self.pieces(chat, rng)) for chat in chats]
        texts = [piece for chat in pieces for piece, _ in chat if isinstance(piece, str)]
        encoded = iter(self.tokenizer.encode_batch_fast(texts, add_special_tokens=False))
        out = []
        for chat in pieces:
            ids = [next(encoded).ids if isinstance(piece, str) else piece for piece, _ in chat]
            tokens = np.fromiter(itertools.chain.from_iterable(ids), np.uint16)
            learned = np.repeat([flag for _, flag in chat], [len(part) for part in ids])
            out.append((tokens, learned))
        return out


def pack(encoded, width: int, filler: int):
    """Rows of `width` tokens, filled first come, first served: tokens, learned and the chat's number in its row, all
    [rows, width]. A chat that is wider than a row is left out. Number 0 marks the padding."""
    rows: list[list] = []
    open_rows: list[tuple[list, int]] = []  # (row, tokens in it); only a few are kept open
    for tokens, learned in encoded:
        size = len(tokens)
        if size > width:
            continue
        for place, (row, used) in enumerate(open_rows):
            if used + size <= width:
                row.append((tokens, learned))
                open_rows[place] = (row, used + size)
                break
        else:
            row = [(tokens, learned)]
            rows.append(row)
            open_rows.append((row, size))
            if len(open_rows) > 24:
                open_rows.pop(max(range(len(open_rows)), key=lambda place: open_rows[place][1]))
    all_tokens = np.full((len(rows), width), filler, np.uint16)
    all_learned = np.zeros((len(rows), width), bool)
    number = np.zeros((len(rows), width), np.uint8)
    for r, row in enumerate(rows):
        at = 0
        for n, (tokens, learned) in enumerate(row, 1):
            all_tokens[r, at:at + len(tokens)] = tokens
            all_learned[r, at:at + len(tokens)] = learned
            number[r, at:at + len(tokens)] = n
            at += len(tokens)
    return all_tokens, all_learned, number
