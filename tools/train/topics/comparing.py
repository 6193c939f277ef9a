"""Larger and smaller, even and odd, putting numbers and words in order."""

from talk import Talk, wording
from words import WORDS, pick

_LARGER = ["Which is larger, {a} or {b}?", "Which number is larger: {a} or {b}?",
           "Which is bigger, {a} or {b}?", "What is larger, {a} or {b}?",
           "Which is greater, {a} or {b}?"]
_SMALLER = ["Which is smaller, {a} or {b}?", "Which number is smaller: {a} or {b}?",
            "What is smaller, {a} or {b}?", "Which is less, {a} or {b}?"]
_IS_LARGER = ["Is {a} larger than {b}?", "Is {a} greater than {b}?", "Is {a} bigger than {b}?",
              "Is {a} more than {b}?"]
_PARITY = ["Is {a} even or odd?", "Is {a} odd or even?", "Is the number {a} even or odd?"]
_SORT = ["Sort these numbers: {l}.", "Sort {l}.", "Put {l} in order.",
         "Sort the numbers {l} from small to large.", "Order these numbers: {l}."]
_LARGEST = ["What is the largest of {l}?", "Which is the largest number: {l}?",
            "Find the largest number: {l}.", "What is the maximum of {l}?"]
_SMALLEST = ["What is the smallest of {l}?", "Which is the smallest number: {l}?",
             "Find the smallest number: {l}.", "What is the minimum of {l}?"]
_ALPHABET = ["Which word comes first in the alphabet, {a} or {b}?",
             "Which comes first alphabetically, {a} or {b}?",
             "Which is first in the dictionary, {a} or {b}?"]


def number(rng) -> int:
    return int(rng.random() * pick(rng, (10, 100, 100, 1000)))


def several(rng) -> list[int]:
    top = pick(rng, (10, 100, 100))
    wanted = 3 + int(rng.random() * 3)
    numbers: list[int] = []
    while len(numbers) < wanted:
        n = int(rng.random() * top)
        if n not in numbers:
            numbers.append(n)
    return numbers


def comparing(rng) -> Talk:
    dice = rng.random()
    if dice < 0.45:
        a, b = number(rng), number(rng)
        if rng.random() < 0.3:
            b = max(0, a + int(rng.random() * 20) - 10)
        key = f"compare {a} {b}"
        if a == b:
            return Talk("comparing", ((wording(rng, pick(rng, _LARGER).format(a=a, b=b)),
                                       f"{a} and {b} are equal."),), key, fit=False)
        if dice < 0.18:
            question, answer = pick(rng, _LARGER), f"{max(a, b)} is larger than {min(a, b)}."
        elif dice < 0.33:
            question, answer = pick(rng, _SMALLER), f"{min(a, b)} is smaller than {max(a, b)}."
        else:
            question = pick(rng, _IS_LARGER)
            answer = f"Yes, {a} is larger than {b}." if a > b else f"No, {a} is smaller than {b}."
        return Talk("comparing", ((wording(rng, question.format(a=a, b=b)), answer),), key)
    if dice < 0.6:
        a = number(rng)
        answer = f"{a} is {'odd' if a % 2 else 'even'}."
        return Talk("comparing", ((wording(rng, pick(rng, _PARITY).format(a=a)), answer),), f"parity {a}")
    if dice < 0.9:
        numbers = several(rng)
        said = ", ".join(map(str, numbers)) if rng.random() < 0.6 else ", ".join(map(str,
                                                            numbers[:-1])) + f" and {numbers[-1]}"
        key = "sort " + " ".join(map(str, sorted(numbers)))
        if dice < 0.74:
            question, answer = pick(rng, _SORT), ", ".join(map(str, sorted(numbers)))
        elif dice < 0.82:
            question, answer = pick(rng, _LARGEST), f"{max(numbers)} is the largest."
        else:
            question, answer = pick(rng, _SMALLEST), f"{min(numbers)} is the smallest."
        return Talk("comparing", ((wording(rng, question.format(l=said)), answer),), key)
    a, b = pick(rng, WORDS), pick(rng, WORDS)
    while a[0] == b[0]:
        b = pick(rng, WORDS)
    answer = f"{min(a, b)} comes before {max(a, b)}."
    return Talk("comparing", ((wording(rng, pick(rng, _ALPHABET).format(a=a, b=b)), answer),),
                f"alphabet {a} {b}")


TOPICS = ((comparing, 7),)
