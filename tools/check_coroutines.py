#!/usr/bin/env python3
"""Checks that no co_await is computed only sometimes inside an expression: g++ 12 then destroys temporaries twice, or
those that never were.

    tools/check_coroutines.py [ROOT]

`a && co_await b`, `a || co_await b` and `c ? co_await x : y` become statements of their own:

    const bool open = co_await b;
    if (a && open) …

`co_await (x() || y())` is no such thing: there the operator makes one awaitable of two. One line a fault, exit status 1
if any.
"""
import pathlib
import re
import sys

SUFFIXES = {".h", ".hpp", ".cpp", ".cc", ".inc"}
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
STATEMENT = re.compile(r"[^;{}]+")
BRANCH = re.compile(r"\s*(?:else\s+)?(?:if|while)(?:\s+constexpr)?\s*(?=\()")
AWAITED_GROUP = re.compile(r"\bco_await\s*(?=\()")
SHORT_CIRCUIT = re.compile(r"&&|\|\||\?")


def blank(match):
    """Keeps lines where they are."""
    return re.sub(r"[^\n]", " ", match[0])


def end_of_group(text, start):
    """Behind the parenthesis that closes the one at `start`; the end of the text if none does."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


def expressions_of(statement):
    """The statement and its offset; the condition of an if or while apart from what it guards."""
    branch = BRANCH.match(statement)
    if not branch:
        yield 0, statement
        return
    end = end_of_group(statement, branch.end())
    yield 0, statement[:end]
    for offset, rest in expressions_of(statement[end:]):
        yield end + offset, rest


def without_groups(expression):
    """Blanks the operands of `co_await (…)`."""
    for match in AWAITED_GROUP.finditer(expression):
        end = end_of_group(expression, match.end())
        expression = expression[:match.end()] + blank(re.match(r".*", expression[match.end():end], re.S)) + expression[end:]
    return expression


def faults_of(name, text):
    code = NOT_CODE.sub(blank, text)
    for statement in STATEMENT.finditer(code):
        for offset, expression in expressions_of(statement[0]):
            if "co_await" not in expression or not SHORT_CIRCUIT.search(without_groups(expression)):
                continue
            line = code.count("\n", 0, statement.start() + offset + expression.index("co_await")) + 1
            yield f"{name}:{line}: co_await beside &&, || or ?:, which g++ 12 miscompiles; give it a statement of its own"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    paths = [p for top in ("src", "npu", "tests") for p in sorted((root / top).rglob("*")) if p.suffix in SUFFIXES]
    if not paths:
        sys.exit(f"{root} has no sources under src/, npu/ or tests/")
    faults = [f for p in paths for f in faults_of(p.relative_to(root).as_posix(), p.read_text(encoding="utf-8"))]
    print("\n".join(faults) if faults else f"{len(paths)} files await in statements of their own")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
