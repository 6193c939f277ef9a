"""Days of the week, months of the year and the alphabet."""

from talk import Talk, wording
from topics.letters import ORDINALS
from words import pick

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
PLACES = ORDINALS + ["eleventh", "twelfth"]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_AFTER = ["What {u} comes after {x}?", "Which {u} follows {x}?", "What {u} is after {x}?",
          "What is the {u} after {x}?"]
_BEFORE = ["What {u} comes before {x}?", "Which {u} is before {x}?", "What is the {u} before {x}?"]
_LATER = ["What day is {n} days after {x}?", "If today is {x}, what day is it in {n} days?",
          "Which day is it {n} days after {x}?"]
_LENGTH = ["How many days does {x} have?", "How many days are in {x}?", "How long is {x}?",
           "How many days are there in {x}?"]
_PLACE = ["Which month of the year is {x}?", "What number is the month {x}?",
          "Which month is {x}, by number?"]
_NTH = ["What is the {n} month of the year?", "Which month is the {n}?", "Name the {n} month."]


def neighbour(rng, unit: str, ring) -> tuple[str, str]:
    i = int(rng.random() * len(ring))
    if rng.random() < 0.55:
        return pick(rng, _AFTER).format(u=unit,
                                        x=ring[i]), f"{ring[(i + 1) % len(ring)]} comes after {ring[i]}."
    return pick(rng, _BEFORE).format(u=unit, x=ring[i]), f"{ring[i - 1]} comes before {ring[i]}."


def calendar(rng) -> Talk:
    dice = rng.random()
    i = int(rng.random() * 12)
    if dice < 0.2:
        question, answer = neighbour(rng, "day", DAYS)
    elif dice < 0.4:
        question, answer = neighbour(rng, "month", MONTHS)
    elif dice < 0.5:
        question, answer = neighbour(rng, "letter", ALPHABET)
    elif dice < 0.65:
        n, day = 2 + int(rng.random() * 9), int(rng.random() * 7)
        question = pick(rng, _LATER).format(n=n, x=DAYS[day])
        answer = f"{n} days after {DAYS[day]} is {DAYS[(day + n) % 7]}."
    elif dice < 0.8:
        question = pick(rng, _LENGTH).format(x=MONTHS[i])
        answer = f"{MONTHS[i]} has {LENGTHS[i]} days{', 29 in a leap year' if i == 1 else ''}."
    elif dice < 0.88:
        question, answer = pick(rng, _PLACE).format(x=MONTHS[i]), f"{MONTHS[i]} is the {PLACES[i]} month."
    elif dice < 0.94:
        question, answer = pick(rng, _NTH).format(n=PLACES[i]), f"{MONTHS[i]} is the {PLACES[i]} month."
    else:
        question, answer = pick(rng, (
            ("How many days are in a week?", "A week has 7 days."), ("How many months are in a year?",
                                                            "A year has 12 months."),
            ("How many days does a year have?", "A year has 365 days, 366 in a leap year."),
            ("How many hours does a day have?", "A day has 24 hours."),
            ("How many letters does the alphabet have?", "The English alphabet has 26 letters."),
            ("Name the days of the week.", ", ".join(DAYS)), ("List the days of the week.", ", ".join(DAYS)),
            ("Name the months of the year.", ", ".join(MONTHS)), ("List the months.", ", ".join(MONTHS)),
            ("How many weeks does a year have?", "A year has 52 weeks and a day."),
            ("How many minutes are in an hour?", "1 hour = 60 minutes"),
            ("Say the alphabet.", " ".join(ALPHABET)), ("List the letters of the alphabet.",
                                                        " ".join(ALPHABET))))
    question = wording(rng, question, may_lower=True)
    return Talk("calendar", ((question, answer),), f"calendar {question}")


TOPICS = ((calendar, 5),)
