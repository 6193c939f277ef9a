"""Trains the embedded model from nothing: a small Qwen2.5, on chats that corpus.py draws while the GPU works.

One idea: the run is planned by the clock. The learning rate follows the share of the time that has passed, so a run of
any length ends cooled down, scored and saved before its time is over.

    python3 tools/train/train.py --commands .carry/commands.tsv --out OUT --minutes 9
"""

import argparse
import json
import math
import pathlib
import queue
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from tokenizers import Tokenizer
from transformers import Qwen2Config, Qwen2ForCausalLM

import evaluate
import stream
from corpus import Corpus
from tokenizer import train_tokenizer

PIECE_BYTES = 15_500_000
SECONDS_TO_FINISH = 25  # the last scoring and the saving


def read_options():
    options = argparse.ArgumentParser()
    options.add_argument("--commands", required=True)
    options.add_argument("--out", type=pathlib.Path, required=True)
    options.add_argument("--minutes", type=float, default=9.0, help="wall time of the whole run")
    options.add_argument("--steps", type=int, default=0, help="stop after so many steps (for trying out)")
    options.add_argument("--hidden", type=int, default=512)
    options.add_argument("--layers", type=int, default=7)
    options.add_argument("--heads", type=int, default=8)
    options.add_argument("--kv-heads", type=int, default=4)
    options.add_argument("--ffn", type=int, default=768)
    options.add_argument("--rows", type=int, default=256, help="rows of a step of short chats")
    options.add_argument("--width", type=int, default=256, help="tokens of such a row")
    options.add_argument("--long-rows", type=int, default=32)
    options.add_argument("--long-width", type=int, default=2048)
    options.add_argument("--long-every", type=int, default=10, help="one step in so many is of long chats")
    options.add_argument("--rate", type=float, default=1.5e-3)
    options.add_argument("--warmup", type=int, default=300, help="steps")
    options.add_argument("--score-seconds", type=float, default=75, help="score every so often on the way")
    options.add_argument("--processes", type=int, default=14)
    options.add_argument("--tokenizer-chats", type=int, default=300_000)
    options.add_argument("--resume", type=pathlib.Path,
                         help="go on from the weights and the tokenizer of this run")
    options.add_argument("--draw", default="short", choices=("short", "follow_up"), help="what the short rows hold")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--no-compile", action="store_true")
    return options.parse_args()


def new_model(chosen, vocabulary: int, end: int) -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=chosen.hidden, intermediate_size=chosen.ffn, num_hidden_layers=chosen.layers,
        num_attention_heads=chosen.heads, num_key_value_heads=chosen.kv_heads, max_position_embeddings=2048, rms_norm_eps=1e-6,
        tie_word_embeddings=True, bos_token_id=vocabulary - 3, eos_token_id=end, pad_token_id=vocabulary - 3, use_cache=True)
    config._attn_implementation = "sdpa"
    return Qwen2ForCausalLM(config)


def loss_of(model, tokens, learned, number, positions):
    """Mean loss of the learned tokens. All arguments [B, T]; attention stays inside a chat."""
    width = tokens.shape[1]
    same = number[:, :, None] == number[:, None, :]
    earlier = torch.ones(width, width, dtype=torch.bool, device=tokens.device).tril()
    mask = (same & earlier)[:, None]  # [B, 1, T, T]
    tokens = tokens.long()
    logits = model(input_ids=tokens, attention_mask=mask, position_ids=positions.long(),
                   use_cache=False).logits
    follows = learned[:, 1:] & (number[:, 1:] == number[:, :-1])
    targets = torch.where(follows, tokens[:, 1:], -100)
    return F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), targets.flatten(), ignore_index=-100)


def positions_of(number: np.ndarray) -> np.ndarray:
    """The place of every token in its chat."""
    place = np.arange(number.shape[1])[None]
    begins = np.ones(number.shape, bool)
    begins[:, 1:] = number[:, 1:] != number[:, :-1]
    return (place - np.maximum.accumulate(np.where(begins, place, 0), axis=1)).astype(np.int32)


def feed(pool: stream.Pool, device, ready: queue.Queue) -> None:
    """A thread's work: batches on the device, a few ahead of the trainer."""
    while True:
        tokens, learned, number = pool.batch()
        arrays = (tokens.astype(np.int32), learned, number, positions_of(number))
        tensors = [torch.from_numpy(array) for array in arrays]
        if device.type == "cuda":
            tensors = [tensor.pin_memory().to(device, non_blocking=True) for tensor in tensors]
        ready.put(tensors)


def optimizer_for(model, rate: float, device):
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05}, {"params": others,
                                                            "weight_decay": 0.0}], lr=rate,
                             betas=(0.9, 0.98), eps=1e-8, fused=device.type == "cuda")


def load(model, run: pathlib.Path) -> None:
    """The weights that `save` wrote."""
    weights = from_safetensors(b"".join(piece.read_bytes() for piece in sorted(run.glob("model.part*"))))
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert missing in ([], ["lm_head.weight"]), f"{run} lacks {missing}"


def save(model, tokenizer, out: pathlib.Path, report: dict) -> None:
    """The weights as half floats in one safetensors file, cut into pieces; the tokenizer; the scores."""
    weights = {name: weight.detach().half().cpu().contiguous() for name,
               weight in model.state_dict().items() if name != "lm_head.weight"}
    data = to_safetensors(weights, metadata={"format": "pt"})
    for i in range(0, len(data), PIECE_BYTES):
        (out / f"model.part{i // PIECE_BYTES:02}").write_bytes(data[i:i + PIECE_BYTES])
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1))
    (out / "eval.json").write_text(json.dumps(report, indent=1, ensure_ascii=False))


def main() -> None:
    begun = time.monotonic()
    chosen = read_options()
    chosen.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(chosen.seed)
    torch.set_float32_matmul_precision("high")

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begun:6.1f} s] {text}", flush=True)

    corpus = Corpus(chosen.commands)
    if chosen.resume:
        tokenizer = Tokenizer.from_file(str(chosen.resume / "tokenizer.json"))
    else:
        tokenizer = train_tokenizer(corpus, chosen.tokenizer_chats, chosen.seed)
    tokenizer_path = str(chosen.out / "tokenizer.json")
    tokenizer.save(tokenizer_path)
    say("tokenizer ready")
    short_queue, long_queue, workers = stream.start(chosen.commands, tokenizer_path, chosen.seed,
                                                    chosen.width, chosen.long_width,
                                                    chosen.processes, chosen.long_every, chosen.draw)
    model = new_model(chosen, tokenizer.get_vocab_size(), tokenizer.token_to_id("<|im_end|>")).to(device)
    if chosen.resume:
        load(model, chosen.resume)
    say(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters on {device}")
    optimizer = optimizer_for(model, chosen.rate, device)
    pools = [stream.Pool(short_queue, chosen.rows, 60_000, 1), stream.Pool(long_queue, chosen.long_rows,
                                                            4_000, 2)]
    ready = [queue.Queue(maxsize=4), queue.Queue(maxsize=2)]
    for pool, line in zip(pools, ready):
        threading.Thread(target=feed, args=(pool, device, line), daemon=True).start()

    loss_function = loss_of if chosen.no_compile else torch.compile(loss_of, dynamic=False)

    def loss_at(kind: int):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return loss_function(model, *ready[kind].get(timeout=180))

    for kind in (0, 1):  # both shapes are compiled before the clock of the learning rate starts
        loss_at(kind).backward()
        optimizer.zero_grad(set_to_none=True)
        say(f"shape {kind} is ready")

    first = time.monotonic()
    last = begun + 60 * chosen.minutes - SECONDS_TO_FINISH
    step, running, scored = 0, [], time.monotonic()
    while time.monotonic() < last and (not chosen.steps or step < chosen.steps):
        done = (time.monotonic() - first) / (last - first)
        if chosen.steps:
            done = max(done, step / chosen.steps)
        rate = chosen.rate * min(1,
                                 (step + 1) / chosen.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_at(1 if step % chosen.long_every == chosen.long_every - 1 else 0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running.append(loss.detach())
        step += 1
        if step % 200 == 0 or step in (5, 20, 60):
            mean = torch.stack(running).mean().item()  # waits for the GPU, so the clock above stays honest
            running = []
            tokens = step * chosen.rows * chosen.width
            say(f"step {step} loss {mean:.4f} rate {rate:.2e} {tokens / (time.monotonic() - first) / 1e6:.2f} M tokens/s "
                f"{tokens / 1e6:.0f} M, shown again {pools[0].repeated / max(1, pools[0].shown):.0%}")
        if time.monotonic() - scored > chosen.score_seconds and last - time.monotonic() > 30:
            part = evaluate.score(model, tokenizer, corpus.held_out, device, every=2)
            scored = time.monotonic()
            say(f"held-out (every second): {part['exact']}/{part['questions']} {part['topics']}")
    seconds = time.monotonic() - first
    for worker in workers:
        worker.terminate()
    report = evaluate.score(evaluate.rounded(model), tokenizer, corpus.held_out, device)
    report.update(steps=step, million_tokens=step * chosen.rows * chosen.width / 1e6, seconds=round(seconds),
                  loss=mean if step >= 20 else None,
                  device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu", options={k: str(v) for k, v in vars(chosen).items()})
    save(model, tokenizer, chosen.out, report)
    say(f"held-out: {report['exact']}/{report['questions']} exact, with weights in Q8_0")
    for topic, result in report["topics"].items():
        say(f"  {topic}: {result}")
    for wrong in report["wrong"][:40]:
        print("  wrong:", json.dumps(wrong, ensure_ascii=False))


if __name__ == "__main__":
    main()
