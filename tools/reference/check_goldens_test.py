#!/usr/bin/env python3
"""Proves that check_goldens.py can fail: a pretended engine repeats the goldens, exactly or with one fault.

    check_goldens_test.py tests/goldens

The engine is this file again, started with TROIKA_FAULT set to the fault. Standard library only.
"""
import array
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve()
MODEL = "qwen2-tied"
SEEING = "qwen2.5-vl"

# What the engine does wrong, and the comparison that must tell.
FAULTS = {
    "": None,
    "within": None,                                    # off by half the tolerance
    "off": "logits 17 tokens: off by",                 # one logit, three times the tolerance
    "off-in-batch": "logits --batch 17 tokens: off by",
    "nan": "not finite",
    "short": "is [16, 331], not [17, 331]",
    "missing": "wrote no",
    "not-npy": "not an npy file",
    "token": "greedy 17 tokens: differs from token 47",
    "token-alone": "greedy alone 17 tokens: differs from token 0",
    "stops": "greedy 17 tokens: differs from token 9",
    "crash": "ended with 3: out of luck",
    "no-json": "printed no",
}

# The same for a model with a tower: forms other than the folder are told by what the engine is given.
SEEING_FAULTS = {
    "": None,
    "blind": "1 pictures: off by",                     # the pictures were not looked at
    "collapsed": "is [12, 301], not [17, 301]",        # a row a placeholder, not one a picture token
    "published-only": "in-the-other-layout logits: logits ended with 3: no tensor visual.",
}

# The same where the divergence is bounded, not the logits.
ROUNDING = {"": None, "off": None, "far": "nats from the reference, allowed 1e-05"}


def pretend(goldens, fault, arguments):
    if arguments[0] == "doctor":
        no_gpu = fault == "no-gpu"
        print(json.dumps({"vulkan": {"device": None if no_gpu else 0, "why": "there is none" if no_gpu else "it is the only one"}}))
        return
    sys.path.insert(0, str(HERE.parent))
    from check_goldens import Golden
    verb, model = arguments[0], pathlib.Path(arguments[1])
    golden = Golden(goldens / next(name for name in (MODEL, SEEING) if model.name.startswith(name)))
    asked = json.loads(pathlib.Path(arguments[arguments.index("--ids") + 1]).read_text())["prompts"]
    if fault == "crash":
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    indices = [golden.prompts.index(ids) for ids in asked]
    shown = [arguments[n + 1] for n, argument in enumerate(arguments) if argument == "--image"]
    if shown != [str(image) for i in indices for image in golden.images[i]]:
        sys.exit(f"the wrong pictures: {shown}")
    if shown and model.suffix == ".gguf" and "--mmproj" not in arguments:
        sys.exit("no --mmproj")
    tensors = model / "model.safetensors"
    if fault == "published-only" and model.is_dir() and b'"visual.' not in tensors.read_bytes()[:20000]:
        print("no tensor visual.patch_embed.proj.weight", file=sys.stderr)
        sys.exit(3)
    if verb == "generate":
        outputs = [list(golden.continuations[i]) for i in indices]
        for ids, out in zip(asked, outputs):
            if len(ids) != 17:
                continue
            if fault == "token":
                out[-1] += 1
            if fault == "token-alone" and len(asked) == 1:
                out[0] += 1
            if fault == "stops":
                del out[9:]
        print("nothing" if fault == "no-json" else json.dumps({"outputs": outputs}))
        return
    out = pathlib.Path(arguments[arguments.index("--out") + 1])
    for n, i in enumerate(indices):
        write_logits(out / f"{n}.npy", golden, i, fault, "--batch" in arguments)


def write_logits(path, golden, i, fault, batch):
    rows, columns = golden.lengths[i], golden.vocab
    values = array.array("f", bytes(4 * rows * columns))
    for row, position in enumerate(golden.positions[i]):
        values[position * columns:(position + 1) * columns] = golden.logits[i][row * columns:(row + 1) * columns]
    if rows == 17:
        shift = {"within": 1e-3, "off": 6e-3, "far": 1.0, "off-in-batch": 6e-3 if batch else 0}.get(fault, 0)
        values[-5] += shift * golden.deviations[i]
        if fault == "nan":
            values[0] = float("nan")
        if fault == "short":
            rows, values = 16, values[:16 * columns]
        if fault == "missing":
            return
    if golden.images[i] and fault == "blind":
        values[-5] += 6e-3 * golden.deviations[i]
    if golden.images[i] and fault == "collapsed":
        rows, values = len(golden.prompts[i]), values[:len(golden.prompts[i]) * columns]
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    magic = b"\x93NUMPX" if fault == "not-npy" else b"\x93NUMPY"
    path.write_bytes(magic + b"\x01\x00" + struct.pack("<H", len(header)) + header + values.tobytes())


def copy_short(source, target, lengths):
    """The model's goldens without the long prompts, so that many runs take seconds."""
    golden = json.loads((source / "golden.json").read_text())
    kept = [i for i, ids in enumerate(golden["prompts"]) if len(ids) in lengths]
    target.mkdir(parents=True)
    for n, i in enumerate(kept):
        (target / f"logits-{n}.npy").write_bytes((source / f"logits-{i}.npy").read_bytes())
    for key in {"prompts", "continuations", "positions", "images", "lengths"} & golden.keys():
        golden[key] = [golden[key][i] for i in kept]
    (target / "golden.json").write_text(json.dumps(golden))
    for name in ("config.json", "model.safetensors"):      # for the other layout
        (target / name).write_bytes((source / name).read_bytes())


def told(engine, goldens, model, fault, sentence, *options):
    """Whether the checker says what is wrong, and nothing if nothing is."""
    command = [sys.executable, HERE.parent / "check_goldens.py", engine, goldens, "--only", model, *options]
    done = subprocess.run(command, env={**os.environ, "TROIKA_FAULT": fault}, stdout=subprocess.PIPE, text=True)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    good = (not failed if sentence is None else any(sentence in line for line in failed)) and \
        done.returncode == (0 if sentence is None else 1)
    said = failed[0] if failed else "nothing reported"
    print(f"{'ok  ' if good else 'FAIL'} {model}, {fault or 'no fault'}: {said}")
    return good


def skips(engine, goldens, fault, status):
    """Whether goldens on a GPU end with `status`."""
    command = [sys.executable, HERE.parent / "check_goldens.py", engine, goldens, "--only", MODEL, "--device", "vulkan"]
    done = subprocess.run(command, env={**os.environ, "TROIKA_FAULT": fault}, stdout=subprocess.PIPE, text=True)
    said = done.stdout.splitlines()[-1]
    good = done.returncode == status and (said == "skipped: there is none") == (status == 77)
    print(f"{'ok  ' if good else 'FAIL'} on a GPU, {fault or 'no fault'}: {said}")
    return good


def main():
    committed, failures = pathlib.Path(sys.argv[1]), 0
    with tempfile.TemporaryDirectory() as folder:
        goldens = pathlib.Path(folder) / "goldens"
        copy_short(committed / MODEL, goldens / MODEL, (3, 17))
        copy_short(committed / SEEING, goldens / SEEING, (3, 12))
        for kind in ("f16", "mmproj.f16"):
            (goldens / f"{SEEING}.{kind}.gguf").write_bytes(b"")      # the pretended engine reads neither
        engine = pathlib.Path(folder) / "engine"
        engine.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}" --pretend "{goldens}" "$@"\n')
        engine.chmod(0o755)
        for model, faults in ((MODEL, FAULTS), (SEEING, SEEING_FAULTS)):
            failures += sum(not told(engine, goldens, model, *fault) for fault in faults.items())
        for fault, sentence in ROUNDING.items():
            failures += not told(engine, goldens, MODEL, fault, sentence, "--kl", "1e-5")
        for fault, status in (("", 0), ("token", 1), ("no-gpu", 77)):
            failures += not skips(engine, goldens, fault, status)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    if sys.argv[1] == "--pretend":
        pretend(pathlib.Path(sys.argv[2]), os.environ["TROIKA_FAULT"], sys.argv[3:])
    else:
        main()
