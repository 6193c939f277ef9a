#!/usr/bin/env python3
"""Asks llama.cpp's server for the goldens, so that a wrong GGUF file is not taken for a right reference.

    python3 tools/reference/check_llama_cpp.py tests/goldens [--server llama-server] [--only NAME]

Every token of every continuation is asked for by itself, with the true text before it: the server neither stops at
nor bans the end-of-text token then, and one near-tie does not spoil the rest. The log-probabilities
of the short prompts are compared with those of the golden logits. Prompts with pictures are left out: the server takes
text with them, not ids. The file is first turned into F32: with 16-bit weights llama.cpp rounds activations as well.
Prints one line a file; exit status 1 if a token differs. Standard library only; needs llama.cpp and goldens.
"""
import argparse
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

from check_goldens import Golden, log_softmax
from models import NOT_IN_LLAMA_CPP

PORT = 18200 + os.getpid() % 1000


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def wait_until_ready(server, log):
    for _ in range(600):
        if server.poll() is not None:
            log.seek(0)
            raise OSError("the server did not start: " + log.read().decode(errors="replace")[-400:])
        try:
            return ask("/health")
        except OSError:
            time.sleep(0.1)
    raise OSError("the server did not become ready")


def next_token(ids, logprobs):
    """The best token, and the log-probabilities of the best `logprobs` tokens; none if the token is no whole text."""
    answer = ask("/completion", {"prompt": ids, "n_predict": 1, "temperature": 0, "return_tokens": True,
                                 "n_probs": logprobs, "cache_prompt": True})
    found = answer.get("completion_probabilities") or [{"top_logprobs": []}]
    return answer["tokens"][0], {t["id"]: t["logprob"] for t in found[0]["top_logprobs"]}


def greedy_differences(golden):
    return sum(next_token(golden.prompts[i] + golden.continuations[i][:k], 0)[0] != token
               for i in golden.text_prompts for k, token in enumerate(golden.continuations[i]))


def logprob_difference(golden):
    """The largest one at the kept positions of the short prompts, and how many numbers were compared."""
    worst, count = 0.0, 0
    for i in golden.text_prompts:
        prompt, positions, logits = golden.prompts[i], golden.positions[i], golden.logits[i]
        if len(positions) != len(prompt):
            continue
        for row, position in enumerate(positions):
            found = next_token(prompt[:position + 1], golden.vocab)[1]
            want = log_softmax(logits[row * golden.vocab:(row + 1) * golden.vocab])
            worst = max([worst, *(abs(want[t] - v) for t, v in found.items())])
            count += len(found)
    return worst, count


def serve(binary, model, log):
    return subprocess.Popen(
        [binary, "-m", model, "--port", str(PORT), "-c", "1024", "-np", "1", "-ngl", "0", "-dev", "none",
         "-fa", "off", "-t", "1", "-ctk", "f32", "-ctv", "f32", "--no-warmup", "--swa-full"],
        stdout=subprocess.DEVNULL, stderr=log)


def asked(options, path, golden):
    """Tokens that differ, the largest difference of a log-probability, and of how many."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        exact = pathlib.Path(folder) / path.name
        subprocess.run([options.quantize, path, exact, "F32"], check=True, stdout=log, stderr=log)
        server = serve(options.server, exact, log)
        try:
            wait_until_ready(server, log)
            return greedy_differences(golden), *logprob_difference(golden)
        finally:
            server.terminate()
            server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path)
    parser.add_argument("--server", default="llama-server")
    parser.add_argument("--quantize", default="llama-quantize")
    parser.add_argument("--only", metavar="NAME", help="this model only")
    options = parser.parse_args()
    failed = False
    for path in sorted(options.goldens.glob("*.gguf")):
        name = path.name.rsplit(".", 2)[0]
        if options.only not in (None, name) or ".mmproj." in path.name:
            continue
        if name in NOT_IN_LLAMA_CPP:
            print(f"{path.name}: not asked, {NOT_IN_LLAMA_CPP[name]}")
            continue
        golden = Golden(options.goldens / name)
        try:
            wrong, worst, count = asked(options, path, golden)
        except OSError as error:
            print(f"{path.name}: {error}", flush=True)
            failed = True
            continue
        failed |= wrong > 0
        tokens = sum(len(golden.continuations[i]) for i in golden.text_prompts)
        print(f"{path.name}: {wrong} of {tokens} tokens differ, "
              f"{count} log-probabilities within {worst:.1e}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
