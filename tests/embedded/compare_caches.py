#!/usr/bin/env python3
"""What the cache's number format changes about what a model says, through the built binary.

    compare_caches.py BINARY MODEL HELDOUT.json [--kv f16,q8_0,q4_0] [--chats 40] [--dtype f32] [--most 5e-2] [--least 0.9]

Computes the logits of held-out chats and their answers with a cache in f32 and in each format, and prints for each: KL(f32
|| format) of the next token in nats, how often the likeliest token is the same, and the loss over all tokens and over
those of the answers. Exit code 0 when every format's mean KL is at most --most and its share of same tokens at least
--least. Standard library only.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

from compare_rounding import log_softmax, read_npy


class Chats:
    """Held-out chats as ids, `begin` being where each one's answer begins."""

    def __init__(self, binary, model, heldout, count):
        with open(heldout, encoding="utf-8") as file:
            chats = json.load(file)
        chats = chats[::max(1, len(chats) // count)][:count]  # of all topics

        def troika(verb, *words, given):
            command = [binary, verb, model, *words]
            return subprocess.run(command, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True).stdout

        questions = [troika("render", given={"messages": c["messages"], "add_generation_prompt": True}) for c in chats]
        texts = questions + [question + chat["answer"] for question, chat in zip(questions, chats)]
        ids = json.loads(troika("tokenize", "--special", given=texts))
        self.prompts = ids[len(chats):]
        self.begin = [len(question) for question in ids[:len(chats)]]


def logits(binary, model, chats, options):
    """The log probabilities of every next token, one row for every token of every chat."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "ids.json").write_text(json.dumps({"prompts": chats.prompts}))
        subprocess.run([binary, "logits", model, "--ids", str(folder / "ids.json"), "--out", str(folder), *options],
                       stdout=subprocess.DEVNULL, check=True)
        return [[log_softmax(row) for row in read_npy(folder / f"{i}.npy")] for i in range(len(chats.prompts))]


def losses(chats, rows):
    """Mean loss over all tokens, and over those of the answers."""
    every, answers = [], []
    for ids, begin, of_chat in zip(chats.prompts, chats.begin, rows):
        found = [-row[token] for row, token in zip(of_chat, ids[1:])]
        every += found
        answers += found[begin - 1:]
    return math.fsum(every) / len(every), math.fsum(answers) / len(answers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("model")
    parser.add_argument("heldout")
    parser.add_argument("--kv", default="f16,q8_0,q4_0")
    parser.add_argument("--chats", type=int, default=40)
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--most", type=float, default=5e-2)
    parser.add_argument("--least", type=float, default=0.9)
    args = parser.parse_args()

    chats = Chats(args.binary, args.model, args.heldout, args.chats)
    options = ["--dtype", args.dtype]
    exact = logits(args.binary, args.model, chats, [*options, "--kv", "f32"])
    tokens = sum(map(len, exact))
    print(f"{len(chats.prompts)} chats, {tokens} tokens")
    print("cache   mean KL   largest   same token    loss   of answers")
    print("f32           –         –            –  {:6.4f}     {:.2e}".format(*losses(chats, exact)))
    failed = []
    for kv in args.kv.split(","):
        rounded = logits(args.binary, args.model, chats, [*options, "--kv", kv])
        found, same = [], 0
        for right, ours in zip(exact, rounded):
            for p, q in zip(right, ours):
                found.append(math.fsum(math.exp(a) * (a - b) for a, b in zip(p, q)))
                same += p.index(max(p)) == q.index(max(q))
        mean, share = math.fsum(found) / tokens, same / tokens
        print("{:6}  {:.2e}  {:.2e}     {:7.2%}  {:6.4f}     {:.2e}".format(kv, mean, max(found), share,
                                                                            *losses(chats, rounded)))
        if not any(found):
            failed.append(f"{kv} changes nothing: is it used at all?")
        if mean > args.most or share < args.least:
            failed.append(f"{kv} changes too much: allowed are {args.most:.0e} nats a token, and {args.least:.0%} the same")
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
