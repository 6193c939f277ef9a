#!/usr/bin/env python3
"""Asks llama.cpp's server for the goldens, so that a wrong GGUF file is not taken for a right reference.

    python3 tools/reference/check_llama_cpp.py tests/goldens [--server llama-server] [--only NAME]

Every token of every continuation is asked for by itself, with the true text before it: the server neither stops at
nor bans the end-of-text token then, and one near-tie does not spoil the rest. The log-probabilities
of the short prompts are compared with those of the golden logits. Images are sent as files, with the mmproj file beside.
Prints one line a file; exit status 1 if a token differs. Standard library only; needs llama.cpp and goldens.
"""
import argparse
import base64
import json
import math
import pathlib
import subprocess
import sys
import time
import urllib.request

from check_goldens import Golden
from models import NOT_IN_LLAMA_CPP

PORT = 18173


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def wait_until_ready(server):
    for _ in range(600):
        if server.poll() is not None:
            raise OSError("the server did not start: " + server.stderr.read().decode(errors="replace")[-400:])
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


def log_softmax(row):
    top = max(row)
    norm = top + math.log(math.fsum(math.exp(v - top) for v in row))
    return [v - norm for v in row]


def greedy_differences(golden):
    return sum(next_token(prompt + continuation[:k], 0)[0] != token
               for prompt, continuation in zip(golden.prompts, golden.continuations)
               for k, token in enumerate(continuation))


def logprob_difference(golden):
    """The largest one at the kept positions of the short prompts, and how many numbers were compared."""
    worst, count = 0.0, 0
    for prompt, positions, logits in zip(golden.prompts, golden.positions, golden.logits):
        if len(positions) != len(prompt):
            continue
        for row, position in enumerate(positions):
            found = next_token(prompt[:position + 1], golden.vocab)[1]
            want = log_softmax(logits[row * golden.vocab:(row + 1) * golden.vocab])
            worst = max([worst, *(abs(want[t] - v) for t, v in found.items())])
            count += len(found)
    return worst, count


def serve(binary, model):
    return subprocess.Popen(
        [binary, "-m", model, "--port", str(PORT), "-c", "1024", "-np", "1", "-ngl", "0", "-dev", "none",
         "-fa", "off", "-t", "1", "-ctk", "f32", "-ctv", "f32", "--no-warmup", "--swa-full"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path)
    parser.add_argument("--server", default="llama-server")
    parser.add_argument("--only", metavar="NAME", help="this model only")
    options = parser.parse_args()
    failed = False
    for path in sorted(options.goldens.glob("*.gguf")):
        name = path.name.split(".")[0]
        if options.only not in (None, name) or ".mmproj." in path.name:
            continue
        if name in NOT_IN_LLAMA_CPP:
            print(f"{path.name}: not asked, {NOT_IN_LLAMA_CPP[name]}")
            continue
        golden = Golden(options.goldens / name)
        server = serve(options.server, path)
        try:
            wait_until_ready(server)
            wrong = greedy_differences(golden)
            worst, count = logprob_difference(golden)
        except OSError as error:
            print(f"{path.name}: {error}", flush=True)
            failed = True
            continue
        finally:
            server.terminate()
            server.wait()
        failed |= wrong > 0
        print(f"{path.name}: {wrong} of {sum(map(len, golden.continuations))} tokens differ, "
              f"{count} log-probabilities within {worst:.1e}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
