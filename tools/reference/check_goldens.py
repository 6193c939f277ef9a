#!/usr/bin/env python3
"""Compares a built troika with the reference goldens, through its plumbing verbs. Standard library only.

    check_goldens.py build/release/troika tests/goldens [--only qwen2-tied] [--device cpu] [--dtype f32]

Each model runs from its safetensors folder and from every GGUF file beside it. Each prompt runs alone (its own
process), among the others, and all run as one ragged batch. Logits must be within the tolerance, which is in
units of the reference logits' standard deviation; greedy continuations must be equal. One line a comparison,
exit status 1 if any fails.
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
        self.logits = []
        for i, kept in enumerate(self.positions):
            rows, columns, values = read_npy(folder / f"logits-{i}.npy")
            assert (rows, columns) == (len(kept), self.vocab), f"{folder}: logits-{i}.npy does not fit golden.json"
            self.logits.append(values)
        self.deviations = [deviation(v) for v in self.logits]

    def logits_error(self, path, i):
        """The largest difference at the kept positions of prompt i, in standard deviations."""
        if not path.exists():
            raise Wrong(f"wrote no {path.name}")
        rows, columns, values = read_npy(path)
        if (rows, columns) != (len(self.prompts[i]), self.vocab):
            raise Wrong(f"{path.name} is [{rows}, {columns}], not [{len(self.prompts[i])}, {self.vocab}]")
        if not math.isfinite(sum(values)):
            raise Wrong(f"{path.name} holds numbers that are not finite")
        worst = 0.0
        for row, position in enumerate(self.positions[i]):
            want = self.logits[i][row * columns:(row + 1) * columns]
            got = values[position * columns:(position + 1) * columns]
            worst = max(worst, max(abs(g - w) for g, w in zip(got, want)))
        return worst / self.deviations[i]


class Engine:
    def __init__(self, options, model):
        self.binary, self.model = options.binary, model
        self.common = ["--device", options.device, "--dtype", options.dtype]
        self.timeout = options.timeout

    def run(self, verb, prompts, *arguments):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as ids:
            json.dump({"prompts": prompts}, ids)
            ids.flush()
            command = [self.binary, verb, str(self.model), "--ids", ids.name, *arguments, *self.common]
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

    def logits(self, prompts, folder, *arguments):
        self.run("logits", prompts, "--out", str(folder), *arguments)
        return [folder / f"{i}.npy" for i in range(len(prompts))]

    def generate(self, prompts, tokens):
        text = self.run("generate", prompts, "--tokens", str(tokens))
        try:
            outputs = json.loads(text)["outputs"]
        except (ValueError, KeyError, TypeError):
            raise Wrong(f"generate printed no {{\"outputs\": ...}}: {text[:80]!r}")
        if len(outputs) != len(prompts):
            raise Wrong(f"generate gave {len(outputs)} outputs for {len(prompts)} prompts")
        return outputs


class Report:
    def __init__(self):
        self.failures = 0

    def line(self, what, problem, detail):
        self.failures += problem is not None
        print(f"{'FAIL' if problem else 'ok  '} {what}: {problem or detail}", flush=True)


def check_logits(report, golden, engine, what, indices, tolerance, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        try:
            paths = engine.logits([golden.prompts[i] for i in indices], pathlib.Path(folder), *arguments)
        except Wrong as wrong:
            report.line(f"{what}", str(wrong), "")
            return
        for i, path in zip(indices, paths):
            label = f"{what} {len(golden.prompts[i])} tokens"
            try:
                error = golden.logits_error(path, i)
                problem = None if error <= tolerance else f"off by {error:.2e} deviations, allowed {tolerance:.0e}"
                report.line(label, problem, f"within {error:.1e}")
            except Wrong as wrong:
                report.line(label, str(wrong), "")


def check_greedy(report, golden, engine, what, indices):
    wanted = [golden.continuations[i] for i in indices]
    try:
        outputs = engine.generate([golden.prompts[i] for i in indices], len(wanted[0]))
    except Wrong as wrong:
        report.line(what, str(wrong), "")
        return
    for i, got, want in zip(indices, outputs, wanted):
        problem = None
        if got != want:
            at = next((k for k, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
            problem = (f"differs from token {at} of {len(want)} on: "
                       f"got {got[at:at + 4]}, expected {want[at:at + 4]}")
        report.line(f"{what} {len(golden.prompts[i])} tokens", problem, "equal")


def check_model(report, golden, engine, tolerance):
    every = range(len(golden.prompts))
    name = engine.model.name
    check_logits(report, golden, engine, f"{name} logits", every, tolerance)
    check_logits(report, golden, engine, f"{name} logits --batch", every, tolerance, "--batch")
    check_greedy(report, golden, engine, f"{name} greedy", every)
    for i in every:
        check_greedy(report, golden, engine, f"{name} greedy alone", [i])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("goldens", type=pathlib.Path)
    parser.add_argument("--only", metavar="NAME", help="this model only")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--tolerance", type=float, default=2e-3, help="in standard deviations of the logits")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one call")
    options = parser.parse_args()

    folders = sorted(p.parent for p in options.goldens.glob("*/golden.json"))
    folders = [f for f in folders if options.only in (None, f.name)]
    if not folders:
        sys.exit(f"no goldens in {options.goldens}")
    report = Report()
    for folder in folders:
        golden = Golden(folder)
        for model in [folder, *sorted(options.goldens.glob(f"{folder.name}.*.gguf"))]:
            check_model(report, golden, Engine(options, model), options.tolerance)
    print(f"{report.failures} comparisons failed" if report.failures else "all goldens agree")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
