"""The corpus: chats drawn from all topics, in training form or as the held-out questions.

One idea: a chat is drawn, not stored. A seed gives the same stream anywhere; what is held out is decided by the talks'
keys (talk.py), so the stream may be as long as the training wants.

    python3 tools/train/corpus.py --commands .carry/commands.tsv --heldout tests/embedded/heldout.json
    python3 tools/train/corpus.py --commands .carry/commands.tsv --show 20
"""

import argparse
import bisect
import itertools
import json
import pathlib
import random
from typing import NamedTuple

from talk import Talk, held_out, plain
from topics import (about_troika, arithmetic, calendar, capitals, comparing, conversations, counting, echo,
                    everyday, json_objects,
                    letters, refusals, shell_commands, units)
from words import NAMES, pick

DEFAULT_SYSTEM = "You are Troika, a small helpful assistant."
SYSTEMS = ["You are a helpful assistant.", "You are a friendly assistant.", "Answer briefly.", "Be brief.",
           "You are a helpful, honest assistant.",
           "Be polite.", "You help people with their computer.", "You are a small language model.",
           "Answer the user's questions.", "", ""]
MODULES = (about_troika, arithmetic, calendar, capitals, comparing, conversations, counting, echo, everyday,
           json_objects, letters,
           refusals, units)


class Chat(NamedTuple):
    system: str | None  # None: no system message at all
    turns: tuple  # of (question, answer); the answers may carry the marks of talk.letters


class Corpus:
    def __init__(self, commands: str, held_out_questions: int = 200):
        topics = list(shell_commands.topics(commands))
        for module in MODULES:
            topics.extend(module.TOPICS)
        self.draws = [draw for draw, _ in topics]
        self.weights = list(itertools.accumulate(weight for _, weight in topics))
        self.held_out = self._hold_out(held_out_questions)
        self._held_out_chats = {(chat.system, tuple(q for q, _ in chat.turns)) for _, chat in self.held_out}
        self._held_out_questions = {chat.turns[0][0] for _,
                                    chat in self.held_out if len(chat.turns) == 1 and chat.system is None}

    def _hold_out(self, wanted: int) -> list[tuple[str, Chat]]:
        """The held-out questions, the same number of every topic, as (topic, chat)."""
        rng = random.Random(20240817)
        chosen: list[tuple[str, Chat]] = []
        seen = set()
        for draw in itertools.cycle(self.draws):
            if len(chosen) == wanted:
                return chosen
            while True:
                talk = draw(rng)
                if talk.fit and held_out(talk) and talk.turns not in seen:
                    break
            seen.add(talk.turns)
            chosen.append((talk.topic, Chat(talk.system, talk.turns)))

    def is_held_out(self, chat: Chat) -> bool:
        return ((chat.system, tuple(q for q, _ in chat.turns)) in self._held_out_chats
                or any(q in self._held_out_questions for q, _ in chat.turns))

    def talk(self, rng) -> Talk:
        while True:
            draw = self.draws[bisect.bisect(self.weights, rng.random() * self.weights[-1])]
            talk = draw(rng)
            # A common greeting is no question to hold out, and too common to miss.
            if not held_out(talk) or (talk.topic == "greetings" and not talk.fit):
                return talk

    def _system(self, rng, talk: Talk) -> str | None:
        if talk.system is not None:
            return talk.system
        dice = rng.random()
        return DEFAULT_SYSTEM if dice < 0.7 else None if dice < 0.78 else pick(rng, SYSTEMS)

    def short(self, rng) -> Chat:
        """One talk, or a few of them in a row."""
        first = self.talk(rng)
        system, turns = self._system(rng, first), list(first.turns)
        if first.joins and rng.random() < 0.3:
            for _ in range(1 + int(rng.random() * 3)):
                more = self.talk(rng)
                if more.joins:
                    turns.extend(more.turns)
        return Chat(system, (turns[0], *((casual(rng, question), answer) for question, answer in turns[1:])))

    def follow_up(self, rng) -> Chat:
        """A chat with later questions that lean on the earlier ones; one in four is any short chat."""
        if rng.random() < 0.25:
            return self.short(rng)
        while True:
            talk = self.talk(rng)
            if len(talk.turns) > 1 and talk.joins:
                later = ((casual(rng, question), answer) for question, answer in talk.turns[1:])
                return Chat(self._system(rng, talk), (talk.turns[0], *later))

    def long(self, rng) -> Chat:
        """Many talks in one chat, often with a name that is told early and asked for late."""
        system = pick(rng, (DEFAULT_SYSTEM, DEFAULT_SYSTEM, DEFAULT_SYSTEM, None,
                            "You are a helpful assistant."))
        talks = []
        for _ in range(4 + int(rng.random() * 50)):
            talk = self.talk(rng)
            if talk.joins and talk.topic not in ("refusals", "greetings"):
                talks.append(talk.turns)
        if rng.random() < 0.7 and len(talks) > 2:
            tell, reply, ask, answer, _ = conversations._TOLD["name"]
            name = pick(rng, NAMES)
            told = int(rng.random() * (len(talks) - 1))
            asked = told + 1 + int(rng.random() * (len(talks) - told))
            talks.insert(asked, ((pick(rng, ask), answer.format(x=name)),))
            talks.insert(told, ((pick(rng, tell).format(x=name), reply.format(x=name)),))
        return Chat(system, tuple(turn for turns in talks for turn in turns))

    def stream(self, rng, draw):
        """Chats without end, none of them held out."""
        while True:
            chat = draw(rng)
            if not self.is_held_out(chat):
                yield chat


def casual(rng, question: str) -> str:
    """A later question of a chat as it is often typed: small first letter, no mark at the end."""
    if rng.random() < 0.3 and question[0].isupper() and (question[1:2].islower() or question[1:2] == " "):
        question = question[0].lower() + question[1:]
    if rng.random() < 0.1 and question[-1] in "?." and len(question) > 3:
        question = question[:-1]
    return question


def render_question(system: str | None, question: str, first: bool) -> str:
    """The text from the last answer's end to where the next answer begins."""
    head = "" if not first else "" if system is None else f"<|im_start|>system\n{system}<|im_end|>\n"
    return f"{head if first else chr(10)}<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def as_messages(chat: Chat) -> tuple[list[dict], str]:
    """The chat as API messages that end with the last question, and the answer expected to it."""
    messages = [] if chat.system is None else [{"role": "system", "content": chat.system}]
    for question, answer in chat.turns:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": plain(answer)}]
    return messages[:-1], messages[-1]["content"]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--commands", required=True, help="the TSV that commands.py makes")
    options.add_argument("--heldout", help="write the held-out questions to this file")
    options.add_argument("--show", type=int, default=0, help="print so many chats of the training stream")
    chosen = options.parse_args()
    corpus = Corpus(chosen.commands)
    if chosen.heldout:
        rows = []
        for topic, chat in corpus.held_out:
            messages, answer = as_messages(chat)
            rows.append(json.dumps({"topic": topic, "messages": messages, "answer": answer},
                                   ensure_ascii=False))
        pathlib.Path(chosen.heldout).write_text("[\n" + ",\n".join(rows) + "\n]\n")
    for chat in itertools.islice(corpus.stream(random.Random(1), corpus.short), chosen.show):
        print(json.dumps({"system": chat.system, "turns": [(q, plain(a)) for q, a in chat.turns]},
                         ensure_ascii=False))


if __name__ == "__main__":
    main()
