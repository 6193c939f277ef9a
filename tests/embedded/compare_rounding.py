#!/usr/bin/env python3
"""How much rounding activations to int8 changes what the embedded model says, through the built binary.

    compare_rounding.py BINARY MODEL HELDOUT.json [--chats 40] [--most 1e-3] [--device cpu]

Computes the logits of held-out chats twice, as ever and with --dtype f32, and compares the distributions of the next
token after every token: KL(float32 || int8) in nats. Exit code 0 when the mean over all tokens is at most --most.
What is said of single tokens is for the reader: where the model hardly knows what comes next, as in what a user says,
rounding to int8 moves it by more than that. Standard library only.
"""
import argparse
import array
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile


def read_npy(path):
    """The rows of a float32 matrix."""
    data = path.read_bytes()
    assert data[:6] == b"\x93NUMPY", path
    begin = 10 + int.from_bytes(data[8:10], "little")
    rows, columns = map(int, re.search(rb"'shape': \((\d+), (\d+)\)", data[:begin]).groups())
    values = array.array("f", data[begin:])
    assert len(values) == rows * columns, path
    return [values[row * columns:(row + 1) * columns] for row in range(rows)]


def log_softmax(logits):
    most = max(logits)
    total = math.log(math.fsum(math.exp(x - most) for x in logits)) + most
    return [x - total for x in logits]


def divergence(right, ours):
    """KL of what `ours` predicts from what `right` does, both as logits."""
    p, q = log_softmax(right), log_softmax(ours)
    return math.fsum(math.exp(a) * (a - b) for a, b in zip(p, q))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("model")
    parser.add_argument("heldout")
    parser.add_argument("--chats", type=int, default=40)
    parser.add_argument("--most", type=float, default=1e-3)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    def troika(*words, given=None):
        run = subprocess.run([args.binary, *words], input=given, stdout=subprocess.PIPE, text=True, check=True)
        return run.stdout

    with open(args.heldout, encoding="utf-8") as file:
        chats = json.load(file)
    chats = chats[::max(1, len(chats) // args.chats)][:args.chats]  # of all topics

    def render(messages, **more):
        return troika("render", args.model, given=json.dumps({"messages": messages, **more}))

    questions = [render(chat["messages"], add_generation_prompt=True) for chat in chats]
    answered = [question + chat["answer"] for question, chat in zip(questions, chats)]
    before, prompts = (json.loads(troika("tokenize", args.model, "--special", given=json.dumps(texts)))
                       for texts in (questions, answered))

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "ids.json").write_text(json.dumps({"prompts": prompts}))
        ways = {"int8": [], "f32": ["--dtype", "f32"]}
        for name, options in ways.items():
            troika("logits", args.model, "--ids", str(folder / "ids.json"), "--out", str(folder / name),
                   "--device", args.device, *options)
        found, answers, same = [], [], 0
        for i, prompt in enumerate(prompts):
            assert prompt[:len(before[i])] == before[i], "an answer begins with a token of its own"
            right, ours = (read_npy(folder / name / f"{i}.npy") for name in ("f32", "int8"))
            assert len(right) == len(ours) == len(prompt)
            all_tokens = [divergence(a, b) for a, b in zip(right, ours)]
            found += all_tokens
            answers += all_tokens[len(before[i]) - 1:]  # from what foresees its first token on
            same += sum(a.index(max(a)) == b.index(max(b)) for a, b in zip(right, ours))
    if not any(found):
        sys.exit("int8 activations change nothing: are they used at all?")
    mean = math.fsum(found) / len(found)
    print(f"{len(chats)} chats, {len(found)} tokens: KL {mean:.2e} nats on average (allowed: {args.most:.0e}), "
          f"{max(found):.2e} at most; {len(answers)} tokens of answers: {math.fsum(answers) / len(answers):.2e} on average, "
          f"{max(answers):.2e} at most; the likeliest token is the same after {same / len(found):.2%}")
    return 0 if mean <= args.most else 1  # no number is not


if __name__ == "__main__":
    sys.exit(main())
