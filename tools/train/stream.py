"""Processes that write training rows without end, and the pool from which the trainer takes its batches.

One idea: the GPU never waits. Fresh rows come when they are ready; when they are late, older rows are shown once more.
"""

import multiprocessing
import queue
import random

import numpy as np
from tokenizers import Tokenizer

import words
from corpus import Corpus
from packing import Encoder, pack

CHATS_A_SHARE = 3000  # short chats that a process writes at once
LONG_CHATS_A_SHARE = 160


def spellable(tokenizer) -> set[str]:
    """The pieces of words in small letters among the tokens, without the space that may begin them."""
    pieces = {token.removeprefix("\u0120") for token in tokenizer.get_vocab()}
    return {piece for piece in pieces if len(piece) > 1 and piece.isascii() and piece.isalpha() and piece.islower()}


def write_rows(commands: str, tokenizer_path: str, seed: int, width: int, long_width: int, short_queue,
               long_queue, long_every: int, draw: str):
    """A process's work: shares of short rows, and now and then one of long rows."""
    corpus = Corpus(commands)
    tokenizer = Tokenizer.from_file(tokenizer_path)
    encoder = Encoder(tokenizer)
    words.PIECES.extend(sorted(spellable(tokenizer)))
    filler = tokenizer.token_to_id("<|endoftext|>")
    rng = random.Random(seed)
    short, long = corpus.stream(rng, getattr(corpus, draw)), corpus.stream(rng, corpus.long)
    turn = 0
    while True:
        turn += 1
        if turn % long_every == 1:
            chats = [next(long) for _ in range(LONG_CHATS_A_SHARE)]
        else:
            chats = [next(short) for _ in range(CHATS_A_SHARE)]
        assert not any(map(corpus.is_held_out, chats)), "a held-out chat got into the training stream"
        if turn % long_every == 1:
            long_queue.put(pack(encoder.encode(chats, rng), long_width, filler))
        else:
            short_queue.put(pack(encoder.encode(chats, rng), width, filler))


class Pool:
    """Batches from a queue of shares; keeps the last `keep` rows to draw from again when the queue is empty."""

    def __init__(self, source, rows: int, keep: int, seed: int):
        self.source, self.rows, self.keep = source, rows, keep
        self.rng = np.random.default_rng(seed)
        self.parts = None  # arrays [rows, width], the newest last
        self.fresh = 0  # rows at the end that were not shown yet
        self.repeated = 0
        self.shown = 0

    def _take(self, wait: bool) -> bool:
        try:
            share = self.source.get(timeout=120) if wait else self.source.get_nowait()
        except queue.Empty:
            return False
        order = self.rng.permutation(len(share[0]))
        share = [part[order] for part in share]
        self.parts = share if self.parts is None else [np.concatenate([old, new])[-self.keep:] for old,
                                                       new in zip(self.parts, share)]
        self.fresh = min(self.fresh + len(share[0]), self.keep)
        return True

    def batch(self):
        """Arrays [rows, width] of tokens, learned and numbers."""
        while self.fresh < self.rows:
            if not self._take(wait=self.parts is None or len(self.parts[0]) < self.rows):
                break
        total = len(self.parts[0])
        self.shown += self.rows
        if self.fresh >= self.rows:
            at = np.arange(total - self.fresh, total - self.fresh + self.rows)
            self.fresh -= self.rows
        else:
            self.repeated += self.rows
            at = self.rng.choice(total, self.rows, replace=False)
        return [part[at] for part in self.parts]


def start(commands: str, tokenizer_path: str, seed: int, width: int, long_width: int, processes: int,
          long_every: int, draw: str):
    """Starts the processes; returns the queues of short and of long rows and the processes."""
    context = multiprocessing.get_context("spawn")
    short_queue, long_queue = context.Queue(maxsize=4 * processes), context.Queue(maxsize=4 * processes)
    workers = [context.Process(target=write_rows, daemon=True,
                               args=(commands, tokenizer_path, seed * 1000 + i, width, long_width,
                                     short_queue, long_queue, long_every, draw))
               for i in range(processes)]
    for worker in workers:
        worker.start()
    return short_queue, long_queue, workers
