"""Repeating what was said, picking a word from it, opposites."""

from talk import Talk, wording
from words import ANIMALS, COLOURS, FOODS, NAMES, THINGS, WORDS, invented, pick

_REPEAT = ["Repeat after me: {s}", "Repeat this: {s}", "Say {s}", "Say: {s}", "Repeat: {s}", "Echo this: {s}",
           "Write: {s}"]
_TIMES = [("twice", 2), ("two times", 2), ("three times", 3), ("four times", 4), ("five times", 5)]
_OPPOSITES = """big:small hot:cold up:down left:right early:late open:closed black:white day:night good:bad happy:sad fast:slow
high:low long:short full:empty new:old young:old hard:soft heavy:light rich:poor clean:dirty wet:dry strong:weak wide:narrow
deep:shallow loud:quiet first:last begin:end buy:sell give:take push:pull win:lose true:false inside:outside above:below
summer:winter north:south east:west awake:asleep easy:difficult love:hate friend:enemy thick:thin sharp:dull"""
PAIRS = [tuple(pair.split(":")) for pair in _OPPOSITES.split()]
_OPPOSITE = ["What is the opposite of {w}?", "Opposite of {w}?", "Name the opposite of {w}.",
             "Which word is the opposite of {w}?"]
_KIND = ["Is {a} an animal, a food or a colour?", "What kind of thing is {a}: an animal, a food or a colour?"]


def phrase(rng) -> str:
    words = [pick(rng,
                  WORDS) if rng.random() < 0.85 else invented(rng) for _ in range(1 + int(rng.random() * 5))]
    dice = rng.random()
    if dice < 0.2:
        words[0] = pick(rng, NAMES)
    elif dice < 0.35:
        words.append(str(int(rng.random() * 1000)))
    return " ".join(words)


def echo(rng) -> Talk:
    dice = rng.random()
    if dice < 0.4:
        said = phrase(rng)
        return Talk("echo", ((pick(rng, _REPEAT).format(s=said), said),), f"echo {said}")
    if dice < 0.6:
        word, (times, n) = pick(rng, WORDS), pick(rng, _TIMES)
        question = wording(rng, pick(rng, ("Write {w} {t}.", "Say {w} {t}.",
                                           "Repeat {w} {t}.")).format(w=word, t=times))
        return Talk("echo", ((question, " ".join([word] * n)),), f"times {word} {n}")
    if dice < 0.85:
        pair = pick(rng, PAIRS)
        word, other = pair if rng.random() < 0.6 or pair[1] == "old" else pair[::-1]
        question = wording(rng, pick(rng, _OPPOSITE).format(w=word))
        return Talk("echo", ((question, f"The opposite of {word} is {other}."),), f"opposite {question}")
    group, kind = pick(rng, ((ANIMALS, "an animal"), (FOODS, "a food"), (COLOURS, "a colour")))
    word = pick(rng, group)
    if word in FOODS and kind == "an animal" or word in ("orange",):
        word, kind = "horse", "an animal"
    question = wording(rng, pick(rng, _KIND).format(a=word))
    return Talk("echo", ((question, f"{word.capitalize()} is {kind}."),), f"kind {question}")


TOPICS = ((echo, 5),)
