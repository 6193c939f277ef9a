#!/usr/bin/env python3
"""Checks that folders are layers: a folder includes only what stands before it (docs/architecture.md).

    tools/check_layers.py [ROOT]

Reads every #include of src/, kernels/ and npu/. A second rule keeps heavy third-party headers out of everybody's
way: a header that one folder shows to another drags none of them along. One line a fault, exit status 1 if any.
"""
import pathlib
import re
import sys

# Folders in braces of the design stand in one row: they do not see each other.
LAYERS = [
    ["base"],
    ["tensor", "power"],
    ["files", "text", "vision", "store", "kernels"],
    ["ops", "grammar", "npu"],
    ["models", "device"],
    ["plan"],
    ["engine"],
    ["server"],
    ["apps"],
]
RANK = {folder: rank for rank, row in enumerate(LAYERS) for folder in row}

HEAVY = re.compile(r"boost/|nlohmann/json\.hpp$|CLI/|simdjson|pcre2|spdlog/sinks/")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
SUFFIXES = {".h", ".hpp", ".cpp", ".cc", ".inc"}


class File:
    def __init__(self, name, folder, path):
        self.name, self.folder = name, folder
        self.ours, self.foreign = [], []  # (line number, what is included)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := INCLUDE.match(line):
                (self.ours if found[1] else self.foreign).append((number, found[1] or found[2]))


def read_tree(root):
    """All source files by the name they are included by: "base/error.h", "kernels/rows.h"."""
    files = {}
    for top, base in ((root / "src", root / "src"), (root / "kernels", root), (root / "npu", root)):
        for path in sorted(top.rglob("*")) if top.is_dir() else []:
            if path.suffix in SUFFIXES:
                included_as = path.relative_to(base).as_posix()
                files[included_as] = File(path.relative_to(root).as_posix(), included_as.split("/")[0], path)
    return files


def heavy_headers(files, name, seen):
    """The heavy headers that including `name` brings in, however deep."""
    if name in seen or name not in files:
        return set()
    seen.add(name)
    found = {header for _, header in files[name].foreign if HEAVY.match(header)}
    for _, included in files[name].ours:
        found |= heavy_headers(files, included, seen)
    return found


def faults_of(files, file):
    if file.folder not in RANK:
        yield f"{file.name}:1: the folder {file.folder} has no place among the layers"
        return
    for line, included in file.ours:
        where = f"{file.name}:{line}: includes {included}"
        if included not in files:
            yield f"{where}, which is not there (paths are written from src/, or from the root for kernels/ and npu/)"
            continue
        other = files[included].folder
        if other == file.folder or other not in RANK:
            continue
        if RANK[other] >= RANK[file.folder]:
            relation = "beside" if RANK[other] == RANK[file.folder] else "after"
            yield f"{where}, but {other} stands {relation} {file.folder}"
        for header in sorted(heavy_headers(files, included, set())):
            yield f"{where}, which drags <{header}> along; keep it in a .cpp"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    files = read_tree(root)
    if not files:
        sys.exit(f"{root} has no sources under src/, kernels/ or npu/")
    faults = [fault for file in files.values() for fault in faults_of(files, file)]
    print("\n".join(faults) if faults else f"{len(files)} files keep to the layers")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
