"""Checks a run of train_vl.py against transformers: the same logits, and held-out questions answered by generation from
picture files through transformers' own image processor.

    python3 tools/train/check_vl.py RUN build/troika-mini-vl --fonts .carry/fonts --questions 4
    python3 tools/train/check_vl.py RUN build/troika-mini-vl --asked tests/embedded/heldout-pictures.json
"""

import argparse
import collections
import json
import pathlib
import random

import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from train_vl import load
from vl import batches, network, pictures, scene_text
from vl.tokens import IMAGE, VISION_END, VISION_START, Encoder


class Reference:
    """transformers' model of a folder that export_vl.py wrote."""

    def __init__(self, folder: pathlib.Path):
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = Qwen2VLImageProcessorPil.from_pretrained(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def inputs(self, text: str, images) -> dict:
        """`text` holds one image token for each picture."""
        out = {}
        if images:
            out = dict(self.processor(images=images, return_tensors="pt"))
            for rows, cols in out["image_grid_thw"][:, 1:].tolist():
                text = text.replace(IMAGE, "\0" * (rows * cols // 4), 1)
        ids = torch.tensor([self.tokenizer.encode(text.replace("\0", IMAGE), add_special_tokens=False).ids])
        kinds = (ids == self.model.config.image_token_id).int()
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": kinds, **out}

    @torch.no_grad()
    def answer(self, text: str, images) -> str:
        inputs = self.inputs(text, images)
        made = self.model.generate(**inputs, max_new_tokens=60, do_sample=False)[0, inputs["input_ids"].shape[1]:]
        return self.tokenizer.decode(made.tolist(), skip_special_tokens=True)


def prompt(system: str, question: str, images: int) -> str:
    return (f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n" +
            f"{VISION_START}{IMAGE}{VISION_END}" * images + f"{question}<|im_end|>\n<|im_start|>assistant\n")


@torch.no_grad()
def compare_logits(reference: Reference, run: pathlib.Path, samples) -> None:
    """The first answer token's logits of each sample, here and in transformers."""
    ours = network.Network(json.loads((run / "config.json").read_text()))
    load(ours, run)
    encoder = Encoder(Tokenizer.from_file(str(run / "tokenizer.json")))
    for sample in samples:
        packer = batches.Packer(batches.Shape(4096, 2048), encoder)
        assert packer.add(sample)
        batch = {name: torch.from_numpy(array) for name, array in packer.finish().items()}
        got = ours(batch)[0]
        text = prompt(sample.system, sample.turns[0].question, len(sample.pictures))
        expected = reference.model(**reference.inputs(text, sample.pictures)).logits[0, -1]
        print(
            f"{sample.turns[0].task}: logits differ by {(got - expected).abs().max():.2e} of {expected.abs().max():.1f}"
        )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("run", type=pathlib.Path)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--fonts")
    options.add_argument("--questions", type=int, default=0, help="compare the logits of so many fresh questions")
    options.add_argument("--asked", type=pathlib.Path, help="answer the questions of this file")
    chosen = options.parse_args()
    reference = Reference(chosen.folder)
    if chosen.questions:
        scene_text.use_fonts(chosen.fonts)
        rng = random.Random(5)
        compare_logits(reference, chosen.run, [pictures.held_out_sample(rng) for _ in range(chosen.questions)])
    if chosen.asked:
        right, total = collections.Counter(), collections.Counter()
        for entry in json.loads(chosen.asked.read_text()):
            images = [Image.open(chosen.asked.parent / name).convert("RGB") for name in entry["pictures"]]
            got = reference.answer(
                prompt(entry["system"] if "system" in entry else pictures.SYSTEM, entry["question"], len(images)),
                images)
            total[entry["task"]] += 1
            right[entry["task"]] += got in entry["answers"]
            if got not in entry["answers"]:
                print("wrong:", entry["pictures"], entry["question"], "->", got, "instead of", entry["answers"])
        for task in sorted(total):
            print(f"{task}: {right[task]}/{total[task]}")
        print(f"{sum(right.values())} of {sum(total.values())} answers are right")


if __name__ == "__main__":
    main()
