#!/usr/bin/env python3
"""Starts the built binary with both small models and runs openai_client.py against it. Without the client (Debian's
python3-openai, which Debian 12 does not have) it says so and ends with 77, which ctest takes for skipped.

    openai_python.py BINARY MODELS_FOLDER [--python "COMMAND OF ANOTHER PYTHON"] [UNITTEST'S OPTIONS]
"""
import argparse
import pathlib
import re
import shlex
import subprocess
import sys

SKIPPED = 77


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable)
    options, rest = parser.parse_known_args()
    python = shlex.split(options.python)
    if subprocess.run([*python, "-c", "import openai, pydantic"], stderr=subprocess.DEVNULL).returncode != 0:
        print(f"skipped: {options.python} has no module openai; install python3-openai, or name another with --python")
        return SKIPPED
    server = subprocess.Popen([options.binary, "serve", "--no-store", "--port", "0", "--queue", "1",
                               "--model", options.models / "troika-mini.gguf",
                               "--model", options.models / "troika-mini-vl.gguf"], stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        found = re.search(r"listens on (http://\S+)", line)
        if not found:
            print(f"the server does not start: {line!r}")
            return 1
        # By way of stdin: the other Python may see other folders.
        with open(pathlib.Path(__file__).with_name("openai_client.py")) as script:
            return subprocess.run([*python, "-B", "-", found[1], *rest], stdin=script).returncode
    finally:
        server.terminate()
        server.wait()


sys.exit(main())
