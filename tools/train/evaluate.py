"""Scores a model on the held-out questions: greedy, exact, by topic."""

import collections
import copy

import torch

from corpus import DEFAULT_SYSTEM, as_messages, render_question
from talk import plain

LONGEST_ANSWER = 112


def prompt(chat) -> str:
    """The chat as a server renders it, up to where the last answer begins. No system message means the default one
    there, so it does here."""
    system = DEFAULT_SYSTEM if chat.system is None else chat.system
    text = ""
    for i, (question, answer) in enumerate(chat.turns):
        text += render_question(system, question, i == 0)
        if i + 1 < len(chat.turns):
            text += plain(answer) + "<|im_end|>"
    return text


def rounded(model):
    """A copy whose matrices went through Q8_0: blocks of 32 weights, one half-float scale each."""
    twin = copy.deepcopy(model).float()
    with torch.no_grad():
        for weight in twin.parameters():
            if weight.dim() == 2:
                blocks = weight.view(-1, 32)
                scale = (blocks.abs().amax(1, keepdim=True) / 127).half().float()
                blocks.copy_(torch.where(scale > 0, torch.round(blocks / scale.clamp_min(1e-12)).clamp(-127,
                                                            127) * scale, 0))
    return twin


@torch.no_grad()
def score(model, tokenizer, chats, device, every: int = 1) -> dict:
    """Exact answers by topic, and the wrong ones. `every`: take each n-th question only."""
    chosen = chats[::every]
    ids = [tokenizer.encode(prompt(chat), add_special_tokens=False).ids for _, chat in chosen]
    filler, end = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|im_end|>")
    longest = max(map(len, ids))
    tokens = torch.tensor([[filler] * (longest - len(row)) + row for row in ids], device=device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in ids], device=device)
    training = model.training
    model.eval()
    made = model.generate(tokens, attention_mask=mask, max_new_tokens=LONGEST_ANSWER, do_sample=False,
                          eos_token_id=end,
                          pad_token_id=filler)[:, longest:].tolist()
    model.train(training)
    right, asked, wrong = collections.Counter(), collections.Counter(), []
    for (topic, chat), row in zip(chosen, made):
        row = row[:row.index(end)] if end in row else row
        messages, answer = as_messages(chat)
        got = tokenizer.decode(row, skip_special_tokens=True)
        asked[topic] += 1
        right[topic] += got == answer
        if got != answer:
            wrong.append({"topic": topic, "question": messages[-1]["content"], "answer": answer, "got": got})
    return {"exact": sum(right.values()), "questions": len(chosen),
            "topics": {topic: f"{right[topic]}/{asked[topic]}" for topic in asked}, "wrong": wrong}
