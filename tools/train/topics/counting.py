"""Counting up and down, in steps, what comes next, and how many things a list holds."""

from talk import Talk, wording
from words import ANIMALS, COLOURS, FOODS, NAMES, THINGS, pick

_UP = ["Count from {a} to {b}.", "Count up from {a} to {b}.", "List the numbers from {a} to {b}.",
       "Write the numbers from {a} to {b}.",
       "Please count from {a} to {b}."]
_DOWN = ["Count down from {b} to {a}.", "Count backwards from {b} to {a}.", "Count from {b} down to {a}."]
_STEPS = ["Count by {s} from {a} to {b}.", "Count from {a} to {b} in steps of {s}."]
_NEXT = ["What number comes after {a}?", "Which number follows {a}?", "What comes after {a}?",
         "What is the next number after {a}?"]
_BEFORE = ["What number comes before {a}?", "Which number is before {a}?", "What comes before {a}?"]
_LIST = ["How many things are in this list: {l}?", "How many items are in the list {l}?",
         "Count the words: {l}", "How many words are these: {l}?",
         "Count these: {l}."]
_FIRSTS = ["What is the first word of the list {l}?", "Which word is first: {l}?",
           "Name the first of these: {l}."]
_LASTS = ["What is the last word of the list {l}?", "Which word is last: {l}?",
          "Name the last of these: {l}."]


def things(rng, fewest: int, most: int) -> list[str]:
    group = pick(rng, (ANIMALS, COLOURS, FOODS, THINGS, NAMES))
    wanted = fewest + int(rng.random() * (most - fewest + 1))
    chosen: list[str] = []
    while len(chosen) < wanted:
        word = pick(rng, group)
        if word not in chosen:
            chosen.append(word)
    return chosen


def listed(rng, words: list[str]) -> str:
    if rng.random() < 0.5:
        return ", ".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]


def counting(rng) -> Talk:
    dice = rng.random()
    if dice < 0.4:
        a = int(rng.random() * pick(rng, (10, 100)))
        b = a + 3 + int(rng.random() * 10)
        numbers = list(range(a, b + 1))
        down = rng.random() < 0.4
        question = pick(rng, _DOWN if down else _UP).format(a=a, b=b)
        answer = ", ".join(map(str, reversed(numbers) if down else numbers))
        return Talk("counting", ((wording(rng, question), answer),), f"count {down} {a} {b}")
    if dice < 0.55:
        s = pick(rng, (2, 3, 5, 10))
        a = int(rng.random() * 20) if s < 5 else s * int(rng.random() * 8)
        b = a + s * (2 + int(rng.random() * 7))
        question = pick(rng, _STEPS).format(a=a, b=b, s=s)
        return Talk("counting", ((wording(rng, question), ", ".join(map(str, range(a, b + 1, s)))),),
                    f"steps {a} {b} {s}")
    if dice < 0.7:
        a = 1 + int(rng.random() * pick(rng, (100, 1000)))
        before = rng.random() < 0.4
        question = pick(rng, _BEFORE if before else _NEXT).format(a=a)
        answer = f"{a - 1} comes before {a}." if before else f"{a + 1} comes after {a}."
        return Talk("counting", ((wording(rng, question), answer),), f"next {before} {a}")
    words = things(rng, 2, 8)
    if dice < 0.88:
        joined = ", ".join(words) if rng.random() < 0.7 else " ".join(words)
        if " " in joined and "," not in joined:
            question = pick(rng, ("How many words are these: {l}?", "Count the words: {l}",
                                  "How many words: {l}")).format(l=joined)
        else:
            question = pick(rng, _LIST).format(l=joined)
        numbered = ", ".join(f"{i} {word}" for i, word in enumerate(words, 1))
        return Talk("counting", ((question, f"{numbered}: {len(words)} in all."),),
                    f"things {' '.join(words)}")
    last = rng.random() < 0.5
    question = pick(rng, _LASTS if last else _FIRSTS).format(l=listed(rng, words))
    return Talk("counting", ((wording(rng, question), words[-1 if last else 0]),),
                f"ends {last} {' '.join(words)}")


TOPICS = ((counting, 8),)
