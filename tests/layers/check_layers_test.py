#!/usr/bin/env python3
"""Proves that tools/check_layers.py passes a good tree and finds each kind of fault, by file and line."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"

GOOD = {
    "src/base/error.h": "#include <string>\n",
    "src/text/tokenizer.h": '#include "base/error.h"\n',
    "src/text/tokenizer.cpp": '#include <simdjson.h>\n#include "text/tokenizer.h"\n',
    "src/server/connection.h": "#include <boost/asio/io_context.hpp>\n",
    "src/server/server.cpp": '#include "server/connection.h"\n',
    "kernels/table.h": '#include "base/error.h"\n',
    "src/device/cpu/linear.cpp": '#include "kernels/table.h"\n',
    "npu/kernels/zero.cc": '#include <aie_api/aie.hpp>\n#include "base/error.h"\n',
}


def check(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, "-B", CHECKER, folder], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class CheckLayers(unittest.TestCase):
    def expect(self, added, *words):
        code, out = check(GOOD | added)
        self.assertEqual(code, 1, out)
        for word in words:
            self.assertIn(word, out)

    def test_a_good_tree_passes(self):
        self.assertEqual(check(GOOD), (0, "8 files keep to the layers\n"))

    def test_an_include_upwards_is_named_by_file_and_line(self):
        self.expect({"src/base/log.cpp": '\n#  include "text/tokenizer.h"\n'},
                    "src/base/log.cpp:2:", "text stands after base")

    def test_siblings_do_not_see_each_other(self):
        self.expect({"src/files/gguf.cpp": '#include "text/tokenizer.h"\n'}, "text stands beside files")
        self.expect({"kernels/avx2.cpp": '#include "text/tokenizer.h"\n'}, "text stands beside kernels")

    def test_an_include_of_nothing_is_a_fault(self):
        self.expect({"src/text/a.cpp": '#include "tokenizer.h"\n'}, "which is not there")

    def test_an_unknown_folder_is_a_fault(self):
        self.expect({"src/misc/a.h": "\n"}, "misc has no place")

    def test_a_heavy_header_may_not_leak_into_another_folder(self):
        self.expect({"src/server/server.h": '#include "server/connection.h"\n',
                     "src/apps/serve.cpp": '#include "server/server.h"\n'},
                    "src/apps/serve.cpp:1:", "drags <boost/asio/io_context.hpp> along")

    def test_an_empty_tree_is_no_success(self):
        self.assertEqual(check({"README.md": ""})[0], 1)


if __name__ == "__main__":
    unittest.main()
