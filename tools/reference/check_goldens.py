#!/usr/bin/env python3
"""Compares a built troika with the reference goldens, through its plumbing verbs. Standard library only.

    check_goldens.py build/release/troika tests/goldens [--only qwen2-tied] [--form folder] [--device cpu] [--dtype f32]

Each model runs in three forms: its safetensors `folder`; every `gguf` file beside it (a model with a vision tower with
its mmproj file); and, the short prompts only, an `other` folder that is written on the spot, with the config in the
other dialect and the tensors under the other published prefixes. Each prompt runs alone (its own process), among the
others, and all run as one ragged batch; prompts with pictures run alone, a --image for each. Logits must be within the
tolerance, which is in units of the reference logits' standard deviation; greedy continuations must be equal. With
--kl, for arithmetic of fewer bits, it is the Kullback-Leibler divergence from the reference that is bounded, at every
token, and greedy text is not compared. One line a comparison, exit status 1 if any fails, 77 where `--device vulkan` has no
GPU to run on.
"""
import argparse
import array
import ast
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile

import other_layout


class Wrong(Exception):
    """What the engine did wrong, as a sentence."""


def read_npy(path):
    """A float32 matrix in C order, as (rows, columns, flat array)."""
    data = path.read_bytes()
    if data[:6] != b"\x93NUMPY":
        raise Wrong(f"{path.name} is not an npy file")
    wide = data[6] >= 2
    start = 12 if wide else 10
    (length,) = struct.unpack_from("<I" if wide else "<H", data, 8)
    header = ast.literal_eval(data[start:start + length].decode("latin-1"))
    shape = header["shape"]
    if header["descr"] != "<f4" or header["fortran_order"] or len(shape) != 2:
        raise Wrong(f"{path.name} is not a float32 matrix in C order: {header}")
    values = array.array("f")
    values.frombytes(data[start + length:])
    if sys.byteorder == "big":
        values.byteswap()
    if len(values) != shape[0] * shape[1]:
        raise Wrong(f"{path.name} holds {len(values)} numbers, its header says {shape}")
    return shape[0], shape[1], values


def deviation(values):
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


class Golden:
    def __init__(self, folder):
        self.name = folder.name
        golden = json.loads((folder / "golden.json").read_text())
        self.prompts, self.continuations = golden["prompts"], golden["continuations"]
        self.positions, self.vocab = golden["positions"], golden["vocab"]
        # Rows of logits: a picture's placeholder has as many as the picture has tokens.
        self.lengths = golden.get("lengths", [len(ids) for ids in self.prompts])
        self.images = [[folder.parent / "images" / name for name in names]
                       for names in golden.get("images", [[]] * len(self.prompts))]
        self.text_prompts = [i for i, names in enumerate(self.images) if not names]
        self.picture_prompts = [i for i, names in enumerate(self.images) if names]
        self.logits = []
        for i, kept in enumerate(self.positions):
            rows, columns, values = read_npy(folder / f"logits-{i}.npy")
            assert (rows, columns) == (len(kept), self.vocab), f"{folder}: logits-{i}.npy does not fit golden.json"
            self.logits.append(values)
        self.deviations = [deviation(v) for v in self.logits]

    def label(self, i):
        shown = f" and {len(self.images[i])} pictures" if self.images[i] else ""
        return f"{len(self.prompts[i])} tokens{shown}"

    def rows(self, path, i):
        """Pairs of rows of prompt i at its kept positions: what the engine wrote, and the reference."""
        if not path.exists():
            raise Wrong(f"wrote no {path.name}")
        rows, columns, values = read_npy(path)
        if (rows, columns) != (self.lengths[i], self.vocab):
            raise Wrong(f"{path.name} is [{rows}, {columns}], not [{self.lengths[i]}, {self.vocab}]")
        if not math.isfinite(sum(values)):
            raise Wrong(f"{path.name} holds numbers that are not finite")
        for row, position in enumerate(self.positions[i]):
            yield (values[position * columns:(position + 1) * columns],
                   self.logits[i][row * columns:(row + 1) * columns])

    def logits_error(self, path, i):
        """The largest difference at the kept positions of prompt i, in standard deviations."""
        return max(max(abs(g - w) for g, w in zip(got, want))
                   for got, want in self.rows(path, i)) / self.deviations[i]

    def divergence(self, path, i):
        """The largest Kullback-Leibler divergence at the kept positions of prompt i, in nats."""
        return max(kl(want, got) for got, want in self.rows(path, i))


def log_softmax(row):
    top = max(row)
    norm = top + math.log(math.fsum(math.exp(v - top) for v in row))
    return [v - norm for v in row]


def kl(want, got):
    return math.fsum(math.exp(w) * (w - g) for w, g in zip(log_softmax(want), log_softmax(got)))


def mmproj_of(model):
    """NAME.mmproj.TYPE.gguf beside NAME.TYPE.gguf, or None."""
    if model.suffix != ".gguf":
        return None
    name, kind, _ = model.name.rsplit(".", 2)
    path = model.with_name(f"{name}.mmproj.{kind}.gguf")
    return path if path.exists() else None


class Engine:
    def __init__(self, options, model):
        self.binary, self.model = options.binary, model
        self.mmproj = mmproj_of(model)
        self.common = ["--device", options.device, "--dtype", options.dtype]
        self.timeout = options.timeout

    def run(self, verb, prompts, images, *arguments):
        shown = [argument for image in images for argument in ("--image", str(image))]
        if images and self.mmproj:
            shown += ["--mmproj", str(self.mmproj)]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as ids:
            json.dump({"prompts": prompts}, ids)
            ids.flush()
            command = [self.binary, verb, str(self.model), "--ids", ids.name, *arguments, *shown, *self.common]
            try:
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      stdin=subprocess.DEVNULL, timeout=self.timeout)
            except subprocess.TimeoutExpired:
                raise Wrong(f"{verb} took more than {self.timeout} s")
            except OSError as error:
                raise Wrong(f"cannot run {self.binary}: {error}")
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise Wrong(f"{verb} ended with {done.returncode}: {said[-1] if said else 'no message'}")
        return done.stdout

    def logits(self, prompts, images, folder, *arguments):
        self.run("logits", prompts, images, "--out", str(folder), *arguments)
        return [folder / f"{i}.npy" for i in range(len(prompts))]

    def generate(self, prompts, images, tokens):
        text = self.run("generate", prompts, images, "--tokens", str(tokens))
        try:
            outputs = json.loads(text)["outputs"]
        except (ValueError, KeyError, TypeError):
            raise Wrong(f"generate printed no {{\"outputs\": ...}}: {text[:80]!r}")
        if len(outputs) != len(prompts):
            raise Wrong(f"generate gave {len(outputs)} outputs for {len(prompts)} prompts")
        return outputs


class Report:
    def __init__(self):
        self.lines, self.failures = 0, 0

    def line(self, what, problem, detail):
        self.lines += 1
        self.failures += problem is not None
        print(f"{'FAIL' if problem else 'ok  '} {what}: {problem or detail}", flush=True)


def check_logits(report, golden, engine, what, indices, limits, *arguments):
    """Several prompts run in one process; a prompt with pictures is always alone."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            paths = engine.logits([golden.prompts[i] for i in indices], golden.images[indices[0]],
                                  pathlib.Path(folder), *arguments)
        except Wrong as wrong:
            report.line(what, str(wrong), "")
            return
        for i, path in zip(indices, paths):
            label = f"{what} {golden.label(i)}"
            try:
                problem, detail = limits.judge(golden, path, i)
                report.line(label, problem, detail)
            except Wrong as wrong:
                report.line(label, str(wrong), "")


class Limits:
    def __init__(self, options):
        self.tolerance, self.kl = options.tolerance, options.kl

    def judge(self, golden, path, i):
        """The problem, or None and what was found."""
        if self.kl is not None:
            found = golden.divergence(path, i)
            fine, detail = found <= self.kl, f"{found:.2e} nats from the reference"
            return None if fine else f"{detail}, allowed {self.kl:.0e}", detail
        error = golden.logits_error(path, i)
        fine = error <= self.tolerance
        return None if fine else f"off by {error:.2e} deviations, allowed {self.tolerance:.0e}", f"within {error:.1e}"


def check_greedy(report, golden, engine, what, indices):
    wanted = [golden.continuations[i] for i in indices]
    try:
        outputs = engine.generate([golden.prompts[i] for i in indices], golden.images[indices[0]], len(wanted[0]))
    except Wrong as wrong:
        report.line(what, str(wrong), "")
        return
    for i, got, want in zip(indices, outputs, wanted):
        problem = None
        if got != want:
            at = next((k for k, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
            problem = (f"differs from token {at} of {len(want)} on: "
                       f"got {got[at:at + 4]}, expected {want[at:at + 4]}")
        report.line(f"{what} {golden.label(i)}", problem, "equal")


def check_model(report, golden, engine, limits):
    name = engine.model.name
    if golden.text_prompts:
        check_logits(report, golden, engine, f"{name} logits", golden.text_prompts, limits)
        check_logits(report, golden, engine, f"{name} logits --batch", golden.text_prompts, limits, "--batch")
    for i in golden.picture_prompts:
        check_logits(report, golden, engine, f"{name} logits", [i], limits)
    if limits.kl is not None:
        return
    if golden.text_prompts:
        check_greedy(report, golden, engine, f"{name} greedy", golden.text_prompts)
    for i in range(len(golden.prompts)):
        check_greedy(report, golden, engine, f"{name} greedy alone", [i])


def check_other_layout(report, golden, options, source, limits):
    """Reading is what is at stake, so the short prompts will do."""
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / f"{source.name}-in-the-other-layout"
        other_layout.write(source, model)
        engine = Engine(options, model)
        short = [i for i in golden.text_prompts if golden.lengths[i] <= 64]
        check_logits(report, golden, engine, f"{model.name} logits", short, limits)
        for i in [i for i in golden.picture_prompts if golden.lengths[i] <= 64]:
            check_logits(report, golden, engine, f"{model.name} logits", [i], limits)


def why_no_gpu(binary):
    """Why `--device vulkan` takes none of this machine's GPUs, as the engine says it; None: it takes one."""
    done = subprocess.run([binary, "doctor", "--gpus", "--json"], stdout=subprocess.PIPE, check=True)
    vulkan = json.loads(done.stdout)["vulkan"]
    return vulkan["why"] if vulkan["device"] is None else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("goldens", type=pathlib.Path)
    parser.add_argument("--only", metavar="NAME", help="this model only")
    parser.add_argument("--form", choices=["folder", "gguf", "other"], help="this form only")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--tolerance", type=float, default=2e-3, help="in standard deviations of the logits")
    parser.add_argument("--kl", type=float, help="bounds the divergence of each token, in nats, instead")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one call")
    options = parser.parse_args()

    folders = sorted(p.parent for p in options.goldens.glob("*/golden.json"))
    folders = [f for f in folders if options.only in (None, f.name)]
    if not folders:
        sys.exit(f"no goldens in {options.goldens}")
    if options.device == "vulkan" and (why := why_no_gpu(options.binary)):
        print(f"skipped: {why}")
        sys.exit(77)
    report, limits = Report(), Limits(options)
    for folder in folders:
        golden = Golden(folder)
        models = [folder] if options.form in (None, "folder") else []
        if options.form in (None, "gguf"):
            models += [path for path in sorted(options.goldens.glob(f"{folder.name}.*.gguf"))
                       if ".mmproj." not in path.name]
        for model in models:
            check_model(report, golden, Engine(options, model), limits)
        if options.form in (None, "other"):
            check_other_layout(report, golden, options, folder, limits)
    if not report.lines:
        sys.exit(f"nothing to compare: {options.only or 'no model'} has no such form")
    print(f"{report.failures} comparisons failed" if report.failures else "all goldens agree")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
