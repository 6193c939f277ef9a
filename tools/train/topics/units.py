"""Conversions between units. One idea: an answer shows the factor, so it is one of the products the model knows."""

from talk import Talk, wording
from words import pick

# many of the small unit make one of the large unit: (large, large plural, factor, small plural, largest count)
_FACTORS = [("minute", "minutes", 60, "seconds", 60), ("hour", "hours", 60, "minutes", 48), ("day", "days",
                                                            24, "hours", 30),
            ("week", "weeks", 7, "days", 52), ("year", "years", 12, "months", 30), ("dozen", "dozen", 12,
                                                            "pieces", 20),
            ("foot", "feet", 12, "inches", 30), ("yard", "yards", 3, "feet", 99), ("pound", "pounds", 16,
                                                            "ounces", 20),
            ("decade", "decades", 10, "years", 50), ("century", "centuries", 100, "years", 30),
            ("kilometre", "kilometres", 1000, "metres", 99), ("metre", "metres", 100, "centimetres", 99),
            ("centimetre", "centimetres", 10, "millimetres", 99), ("metre", "metres", 1000, "millimetres",
                                                            40),
            ("kilogram", "kilograms", 1000, "grams", 99), ("tonne", "tonnes", 1000, "kilograms", 99),
            ("litre", "litres", 1000, "millilitres", 99), ("gigabyte", "gigabytes", 1000, "megabytes", 64),
            ("megabyte", "megabytes", 1000, "kilobytes", 64), ("byte", "bytes", 8, "bits", 64),
            ("second", "seconds", 1000, "milliseconds", 60), ("euro", "euros", 100, "cents", 99), ("dollar",
                                                            "dollars", 100, "cents", 99)]
_SHORT = {"kilometres": "km", "metres": "m", "centimetres": "cm", "millimetres": "mm", "kilograms": "kg",
          "grams": "g",
          "litres": "l", "millilitres": "ml", "gigabytes": "GB", "megabytes": "MB", "kilobytes": "kB",
          "hours": "h",
          "minutes": "min", "seconds": "s", "milliseconds": "ms", "tonnes": "t"}

_DOWN = ["How many {s} are {n} {l}?", "Convert {n} {l} to {s}.", "How many {s} are in {n} {l}?",
         "What is {n} {l} in {s}?",
         "{n} {l} in {s}?", "Express {n} {l} in {s}.", "Turn {n} {l} into {s}."]
_UP = ["How many {l} are {n} {s}?", "Convert {n} {s} to {l}.", "What is {n} {s} in {l}?", "{n} {s} in {l}?",
       "Express {n} {s} in {l}."]
_WARM = ["What is {n} degrees Celsius in Fahrenheit?", "Convert {n} degrees Celsius to Fahrenheit.",
         "{n} °C in °F?",
         "How many degrees Fahrenheit are {n} degrees Celsius?", "Convert {n} °C to °F."]


def count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def units(rng) -> Talk:
    if rng.random() < 0.06:
        warm = 5 * int(rng.random() * 21)
        question = wording(rng, pick(rng, _WARM).format(n=warm))
        answer = f"{warm} °C = {warm} * 9 / 5 + 32 °F = {warm * 9 // 5 + 32} °F"
        return Talk("units", ((question, answer),), f"celsius {question}")
    large, larges, factor, small, most = pick(rng, _FACTORS)
    n = 1 + int(rng.random() * most)
    short = larges in _SHORT and small in _SHORT and rng.random() < 0.35
    one, many, little = (_SHORT[larges], _SHORT[larges], _SHORT[small]) if short else (large, larges, small)
    if rng.random() < 0.7:
        asked = pick(rng, _DOWN).replace("{n} {l}", count(n, one, many)).format(s=little)
        if n == 1:
            asked = asked.replace("are 1 ", "is 1 ")
        if factor in (10, 100, 1000) or n == 1:
            answer = f"{count(n, one, many)} = {n * factor} {little}"
        else:
            answer = f"{count(n, one, many)} = {n} * {factor} {little} = {n * factor} {little}"
        key = f"units {n} {large} {small}"
    else:
        asked = pick(rng, _UP).format(l=many, n=n * factor, s=little)
        answer = f"{n * factor} {little} = {count(n, one, many)}"
        key = f"units up {wording(rng, asked)}" if factor not in (10, 100,
                                                            1000) else f"units up {n} {large} {small}"
        if factor not in (10, 100, 1000):
            asked = key[len("units up "):]
            return Talk("units", ((asked, answer),), key)
    return Talk("units", ((wording(rng, asked, may_lower=not short), answer),), key)


TOPICS = ((units, 8),)
