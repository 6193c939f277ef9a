#!/usr/bin/env python3
"""Scores the embedded model on held-out questions through the built binary.

    score.py BINARY MODEL HELDOUT.json [--least 0.8] [--show]

Starts `troika serve`, asks every question over HTTP (greedy, eight at a time) and compares the answers exactly.
Standard library only. Exit code 0 when the share of exact answers reaches --least.
"""
import argparse
import concurrent.futures
import json
import re
import subprocess
import sys
import urllib.request


def start(binary, model):
    """The server's process and base URL; it prints the port it got."""
    server = subprocess.Popen([binary, "serve", "--model", model, "--port", "0"], stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        found = re.search(r"http://[^\s/]+:\d+", line)
        if found:
            return server, found.group(0)
    sys.exit(f"the server ended with code {server.wait()} before it listened")


def ask(url, messages):
    body = {"messages": messages, "temperature": 0, "max_tokens": 120}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("model")
    parser.add_argument("heldout")
    parser.add_argument("--least", type=float, default=0.8)
    parser.add_argument("--show", action="store_true", help="print the wrong answers")
    args = parser.parse_args()

    with open(args.heldout, encoding="utf-8") as file:
        questions = json.load(file)
    server, url = start(args.binary, args.model)
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda q: ask(url, q["messages"]), questions))
    finally:
        server.terminate()
        server.wait(timeout=30)
    wrong = [(q, a) for q, a in zip(questions, answers) if a.strip() != q["answer"].strip()]
    if args.show:
        for question, answer in wrong:
            print(f"{question['messages'][-1]['content']!r}: {answer!r}, expected {question['answer']!r}")
    exact = len(questions) - len(wrong)
    print(f"{exact} of {len(questions)} answers are exact ({exact / len(questions):.1%}); needed: {args.least:.0%}")
    return 0 if exact >= args.least * len(questions) else 1


if __name__ == "__main__":
    sys.exit(main())
