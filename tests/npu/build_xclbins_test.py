#!/usr/bin/env python3
"""The script that builds xclbins, without the tools it is for: what it would run, what it says is missing, and its own
steps around stand-ins for clang++ and aiecc. The real tools have not run under it.

    build_xclbins_test.py SOURCE_DIR NPU_DESIGN
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
NPU_DESIGN = sys.argv.pop(1)
DESIGNS = ["gemm_w4a8", "gemm_w4a8_bf16", "gemm_w8a8", "gemm_w8a16", "gemm_bf16", "gemm_bf16_wide", "gemm_w4a8_few",
           "gemm_w8a8_few"]
PINS = dict(re.findall(r"^(\w+)=(.+)$", (ROOT / "npu/build/pins").read_text(), re.M))

# Each takes what follows -o or --xclbin-name, as the real ones do. aiecc has the design with addresses, where CHANGE is a
# sed program that the test may set.
CLANG = '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho object > "$2"\n'
AIECC = """#!/bin/sh
for argument; do
  case $argument in --tmpdir=*) folder=${argument#*=} ;; --xclbin-name=*) xclbin=${argument#*=} ;; esac
done
mkdir -p "$folder" && sed -E "$CHANGE" "$argument" > "$folder/main_input_with_addresses.mlir"
for object in $(grep -o '[a-z0-9_]*\\.o"' "$argument" | tr -d '"'); do cat "$object" || exit 1; done > "$xclbin"
"""


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class BuildXclbins(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name).resolve()
        self.tools, self.out = self.folder / "tools", self.folder / "out"
        # The system's programs and nothing that happens to be installed beside them.
        self.path = self.folder / "path"
        self.path.mkdir()
        for name in ("bash", "cp", "cut", "dirname", "env", "find", "grep", "mkdir", "realpath", "sed", "sh", "sha256sum",
                     "sort", "tr", "cat"):
            found = [pathlib.Path(p, name) for p in ("/bin", "/usr/bin") if pathlib.Path(p, name).exists()]
            (self.path / name).symlink_to(found[0])

    def install(self, mlir_aie=PINS["mlir_aie"], llvm_aie=PINS["llvm_aie"]):
        program(self.tools / "llvm-aie/bin/clang++", CLANG)
        program(self.tools / "mlir_aie/bin/aiecc", AIECC)
        (self.tools / f"mlir_aie-{mlir_aie}.dist-info").mkdir()
        (self.tools / f"llvm_aie-{llvm_aie}.dist-info").mkdir()
        for name in ("xclbinutil", "llvm-objcopy"):
            program(self.path / name, "#!/bin/sh\n")

    def run_script(self, *options, change=""):
        command = [ROOT / "npu/build/build_xclbins", "--npu-design", NPU_DESIGN, "--tools", self.tools, "--out", self.out]
        return subprocess.run([*command, *options], capture_output=True, text=True,
                              env={"PATH": str(self.path), "CHANGE": change})

    def test_a_dry_run_prints_every_command_and_leaves_nothing(self):
        done = self.run_script("--dry-run")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in DESIGNS:
            folder = self.out / name
            self.assertIn(f"{NPU_DESIGN} text {name} > {folder}/{name}.mlir\n", done.stdout)
            self.assertRegex(done.stdout, f"aiecc --no-xchesscc --no-xbridge .*--aie-generate-xclbin .*{name}.mlir\n")
            self.assertRegex(done.stdout, f"manifest {name} SHA256 MLIR_AIE .* > {self.out}/{name}.json\n")
            text = subprocess.run([NPU_DESIGN, "text", name], capture_output=True, check=True, text=True).stdout
            for kernel in set(re.findall(r'link_with = "(\w+)\.o"', text)):
                source = ROOT / f"npu/kernels/{kernel}.cc"
                self.assertTrue(source.exists(), source)
                self.assertIn(f" -c {source} -o {folder}/{kernel}.o\n", done.stdout)
        self.assertIn("--target=aie2-none-unknown-elf -std=c++20 -O2", done.stdout)
        self.assertFalse(self.out.exists())

    def test_missing_tools_are_named_with_where_to_get_them(self):
        done = self.run_script()
        self.assertEqual((done.returncode, done.stdout), (77, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(lines[0], "build_xclbins: these are missing, and where to get them:")
        expected = ((f"aiecc of mlir-aie {PINS['mlir_aie']} ", "install_tools"),
                    (f"clang++ of Peano, llvm-aie {PINS['llvm_aie']} ", "install_tools"),
                    ("xclbinutil of XRT", "apt-get install libxrt-utils"), ("llvm-objcopy", "apt-get install llvm"))
        self.assertEqual(len(lines), 1 + len(expected))
        for line, (tool, cure) in zip(lines[1:], expected):
            self.assertTrue(line.startswith("  " + tool), line)
            self.assertIn(cure, line)
        self.assertFalse(self.out.exists())

    def test_tools_of_other_versions_count_as_missing(self):
        self.install(mlir_aie="1.4.4", llvm_aie="20.0")
        done = self.run_script()
        self.assertEqual(done.returncode, 77)
        self.assertIn(f"mlir-aie {PINS['mlir_aie']}, since another one is in {self.tools}", done.stderr)
        self.assertIn(f"llvm-aie {PINS['llvm_aie']}, since another one is in {self.tools}", done.stderr)

    def test_an_xclbin_gets_a_manifest_of_its_own_bytes(self):
        self.install()
        done = self.run_script()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in DESIGNS:
            text = subprocess.run([NPU_DESIGN, "text", name], capture_output=True, check=True).stdout
            manifest = json.loads((self.out / f"{name}.json").read_text())
            self.assertEqual((self.out / name / f"{name}.mlir").read_bytes(), text)
            self.assertEqual(manifest["design_sha256"], hashlib.sha256(text).hexdigest())
            self.assertEqual(manifest["xclbin"]["sha256"],
                             hashlib.sha256((self.out / f"{name}.xclbin").read_bytes()).hexdigest())
            self.assertEqual(manifest["tools"], {"mlir_aie": PINS["mlir_aie"], "llvm_aie": PINS["llvm_aie"]})

    def test_moved_parameters_are_refused(self):
        self.install()
        done = self.run_script(change="/parameters_3_4 = aie.buffer/s/address = [0-9]+/address = 64/")
        self.assertEqual(done.returncode, 1)
        self.assertIn("build_xclbins: aiecc moved the parameters of gemm_w4a8 (see", done.stderr)
        self.assertFalse(list(self.out.glob("*.json")) + list(self.out.glob("*.xclbin")))

    def test_other_buffers_may_move(self):
        self.install()
        done = self.run_script(change="/%[ABC].*aie.buffer/s/address = [0-9]+/address = 64, mem_bank = 1/")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_tool_that_fails_ends_the_build(self):
        self.install()
        program(self.tools / "mlir_aie/bin/aiecc", "#!/bin/sh\necho no route >&2\nexit 3\n")
        done = self.run_script()
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "no route\n")
        self.assertFalse(list(self.out.glob("*.json")))

    def test_wrong_options_are_told(self):
        for options, sentence in ((["--fast"], "there is no option --fast"), (["--tools"], "--tools needs a value."),
                                  (["--npu-design", "/nowhere"], "/nowhere is no program; build it")):
            done = self.run_script(*options)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(sentence, done.stderr)

    def test_the_tools_are_installed_by_version(self):
        done = subprocess.run([ROOT / "npu/build/install_tools", "/opt/tools", "--dry-run"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("pip install --target /opt/tools ", done.stdout)
        self.assertIn(f"mlir_aie=={PINS['mlir_aie']} llvm-aie=={PINS['llvm_aie']}", done.stdout)
        self.assertEqual(subprocess.run([ROOT / "npu/build/install_tools"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
