"""Chats whose later questions need the earlier ones, and chats that a system message steers.

One idea: a follow-up is answered from the last result, a name from the turn that told it, however long ago.
"""

from talk import Talk, letters, wording
from topics import capitals as capital_topic
from topics.arithmetic import addition, product, subtraction
from topics.capitals import COUNTRIES
from topics.counting import counting
from topics.comparing import comparing
from topics.letters import backwards, length_answer, quoted, spelled, spelling, single_letter
from topics.units import units
from words import COLOURS, FOODS, ANIMALS, NAMES, WORDS, invented, pick

_START = ["What is {a} {o} {b}?", "{a} {o} {b}", "What's {a} {o} {b}?", "What is {a}{o}{b}?",
          "What's {a}{o}{b}?", "{a}{o}{b}", "Calculate {a} {o} {b}.", "How much is {a} {o} {b}?",
          "{a} {o} {b} = ?", "Compute {a} {o} {b}."]
_PLUS = ["And plus {n}?", "Plus {n}?", "Add {n}.", "Now add {n}.", "And {n} more?", "plus {n}",
         "Add {n} to that."]
_MINUS = ["And minus {n}?", "Minus {n}?", "Subtract {n}.", "Now subtract {n}.", "Take away {n}.", "minus {n}",
          "Subtract {n} from that."]
_TIMES = ["And times {n}?", "Times {n}?", "Multiply by {n}.", "Now multiply that by {n}.", "And times {n}",
          "times {n}"]
_BY_TWO = ["And times two?", "Double it.", "Now double that.", "And doubled?", "Times two?",
           "And twice that?"]

_TOLD = {
    "name": (["My name is {x}.", "I am {x}.", "Call me {x}.", "Hi, my name is {x}.", "Hello, I am {x}.",
              "Hello, my name is {x}!", "My name's {x}.", "You can call me {x}."],
             "Nice to meet you, {x}!", ["What is my name?", "Who am I?", "Do you know my name?",
                                        "Do you remember my name?", "What's my name?", "Tell me my name.",
                                        "What am I called?"],
             "Your name is {x}.", "You have not told me your name."),
    "colour": (["My favourite colour is {x}.", "I like the colour {x} best.", "My favorite color is {x}."],
               "{X} is a fine colour.", ["What is my favourite colour?", "Which colour do I like best?",
                                         "Do you remember my favourite colour?"],
                                         "Your favourite colour is {x}.", None),
    "animal": (["My favourite animal is the {x}.", "I like the {x} best of all animals."],
               "The {x} is a fine animal.", ["What is my favourite animal?", "Which animal do I like best?",
                                             "Do you remember my favourite animal?"],
               "Your favourite animal is the {x}.", None),
    "food": (["My favourite food is {x}.", "I like to eat {x} best."], "I hope you get plenty of {x}.",
             ["What is my favourite food?", "What do I like to eat best?",
             "Do you remember my favourite food?"],
             "Your favourite food is {x}.", None),
    "age": (["I am {x} years old.", "My age is {x}."], "Thank you, I will remember that.", ["How old am I?",
                                                            "What is my age?", "Do you remember my age?"],
                                                            "You are {x} years old.", None),
    "number": (["My lucky number is {x}.", "Remember the number {x}.", "Keep the number {x} in mind."],
               "I will remember the number {x}.",
               ["What was the number?", "Which number did I tell you?",
                "What is my number?"], "The number is {x}.", None),
    "word": (["Remember the word {x}.", "The secret word is {x}.", "Keep the word {x} in mind."],
             "I will remember the word {x}.",
             ["What was the word?", "Which word did I tell you?",
              "What is the secret word?"], "The word is {x}.", None),
}
_VALUES = {"name": lambda r: pick(r, NAMES) if r.random() < 0.7 else invented(r).capitalize(),
           "colour": lambda r: pick(r, COLOURS), "animal": lambda r: pick(r, ANIMALS),
           "food": lambda r: pick(r, FOODS), "age": lambda r: 5 + int(r.random() * 90),
           "number": lambda r: int(r.random() * 1000), "word": lambda r: pick(r, WORDS)}
_BETWEEN = (addition, subtraction, capital_topic.capitals, spelling, single_letter, units, counting,
            comparing)


def start(rng, a: int, b: int, sign: str) -> str:
    question = pick(rng, _START)
    if "{a}{o}{b}" in question and sign.isalpha():
        question = question.replace("{a}{o}{b}", "{a} {o} {b}")
    return wording(rng, question.format(a=a, b=b, o=sign))


def sums(rng) -> Talk:
    """A sum, then one or two operations on its result."""
    a, b = int(rng.random() * 50), int(rng.random() * 50)
    minus = rng.random() < 0.3
    if minus and a < b:
        a, b = b, a
    result = a - b if minus else a + b
    sign = "-" if minus else "+"
    shown = pick(rng, ("minus", "-") if minus else ("plus", "+"))
    turns = [(start(rng, a, b, shown), f"{a} {sign} {b} = {result}")]
    if rng.random() < 0.2:
        a, b, sign = a % 11, b % 11, "*"
        result = a * b
        turns = [(start(rng, a, b, pick(rng, ("*", "times"))), f"{a} * {b} = {result}")]
    key = f"sums {a} {sign} {b}"
    for _ in range(1 + int(rng.random() * 2)):
        dice, n = rng.random(), 1 + int(rng.random() * 20)
        if dice < 0.2 and result < 500:
            turns.append((pick(rng, _BY_TWO), f"{result} * 2 = {2 * result}"))
            key, result = key + " doubled", 2 * result
        elif dice < 0.5 and result < 100:
            n = 2 + int(rng.random() * 8)
            turns.append((pick(rng, _TIMES).format(n=n), product(result, n)))
            key, result = f"{key} * {n}", result * n
        elif dice < 0.75 or n > result:
            turns.append((pick(rng, _PLUS).format(n=n), f"{result} + {n} = {result + n}"))
            key, result = f"{key} + {n}", result + n
        else:
            turns.append((pick(rng, _MINUS).format(n=n), f"{result} - {n} = {result - n}"))
            key, result = f"{key} - {n}", result - n
    return Talk("follow-up", tuple(turns), key)

def word_games(rng) -> Talk:
    """One word, several games with it; the later questions say "it"."""
    word = pick(rng, WORDS) if rng.random() < 0.8 else invented(rng)[:10]
    shown = quoted(rng, word)
    games = [
        (f"Spell {shown}.", ("And how is it spelled?", "Spell it.", "How do you spell it?"), spelled(word)),
        (f"Reverse {shown}.", ("And backwards?", "Reverse it.", "Now write it backwards."), backwards(word)),
        (f"How many letters does {shown} have?", ("How many letters does it have?", "And how long is it?",
                                                  "How many letters is that?"), length_answer(word)),
        (f"Write {shown} in upper case.", ("And in upper case?", "Now in capital letters.",
                                           "Write it in upper case."), letters(word.upper())),
        (f"What is the first letter of {shown}?", ("And its first letter?", "What is its first letter?"),
         f"The first letter is {letters(word[0])}."),
        (f"What is the last letter of {shown}?", ("And its last letter?", "What is its last letter?"),
         f"The last letter is {letters(word[-1])}."),
    ]
    rng.shuffle(games)
    chosen = games[:2 + int(rng.random() * 2)]
    turns = [(chosen[0][0], chosen[0][2])] + [(pick(rng, later), answer) for _, later, answer in chosen[1:]]
    return Talk("follow-up", tuple(turns), f"games {word}")


def countries(rng) -> Talk:
    first, second = pick(rng, COUNTRIES), pick(rng, COUNTRIES)
    turns = ((f"What is the capital of {first[0]}?", capital_topic.sentence(*first)),
             (pick(rng, ("And of {c}?", "And {c}?", "What about {c}?",
                         "And the capital of {c}?")).format(c=second[0]), capital_topic.sentence(*second)))
    return Talk("follow-up", turns, f"countries {first[0]} {second[0]}")


def memory(rng) -> Talk:
    """Something is told, other questions may come between, then it is asked for."""
    kind = pick(rng, ("name", "name", "name", "colour", "animal", "food", "age", "number", "word"))
    tell, reply, ask, answer, unknown = _TOLD[kind]
    value = _VALUES[kind](rng)
    turns = []
    if unknown and rng.random() < 0.25:
        for _ in range(int(rng.random() * 3)):
            turns.extend(pick(rng, _BETWEEN)(rng).turns)
        turns.append((pick(rng, ask), unknown))
        return Talk("memory", tuple(turns), f"memory {turns}", joins=False)
    turns.append((pick(rng, tell).format(x=value), reply.format(x=value, X=str(value).capitalize())))
    for _ in range(int(rng.random() * 3)):
        turns.extend(pick(rng, _BETWEEN)(rng).turns)
    turns.append((pick(rng, ask), answer.format(x=value)))
    return Talk("memory", tuple(turns), f"memory {value} {len(turns)}", joins=False)


def named_by_system(rng) -> Talk:
    name = pick(rng, NAMES) if rng.random() < 0.6 else invented(rng).capitalize()
    system = pick(rng, ("Your name is {x}.", "You are {x}, a helpful assistant.",
                        "You are an assistant called {x}.", "You are {x}.",
                        "Your name is {x}. Be brief.")).format(x=name)
    question = wording(rng, pick(rng, ("What is your name?", "Who are you?", "What are you called?",
                                       "Tell me your name.", "What's your name?")))
    return Talk("system", ((question, f"My name is {name}."),), f"system {name} {question}", system=system,
                joins=False)


_BARE = ["Answer with the result only.", "Give only the result.", "Reply with the bare answer.",
         "Answer in one word.", "Only the answer, no sentence."]


def bare(rng) -> Talk:
    """The system message asks for the bare answer instead of a sentence."""
    system = pick(rng, _BARE)
    dice = rng.random()
    if dice < 0.45:
        question, country, capital = capital_topic.capital_question(rng)
        return Talk("system", ((wording(rng, question), capital),), f"bare {question}", system=system,
                    joins=False)
    a, b = int(rng.random() * 100), int(rng.random() * 100)
    if dice < 0.75:
        question, result = start(rng, a, b, pick(rng, ("+", "plus"))), a + b
    else:
        a, b = max(a, b), min(a, b)
        question, result = start(rng, a, b, pick(rng, ("-", "minus"))), a - b
    return Talk("system", ((question, str(result)),), f"bare {a} {b} {result}", system=system, joins=False)


def told_by_system(rng) -> Talk:
    """The system message tells something about the user."""
    kind = pick(rng, ("name", "colour", "age"))
    _, _, ask, answer, _ = _TOLD[kind]
    value = _VALUES[kind](rng)
    system = {"name": "The user is called {x}.", "colour": "The user's favourite colour is {x}.",
              "age": "The user is {x} years old."}[kind].format(x=value)
    return Talk("system", ((pick(rng, ask), answer.format(x=value)),), f"told {value} {ask}", system=system,
                joins=False)


TOPICS = ((sums, 7), (word_games, 4), (countries, 2), (memory, 6), (named_by_system, 2), (bare, 3),
          (told_by_system, 1))
