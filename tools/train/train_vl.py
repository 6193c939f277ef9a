"""Trains the embedded model that sees, from nothing: a small Qwen2.5-VL, on pictures that vl/pictures.py draws while
the GPU works.

One idea: the run is planned by the clock, as train.py's is: a run of any length ends cooled down, scored and saved.

    python3 tools/train/train_vl.py --fonts .carry/fonts --out OUT --minutes 18
"""

import argparse
import json
import pathlib
import queue
import random
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from tokenizers import Tokenizer

from vl import batches, muon, network, scene_text, scoring
from vl.tokens import SPECIAL, Encoder, train_tokenizer

PIECE_BYTES = 15_500_000
SECONDS_TO_FINISH = 15  # the last scoring and the saving


def read_options():
    options = argparse.ArgumentParser()
    options.add_argument("--fonts", required=True, help="a folder of TrueType and OpenType fonts")
    options.add_argument("--out", type=pathlib.Path, required=True)
    options.add_argument("--minutes", type=float, default=9.0, help="wall time of the whole run")
    options.add_argument("--steps", type=int, default=0, help="stop after so many steps (for trying out)")
    options.add_argument("--tokenizer", type=pathlib.Path, help="use this one instead of training it")
    options.add_argument("--resume", type=pathlib.Path, help="go on from the weights and the tokenizer of this run")
    options.add_argument("--hidden", type=int, default=256)
    options.add_argument("--layers", type=int, default=7)
    options.add_argument("--heads", type=int, default=4)
    options.add_argument("--kv-heads", type=int, default=2)
    options.add_argument("--ffn", type=int, default=768)
    options.add_argument("--tower-hidden", type=int, default=320)
    options.add_argument("--tower-layers", type=int, default=8)
    options.add_argument("--tower-heads", type=int, default=5)
    options.add_argument("--tower-ffn", type=int, default=768)
    options.add_argument("--patches", type=int, default=45_056, help="patches of a step")
    options.add_argument("--tokens", type=int, default=25_600, help="tokens of a step")
    options.add_argument("--rate", type=float, default=2e-3)
    options.add_argument("--warmup", type=int, default=200, help="steps")
    options.add_argument("--steady", type=float, default=0.4, help="share of the time before the rate falls")
    options.add_argument("--keep", type=int, default=1200, help="batches kept on the device, to be shown again")
    options.add_argument("--processes", type=int, default=14)
    options.add_argument("--score-seconds", type=float, default=60, help="score and save every so often on the way")
    options.add_argument("--test-batches", type=int, default=8)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--no-compile", action="store_true")
    return options.parse_args()


class Feed:
    """Batches on the device: fresh ones when they are there, else one that was shown before."""

    def __init__(self, folder: pathlib.Path, shape: batches.Shape, device, keep: int, least: int, threads: int = 3):
        self.folder, self.shape, self.device, self.keep, self.least = folder, shape, device, keep, least
        self.ready, self.kept, self.fresh, self.shown = queue.Queue(maxsize=6), [], 0, 0
        self.rng, self.lock = random.Random(1), threading.Lock()
        for _ in range(threads):
            threading.Thread(target=self._read, daemon=True).start()

    def _upload(self, data: np.ndarray) -> dict:
        """One copy to the device, beside the work that waits there; the arrays are views of it."""
        if self.device.type == "cuda":
            with torch.cuda.stream(torch.cuda.Stream()):
                there = torch.from_numpy(data).to(self.device)
                torch.cuda.current_stream().synchronize()
        else:
            there = torch.from_numpy(data)
        kinds = {np.uint8: torch.uint8, np.int32: torch.int32}
        return {name: there[part].view(kinds[kind]).view(shape) for name, part, kind, shape in self.shape.parts()}

    def _read(self) -> None:
        while True:
            with self.lock:
                path = next(iter(self.folder.glob("*.batch")), None)
                if path:
                    path = path.rename(path.with_suffix(".taken"))
            if not path:
                time.sleep(0.01)
                continue
            data = np.fromfile(path, np.uint8)
            path.unlink()
            self.ready.put(self._upload(data))

    def batch(self):
        self.shown += 1
        wait = len(self.kept) < self.least
        try:
            batch = self.ready.get(timeout=300) if wait else self.ready.get_nowait()
        except queue.Empty:
            return self.kept[int(self.rng.random() * len(self.kept))]
        self.fresh += 1
        if self.device.type == "cuda":  # written on another stream than the one that reads it
            batch["patches"].record_stream(torch.cuda.current_stream())
        if len(self.kept) < self.keep:
            self.kept.append(batch)
        else:
            self.kept[int(self.rng.random() * len(self.kept))] = batch
        return batch


def optimizers(model, rate: float, device):
    """Muon for the matrices inside, AdamW for the rest."""
    matrices, others = [], []
    for name, weight in model.named_parameters():
        if weight.dim() == 2 and "embed" not in name:
            matrices.append((weight, 3 if name.endswith("qkv.weight") else 1))
        else:
            others.append(weight)
    return muon.Muon(matrices, rate), torch.optim.AdamW(others,
                                                        lr=rate,
                                                        betas=(0.9, 0.95),
                                                        eps=1e-8,
                                                        weight_decay=0.0,
                                                        fused=device.type == "cuda")


def load(model, run: pathlib.Path) -> None:
    weights = from_safetensors(b"".join(piece.read_bytes() for piece in sorted(run.glob("model.part*"))))
    model.load_state_dict({name.removeprefix("model."): weight for name, weight in weights.items()})


def save(model, tokenizer, out: pathlib.Path, report: dict) -> None:
    """The weights as half floats in one safetensors file, cut into pieces; the tokenizer; the scores."""
    weights = {
        "model." + name: weight.detach().half().cpu().contiguous() for name, weight in model.state_dict().items()
    }
    data = to_safetensors(weights, metadata={"format": "pt"})
    for i in range(0, len(data), PIECE_BYTES):
        (out / f"model.part{i // PIECE_BYTES:02}").write_bytes(data[i:i + PIECE_BYTES])
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "config.json").write_text(json.dumps(model.config, indent=1))
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

    scene_text.use_fonts(chosen.fonts)
    given = chosen.resume / "tokenizer.json" if chosen.resume else chosen.tokenizer
    tokenizer = Tokenizer.from_file(str(given)) if given else train_tokenizer()
    tokenizer_path = str(chosen.out / "tokenizer.json")
    tokenizer.save(tokenizer_path)
    say("tokenizer ready")
    shape = batches.Shape(chosen.patches, chosen.tokens)
    spool = chosen.out / "spool"
    workers = batches.start(shape, tokenizer_path, chosen.fonts, chosen.seed, chosen.processes, spool,
                            4 * chosen.processes)
    encoder = Encoder(tokenizer)
    test = scoring.held_out(shape, encoder, chosen.test_batches)
    say(f"{sum(len(turns) for _, turns in test)} held-out questions")
    ids = {text: tokenizer.token_to_id(text) for text in SPECIAL}
    model = network.Network(network.configuration(chosen, tokenizer.get_vocab_size(), ids)).to(device)
    if chosen.resume:
        load(model, chosen.resume)
    say(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters "
        f"({sum(p.numel() for p in model.visual.parameters()) / 1e6:.2f} M see) on {device}")
    inner, outer = optimizers(model, chosen.rate, device)
    feed = Feed(spool, shape, device, chosen.keep, 8)
    run = model if chosen.no_compile else torch.compile(model, dynamic=False)
    if not chosen.no_compile:
        torch._dynamo.config.recompile_limit = 32  # one for each shape of matrices
        muon.orthogonal = torch.compile(muon.orthogonal, dynamic=False)

    def loss_of(batch):
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            logits = run(batch)
        return F.cross_entropy(logits.float(), batch["labels"].long(), ignore_index=-100)

    def step_with(rate: float):
        loss = loss_of(feed.batch())
        loss.backward()
        inner.rate = rate
        for group in outer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        inner.step()
        outer.step()
        outer.zero_grad(set_to_none=True)
        for weight in model.parameters():
            weight.grad = None
        return loss.detach()

    step_with(0.0)  # compiled before the clock of the rate starts
    say("the step is ready")
    first = scored = time.monotonic()
    last = begun + 60 * chosen.minutes - SECONDS_TO_FINISH
    step, running = 0, []
    while time.monotonic() < last and (not chosen.steps or step < chosen.steps):
        done = (time.monotonic() - first) / (last - first)
        if chosen.steps:
            done = max(done, step / chosen.steps)
        falling = max(0.01, min(1.0, (1 - done) / (1 - chosen.steady)))
        running.append(step_with(chosen.rate * min(1, (step + 1) / chosen.warmup) * falling))
        step += 1
        if step % 200 == 0 or step in (1, 5, 20, 60, 120):
            mean = torch.stack(running).mean().item()  # waits for the GPU, so the clock above stays honest
            running = []
            speed = step / (time.monotonic() - first)
            say(f"step {step} loss {mean:.4f} rate {chosen.rate * falling:.1e} {speed:.1f} steps/s, "
                f"fresh {feed.fresh / feed.shown:.0%}, kept {len(feed.kept)}")
        if time.monotonic() - scored > chosen.score_seconds and last - time.monotonic() > 20:
            part = scoring.score(model, device, test[:3], run)
            part.update(step=step, seconds=round(time.monotonic() - first))
            say(f"held-out: {json.dumps(part)}")
            save(model, tokenizer, chosen.out, part)
            scored = time.monotonic()
    for worker in workers:
        worker.terminate()
    seconds = time.monotonic() - first
    report = scoring.score(scoring.rounded(model), device, test)
    report.update(steps=step,
                  fresh_batches=feed.fresh,
                  seconds=round(seconds),
                  loss=mean if step else None,
                  device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
                  options={key: str(value) for key, value in vars(chosen).items()})
    save(model, tokenizer, chosen.out, report)
    say(f"held-out, with weights in Q8_0: {report['exact']:.2%} of {report['asked']} exact")
    for task, result in report["tasks"].items():
        say(f"  {task}: {result}")
    say("done")


if __name__ == "__main__":
    main()
