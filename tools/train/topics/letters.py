"""Games with the letters of a word: spelling, reversing, length, first, last and n-th letter, counting one letter.

One idea: an answer that needs all letters spells the word first (c-a-t), so that the rest of it is copying.
"""

from talk import Talk, letters, wording
from words import NAMES, WORDS, invented, pick

from topics.capitals import COUNTRIES

_SPELL = ["How do you spell {w}?", "Spell the word {w}.", "Spell {w}.", "Please spell {w}.",
          "Can you spell {w}?", "How is {w} spelled?",
          "Spell out the word {w}.", "Spell out {w}.", "What are the letters of {w}?",
          "Write {w} letter by letter."]
_REVERSE = ["Reverse the word {w}.", "Write {w} backwards.", "What is {w} backwards?", "Spell {w} backwards.",
            "Reverse {w}.",
            "What is the word {w} spelled backwards?", "Turn the word {w} around.",
            "What do you get when you reverse {w}?"]
_FIRST = ["What is the first letter of {w}?", "What letter does {w} start with?", "First letter of {w}?",
          "Which letter does {w} begin with?",
          "What does the word {w} start with?"]
_LAST = ["What is the last letter of {w}?", "What letter does {w} end with?", "Last letter of {w}?",
         "Which letter does {w} end in?",
         "What does the word {w} end with?"]
_LENGTH = ["How many letters are in {w}?", "How many letters does {w} have?", "How long is the word {w}?",
           "What is the length of {w}?",
           "Count the letters of {w}.", "How many letters does the word {w} have?"]
_NTH = ["What is the {n} letter of {w}?", "Which letter is the {n} in {w}?",
        "What is letter number {d} of {w}?", "Name the {n} letter of {w}."]
_COUNT = ["How many times does {c} occur in {w}?", "How many {c}'s are in {w}?",
          "How often is the letter {c} in {w}?",
          "Count the letter {c} in {w}.", "How many letters {c} are in the word {w}?",
          "How many {c}s are in {w}?", "How many {c} are in {w}?", "How many {c}'s in {w}?"]
_UPPER = ["Write {w} in upper case.", "Write {w} in capital letters.", "Make {w} upper case.",
          "Put {w} in capitals."]
_LOWER = ["Write {w} in lower case.", "Write {w} in small letters.", "Make {w} lower case."]

ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_PLACES = [country for country, _ in COUNTRIES if country.isalpha()] + [city for _,
                                                            city in COUNTRIES if city.isalpha() and city.isascii()]


def word_of(rng) -> tuple[str, bool]:
    """A word, and whether it may serve as a held-out one."""
    dice = rng.random()
    if dice < 0.66:
        return pick(rng, WORDS), True
    if dice < 0.88:
        return invented(rng)[:12], False
    return (pick(rng, NAMES) if dice < 0.94 else pick(rng, _PLACES)), False


def quoted(rng, word: str) -> str:
    dice = rng.random()
    if dice < 0.55:
        return word
    return f'"{word}"' if dice < 0.85 else f"'{word}'"


def spelled(word: str) -> str:
    return "-".join(word)


def game(rng, name: str, questions, answer, **fields) -> Talk:
    word, fit = word_of(rng)
    if name == "upper" and word[0].isupper():
        word = word.lower()
    question = pick(rng, questions).format(w=quoted(rng, word), **fields)
    topic = {"spell": "spelling", "reverse": "reversing", "upper": "writing", "lower": "writing"}.get(name,
                                                            "letters")
    return Talk(topic, ((wording(rng, question), answer(word)),), f"{name} {word}", fit=fit)


def spelling(rng) -> Talk:
    return game(rng, "spell", _SPELL, spelled)


def backwards(word: str) -> str:
    return f"{spelled(word)} backwards is {letters(word[::-1])}."


def reversing(rng) -> Talk:
    return game(rng, "reverse", _REVERSE, backwards)


def length_answer(word: str) -> str:
    return f"{spelled(word)}: {len(word)} letters."


def single_letter(rng) -> Talk:
    dice = rng.random()
    if dice < 0.22:
        return game(rng, "first", _FIRST, lambda w: f"The first letter is {letters(w[0])}.")
    if dice < 0.44:
        return game(rng, "last", _LAST, lambda w: f"The last letter is {letters(w[-1])}.")
    if dice < 0.7:
        return game(rng, "length", _LENGTH, length_answer)
    word, fit = word_of(rng)
    if dice < 0.85:
        i = int(rng.random() * min(len(word), 10))
        question = pick(rng, _NTH).format(n=ORDINALS[i], d=i + 1, w=quoted(rng, word))
        answer = f"{spelled(word)}: the {ORDINALS[i]} letter is {letters(word[i])}."
        return Talk("letters", ((wording(rng, question), answer),), f"nth {word}", fit=fit)
    letter = pick(rng, word).lower() if rng.random() < 0.8 else pick(rng, "aeinorst")
    times = word.lower().count(letter)
    question = pick(rng, _COUNT).format(c=letter, w=quoted(rng, word))
    answer = f"{spelled(word)}: {letter} occurs {times} time{'' if times == 1 else 's'}."
    return Talk("letters", ((wording(rng, question), answer),), f"count {word}", fit=fit)


def case(rng) -> Talk:
    if rng.random() < 0.7:
        return game(rng, "upper", _UPPER, lambda w: letters(w.upper()))
    word, fit = word_of(rng)
    shown = word.upper() if rng.random() < 0.7 else word.capitalize()
    question = pick(rng, _LOWER).format(w=quoted(rng, shown))
    return Talk("writing", ((wording(rng, question), letters(word.lower())),), f"lower {word}", fit=fit)


TOPICS = ((spelling, 7), (reversing, 9), (single_letter, 9), (case, 3))
