#!/usr/bin/env python3
"""Scores the embedded model that sees on held-out pictures.

    score_pictures.py BINARY MODEL HELDOUT.json [--least 0.8] [--show] [--url http://127.0.0.1:8080]

Starts `troika serve` (or asks the server at --url), sends every question with its pictures as data URLs (greedy, four
at a time) and compares the answers exactly. Standard library only. Exit code 0 when the share of right answers reaches
--least. A question that gets no answer counts as wrong, and its error is printed.
"""
import argparse
import base64
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

KINDS = {".png": "image/png", ".jpg": "image/jpeg"}


def start(binary, model):
    """The server's process and base URL; it prints the port it got."""
    server = subprocess.Popen([binary, "serve", "--model", model, "--port", "0"], stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        found = re.search(r"http://[^\s/]+:\d+", line)
        if found:
            return server, found.group(0)
    sys.exit(f"the server ended with code {server.wait()} before it listened")


def as_part(path):
    data = base64.b64encode(path.read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{KINDS[path.suffix]};base64,{data}"}}


def ask(url, folder, question):
    """The answer, or a note in brackets why there is none."""
    parts = [as_part(folder / name) for name in question["pictures"]]
    parts.append({"type": "text", "text": question["question"]})
    body = {"messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": 60}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)["choices"][0]["message"]["content"].strip()
    except urllib.error.HTTPError as error:
        return f"[HTTP {error.code}: {error.read().decode(errors='replace')[:300]}]"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("model")
    parser.add_argument("heldout", type=pathlib.Path)
    parser.add_argument("--least", type=float, default=0.8)
    parser.add_argument("--show", action="store_true", help="print the wrong answers")
    parser.add_argument("--url", help="ask this server instead of starting one")
    args = parser.parse_args()

    questions = json.loads(args.heldout.read_text(encoding="utf-8"))
    server, url = (None, args.url) if args.url else start(args.binary, args.model)
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda q: ask(url, args.heldout.parent, q), questions))
    finally:
        if server:
            server.terminate()
            server.wait(timeout=30)
    right, asked = collections.Counter(), collections.Counter()
    for question, answer in zip(questions, answers):
        good = answer in question["answers"]
        asked[question["task"]] += 1
        right[question["task"]] += good
        if not good and (args.show or answer.startswith("[HTTP")):
            print(f"{question['pictures']} {question['question']!r}: {answer!r}, expected {question['answers'][0]!r}")
    print(", ".join(f"{task} {right[task]}/{asked[task]}" for task in sorted(asked)))
    total = sum(right.values())
    print(f"{total} of {len(questions)} answers are right ({total / len(questions):.1%}); needed: {args.least:.0%}")
    return 0 if total >= args.least * len(questions) else 1


if __name__ == "__main__":
    sys.exit(main())
