"""JSON on demand: objects and arrays with the values that the question names, in its order."""

import json

from talk import Talk, wording
from topics.counting import things
from topics.capitals import COUNTRIES
from words import ANIMALS, COLOURS, FOODS, NAMES, THINGS, WORDS, invented, pick

_CITIES = [capital for _, capital in COUNTRIES if capital.isascii() and capital.isalpha()]
_OBJECT = ["Give me a JSON object with {f}.", "Write a JSON object with {f}.", "JSON object with {f}",
           "Make a JSON object with {f}.",
           "Create JSON with {f}.", "Return a JSON object with {f}.", "I need a JSON object with {f}.",
           "Please write JSON with {f}.",
           "Turn this into JSON: {f}.", "Answer in JSON: {f}.", "give me json with {f}", "JSON with {f}",
           "Give me JSON with {f}.",
           "Build a JSON object: {f}.", "json: {f}", "Please give me JSON with {f}."]
_ARRAY = ["Give me a JSON array of {l}.", "Write a JSON array with {l}.", "JSON array of {l}",
          "Make a JSON list of {l}.",
          "Return a JSON array with {l}.", "I need a JSON array of {l}.", "Put {l} in a JSON array."]


def name_of(rng):
    return pick(rng, NAMES) if rng.random() < 0.8 else invented(rng).capitalize()


def truth(rng):
    return rng.random() < 0.5


def up_to(limit: int):
    return lambda rng: int(rng.random() * limit)


_FIELDS = {"name": name_of, "age": up_to(100), "city": lambda r: pick(r, _CITIES), "color": lambda r: pick(r,
                                                            COLOURS),
           "animal": lambda r: pick(r, ANIMALS), "price": up_to(1000), "count": up_to(100),
           "id": up_to(10000), "active": truth,
           "food": lambda r: pick(r, FOODS), "item": lambda r: pick(r, THINGS), "size": up_to(50),
           "friend": name_of, "year": lambda r: 1950 + int(r.random() * 90),
           "ready": truth, "score": up_to(101), "title": lambda r: pick(r, THINGS), "width": up_to(500),
           "height": up_to(500),
           "port": lambda r: pick(r, (80, 443, 8000, 8080, 3000, 5000, 22)), "done": truth,
           "country": lambda r: pick(r, COUNTRIES)[0].removeprefix("the ")}
_KEYS = list(_FIELDS)


def email_of(rng):
    return f"{pick(rng, NAMES).lower()}@{pick(rng, THINGS)}.{pick(rng, ('com', 'org', 'net'))}"


def any_value(rng):
    return pick(rng, (lambda r: pick(r, WORDS), lambda r: pick(r, NAMES).lower(), invented, up_to(1000),
                      name_of))(rng)


def said(value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


_MORE_KEYS = "email email user status type model language key value lastname street owner team level code label group".split()


def as_json(value) -> str:
    return json.dumps(value, ensure_ascii=False)


def json_object(rng) -> Talk:
    wanted = pick(rng, (1, 2, 2, 2, 3, 3, 4))
    keys: list[str] = []
    while len(keys) < wanted:
        key = pick(rng, _KEYS) if rng.random() < 0.7 else pick(rng,
                                                            _MORE_KEYS) if rng.random() < 0.5 else pick(rng,
                                                            WORDS)
        if key not in keys:
            keys.append(key)
    values = {key: email_of(rng) if key == "email" else _FIELDS.get(key, any_value)(rng) for key in keys}
    form = pick(rng, ("{k} {v}", "{k} {v}", "{k} = {v}", "{k}: {v}", "the {k} {v}"))
    question = pick(rng, _OBJECT).format(f=joined([form.format(k=k, v=said(v)) for k, v in values.items()]))
    answer = as_json(values)
    return Talk("json", ((wording(rng, question), answer),), f"json {answer}")


def json_array(rng) -> Talk:
    if rng.random() < 0.6:
        values = things(rng, 2, 5)
        question = pick(rng, _ARRAY).format(l=joined(values))
    else:
        values = [int(rng.random() * pick(rng, (10, 100, 1000))) for _ in range(2 + int(rng.random() * 4))]
        question = pick(rng, _ARRAY).format(l=pick(rng, ("",
                                                         "the numbers ")) + joined([str(v) for v in values]))
    answer = as_json(values)
    return Talk("json", ((wording(rng, question), answer),), f"json {answer}")


TOPICS = ((json_object, 7), (json_array, 4))
