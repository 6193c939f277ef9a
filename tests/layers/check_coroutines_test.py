#!/usr/bin/env python3
"""Proves that tools/check_coroutines.py finds each form that g++ 12 miscompiles, by file and line, and no other."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_coroutines.py"


def check(code):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "src" / "a.cpp"
        path.parent.mkdir()
        path.write_text(code)
        done = subprocess.run([sys.executable, "-B", CHECKER, folder], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class CheckCoroutines(unittest.TestCase):
    def test_conditional_awaiting_is_named_by_file_and_line(self):
        for line in ("if (open && co_await read()) close();",
                     "if (co_await read() && open) close();",
                     "const bool ok = closed || co_await read();",
                     "co_return streamed ? co_await stream() : co_await whole();",
                     "while (a &&\n       co_await read()) b();",
                     "if (a && b) x = c || co_await read();",
                     "co_await write(large ? a : b);",
                     "const auto late = [] { return 1; }(); go(a && co_await (x() || y()));"):
            code, out = check(f"void f() {{\n  {line}\n}}\n")
            self.assertEqual(code, 1, line)
            self.assertRegex(out, r"src/a\.cpp:[23]: co_await")

    def test_awaiting_in_statements_of_its_own_passes(self):
        for line in ("const bool read_on = co_await read();\n  if (a && read_on) close();",
                     "if (!co_await read()) co_return false;",
                     "if (a && b) co_await read();",
                     "else if (a || b) x = co_await read();",
                     "auto outcome = co_await (send(a && b) || watch());",
                     "// a && co_await b",
                     'log("a ? co_await b : c");',
                     "const int n = 1'000'000; co_await read(n); const bool c = a && b;",
                     "const auto wait = [&]() -> awaitable<void> { co_await timer(); }; x = a && b;"):
            self.assertEqual(check(f"void f() {{\n  {line}\n}}\n")[0], 0, line)

    def test_an_empty_tree_is_no_success(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(subprocess.run([sys.executable, "-B", CHECKER, folder], capture_output=True).returncode, 1)


if __name__ == "__main__":
    unittest.main()
