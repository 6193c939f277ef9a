"""Sums, differences, products and quotients of small numbers.

One idea: an answer may show the one step between: 47 * 6 = 240 + 42 = 282. The model then needs the small tables and
addition only, and can multiply pairs that it never saw.
"""

from talk import Talk, wording
from words import pick

_ADD = ["What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "{a} + {b} = ?", "How much is {a} plus {b}?",
        "What is {a} plus {b}?",
        "Add {a} and {b}.", "Calculate {a} + {b}.", "What is the sum of {a} and {b}?", "{a} plus {b}",
        "Compute {a} + {b}."]
_SUBTRACT = ["What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "{a} - {b} = ?", "How much is {a} minus {b}?",
             "What is {a} minus {b}?",
             "Subtract {b} from {a}.", "Calculate {a} - {b}.", "Take {b} away from {a}.", "{a} minus {b}",
             "Compute {a} - {b}."]
_MULTIPLY = ["What is {a} * {b}?", "{a} * {b}", "{a}*{b}", "{a} x {b}", "{a} * {b} = ?",
             "How much is {a} times {b}?",
             "What is {a} times {b}?", "Multiply {a} by {b}.", "Calculate {a} * {b}.",
             "What is the product of {a} and {b}?",
             "{a} times {b}", "Compute {a} * {b}.", "What is {a} multiplied by {b}?"]
_DIVIDE = ["What is {a} / {b}?", "{a} / {b}", "{a} / {b} = ?", "How much is {a} divided by {b}?",
           "What is {a} divided by {b}?",
           "Divide {a} by {b}.", "Calculate {a} / {b}.", "{a} divided by {b}", "{a}/{b}",
           "Compute {a} / {b}."]
_DOUBLE = ["What is double {a}?", "Double {a}.", "What is twice {a}?", "What is two times {a}?"]
_HALF = ["What is half of {a}?", "Halve {a}.", "What is a half of {a}?", "How much is half of {a}?"]
_SQUARE = ["What is {a} squared?", "Square {a}.", "What is the square of {a}?"]
_THREE = ["What is {a} + {b} + {c}?", "{a} + {b} + {c}", "Add {a}, {b} and {c}.",
          "What is the sum of {a}, {b} and {c}?"]


def number(rng, limit: int) -> int:
    """Small numbers more often than large ones, so that each number of digits is well practised."""
    top = pick(rng, (10, 20, 100, 100, 1000, limit))
    return int(rng.random() * min(top, limit))


def product(a: int, b: int) -> str:
    """The product with its steps: the larger number falls apart into tens and ones."""
    if a < b:
        return product_steps(b, a, f"{a} * {b}")
    return product_steps(a, b, f"{a} * {b}")


def product_steps(large: int, small: int, said: str) -> str:
    if large <= 10 or small <= 1 or large % 10 == 0:
        return f"{said} = {large * small}"
    if small > 10:  # both have two digits: tens of the small one first
        tens, ones = small // 10 * 10, small % 10
        if ones == 0:
            return f"{said} = {large * small}"
        return f"{said} = {large * tens} + {large * ones} = {large * small}"
    return f"{said} = {large // 10 * 10 * small} + {large % 10 * small} = {large * small}"


def quotient(a: int, b: int) -> str:
    rest = f" remainder {a % b}" if a % b else ""
    return f"{a} / {b} = {a // b}{rest}"


def addition(rng) -> Talk:
    if rng.random() < 0.15:
        a, b, c = (int(rng.random() * 20) for _ in range(3))
        question = pick(rng, _THREE).format(a=a, b=b, c=c)
        return Talk("addition", ((wording(rng, question), f"{a} + {b} + {c} = {a + b} + {c} = {a + b + c}"),),
                    f"add {a} {b} {c}")
    a, b = number(rng, 10000), number(rng, 10000)
    question = pick(rng, _ADD).format(a=a, b=b)
    low, high = sorted((a, b))
    return Talk("addition", ((wording(rng, question), f"{a} + {b} = {a + b}"),), f"add {low} {high}",
                fit=low > 10)


def subtraction(rng) -> Talk:
    a, b = number(rng, 10000), number(rng, 10000)
    if a < b and rng.random() < 0.7:
        a, b = b, a
    question = pick(rng, _SUBTRACT).format(a=a, b=b)
    return Talk("subtraction", ((wording(rng, question), f"{a} - {b} = {a - b}"),), f"subtract {a} {b}",
                fit=b > 10)


def multiplication(rng) -> Talk:
    dice = rng.random()
    if dice < 0.08:
        a = int(rng.random() * 100)
        return Talk("multiplication", ((wording(rng, pick(rng, _DOUBLE).format(a=a)), f"2 * {a} = {2 * a}"),),
                    f"double {a}")
    if dice < 0.12:
        a = int(rng.random() * 21)
        question = wording(rng, pick(rng, _SQUARE).format(a=a))
        return Talk("multiplication", ((question, product(a, a)),), f"square {question}")
    if dice < 0.45:
        a, b = int(rng.random() * 11), int(rng.random() * 11)
    elif dice < 0.85:
        a, b = 11 + int(rng.random() * 89), 2 + int(rng.random() * 9)
    else:
        a, b = 11 + int(rng.random() * 15), 11 + int(rng.random() * 10)
    if rng.random() < 0.5:
        a, b = b, a
    question = wording(rng, pick(rng, _MULTIPLY).format(a=a, b=b))
    low, high = sorted((a, b))
    table = high <= 10  # the small table can only be learned by heart: its wordings are held out, not its numbers
    return Talk("multiplication", ((question, product(a, b)),),
                f"multiply {question}" if table else f"multiply {low} {high}")


def division(rng) -> Talk:
    if rng.random() < 0.12:
        a = 2 * int(rng.random() * 101)
        return Talk("division", ((wording(rng, pick(rng, _HALF).format(a=a)), f"{a} / 2 = {a // 2}"),),
                    f"half {a}")
    b = 2 + int(rng.random() * 9)
    a = b * int(rng.random() * 13)
    if rng.random() < 0.5:
        a = int(rng.random() * 101)
    question = wording(rng, pick(rng, _DIVIDE).format(a=a, b=b))
    return Talk("division", ((question, quotient(a, b)),),
                f"divide {question}" if a % b == 0 else f"divide {a} {b}")


def mixed(rng) -> Talk:
    """A product and a sum in one question; the product comes first."""
    a, b, c = 1 + int(rng.random() * 10), 1 + int(rng.random() * 10), 1 + int(rng.random() * 20)
    times, plus = pick(rng, (("*", "+"), ("times", "plus")))
    if rng.random() < 0.5:
        said, answer = f"{a} {times} {b} {plus} {c}", f"{a} * {b} + {c} = {a * b} + {c} = {a * b + c}"
    else:
        said, answer = f"{c} {plus} {a} {times} {b}", f"{c} + {a} * {b} = {c} + {a * b} = {c + a * b}"
    question = pick(rng, ("What is {s}?", "{s}", "Calculate {s}.", "How much is {s}?", "Compute {s}.",
                          "{s} = ?")).format(s=said)
    return Talk("mixed sums", ((wording(rng, question), answer),), f"mixed {answer}")


def numbers(rng) -> Talk:
    """Primes and powers, learned by heart."""
    if rng.random() < 0.6:
        n = 2 + int(rng.random() * 98)
        factor = next((f for f in range(2, n) if n % f == 0), None)
        answer = f"{n} is prime." if factor is None else f"{n} is not prime: {n} = {factor} * {n // factor}"
        question = pick(rng, ("Is {n} prime?", "Is {n} a prime number?", "Is the number {n} prime?",
                              "Is {n} a prime?")).format(n=n)
    else:
        base, power = pick(rng, ((2, 12), (3, 6), (5, 4), (10, 6)))
        power = 1 + int(rng.random() * power)
        answer = f"{base}^{power} = {base ** power}"
        question = pick(rng, ("What is {b} to the power of {p}?", "What is {b}^{p}?", "{b}^{p}",
                              "{b} to the power of {p}", "Calculate {b}^{p}.")).format(b=base, p=power)
    question = wording(rng, question, may_lower=True)
    return Talk("primes and powers", ((question, answer),), f"numbers {question}")


TOPICS = ((addition, 8), (subtraction, 7), (multiplication, 9), (division, 7), (mixed, 3), (numbers, 3))
