"""A Talk (one short chat with its right answers), and the rules that keep some talks out of training.

One idea: every talk has a key that names what is asked (the word and the game, the two numbers, the fact and its
wording). A checksum of the key decides whether the talk is held out, so training and test can never share one, in
any order of generation, on any machine.
"""

import random
import zlib
from typing import NamedTuple

from words import pick

# Text between these two marks is encoded one character a token: the result of a letter game. Decoding hides it.
LETTERS_ON, LETTERS_OFF = "\x01", "\x02"
HELD_OUT_SHARE = 24  # one key in so many


class Talk(NamedTuple):
    topic: str
    turns: tuple  # of (question, answer)
    key: str
    system: str | None = None  # None: the default one, "": no system message
    fit: bool = True  # may serve as a held-out question
    joins: bool = True  # may stand among others in one long chat


def held_out(talk: Talk) -> bool:
    return zlib.crc32(talk.key.encode()) % HELD_OUT_SHARE == 0


def letters(text: str) -> str:
    return f"{LETTERS_ON}{text}{LETTERS_OFF}"


def plain(text: str) -> str:
    return text.replace(LETTERS_ON, "").replace(LETTERS_OFF, "")


_OPENINGS = ["Please tell me: ", "Tell me: ", "Hi! ", "Hello, ", "Hello! ", "Quick question: ",
             "Can you tell me: ", "Hey, ",
             "OK, ", "Now: ", "So, ", "Question: ", "Troika, ", "And ", "One more thing: ", "Next: ",
             "Please: "]
_CLOSINGS = [" Thanks!", " Thank you.", " Please.", " please", " Thanks", " I need to know."]


def wording(rng: random.Random, question: str, may_lower: bool = False) -> str:
    """The question as different people would type it. `may_lower`: its capital letters may get lost."""
    if "hat is " in question[:8] and rng.random() < 0.12:
        question = question.replace("hat is ", "hat's ", 1)
    if may_lower and rng.random() < 0.1:
        question = question.lower()
    dice = rng.random()
    if dice < 0.5:
        return question
    if dice < 0.68:
        opening = pick(rng, _OPENINGS)
        if opening[-2] in ",d" and not question[1:2].isupper() and not question.startswith(("I ", "Call ")):
            question = question[0].lower() + question[1:]
        question = opening + question
    elif dice < 0.76:
        question += pick(rng, _CLOSINGS)
    elif dice < 0.86 and not question[1:2].isupper():
        question = question[0].lower() + question[1:]
    if rng.random() < 0.2 and question[-1] in "?.":
        question = question[:-1]
    return question
