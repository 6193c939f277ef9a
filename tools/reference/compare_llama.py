#!/usr/bin/env python3
"""Asks llama.cpp's server for the goldens, so that a wrong GGUF file is not taken for a right reference.

    python3 tools/reference/compare_llama.py tests/goldens [llama-server]

Every token of every continuation is asked for by itself, with the true text before it: the server neither stops at
nor bans the end-of-text token then. Prints one line a file; exit status 1 if a token differs.
"""
import json
import pathlib
import subprocess
import sys
import time
import urllib.request

PORT = 18173


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def wait_until_ready(server):
    for _ in range(300):
        if server.poll() is not None:
            sys.exit("the server did not start")
        try:
            return ask("/health")
        except OSError:
            time.sleep(0.1)
    sys.exit("the server did not become ready")


def best_token(ids):
    answer = ask("/completion", {"prompt": ids, "n_predict": 1, "temperature": 0, "return_tokens": True})
    return answer["tokens"][0]


def differences(golden):
    wrong = 0
    for prompt, continuation in zip(golden["prompts"], golden["continuations"]):
        wrong += sum(best_token(prompt + continuation[:k]) != token for k, token in enumerate(continuation))
    return wrong


def main():
    root, binary = pathlib.Path(sys.argv[1]), (sys.argv[2:] or ["llama-server"])[0]
    failed = False
    for path in sorted(root.glob("*.gguf")):
        golden = json.loads((root / path.name.split(".")[0] / "golden.json").read_text())
        server = subprocess.Popen(
            [binary, "-m", path, "--port", str(PORT), "-c", "1024", "-np", "1", "-ngl", "0",
             "-fa", "off", "-t", "2", "-ctk", "f32", "-ctv", "f32", "--no-warmup"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready(server)
            wrong = differences(golden)
        finally:
            server.terminate()
            server.wait()
        failed |= wrong > 0
        print(f"{path.name}: {wrong} of {sum(map(len, golden['continuations']))} tokens differ", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
