#!/usr/bin/env python3
"""bench/peers with stand-ins for the engines. What the stand-ins of the peers print stands in tests/apps/peers:
recorded from llama.cpp b11669 (Debian) and ik_llama.cpp (November 2026) on a synthetic Qwen2.5-0.5B (vulkan-…: on
models/troika-mini.gguf and lavapipe), on a busy machine, so the speeds in them mean nothing; only the model's path was
shortened.

    peers_test.py BINARY PROJECT
"""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BINARY = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(sys.argv[2]).resolve()
RECORDED = PROJECT / "tests" / "apps" / "peers"

# Each stand-in writes down how it was called, then prints the record that its arguments ask for.
LOG = 'echo "$(basename "$0") $*" >> "$CALLS"\n'
LLAMA = LOG + """
case " $* " in
  *" -p 16 -n 0 "*) what=pp16 ;;
  *" -p 0 -n 4 -d 64 "*|*" -gp 64,4 "*) what=tg4@64 ;;
  *" -p 0 -n 4 "*) what=tg4 ;;
  *" -npp 1 -ntg 4 -npl 8 "*) what=tg4x8 ;;
  *) echo "error: invalid parameter" >&2; exit 1 ;;
esac
case " $* " in *" -ngl 99 "*) what=vulkan-$what ;; esac
cat "$RECORDED/$(basename "$0").err" >&2 2>/dev/null
cat "$RECORDED/$(basename "$0").$what.out"
"""
TROIKA = LOG + """
speed=$(cat "$SPEED")
case "$1 $2" in
  "--version "*) echo "troika 9.9.9" ;;
  "doctor --json") echo '{"cpu": {"cores": 3, "core_threads": [[0, 4], [1, 5], [2, 6]]}}' ;;
  "bench limits")
    case " $* " in *" vulkan "*)
      echo '{"device": "vulkan", "limits": {"of": "A GPU", "read_bytes_per_s": 9e10}}'; exit ;;
    esac
    echo '{"memory": [{"threads": 2, "read_bytes_per_s": 4e10, "copy_bytes_per_s": 3e10}], "peaks": []}' ;;
  "generate "*) echo '{"outputs": [[1]]}' ;;
  *) echo "a line that is no JSON"; echo '{"tests": [{"tokens_per_s": {"median": '$speed'}, "share_of_limit": 0.5}]}'
     echo $((speed + 10)) > "$SPEED" ;;
esac
"""


class Peers(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.calls, self.speed = self.folder / "calls", self.folder / "speed"
        self.calls.touch()
        self.speed.write_text("100")
        for name, text in (("troika", TROIKA), ("llama-bench", LLAMA), ("llama-batched-bench", LLAMA),
                           ("ik-llama-bench", LLAMA), ("ik-llama-batched-bench", LLAMA)):
            self.script(name, text)
        self.model = self.folder / "a model.gguf"
        self.model.write_bytes(b"GGUF")

    def script(self, name, text):
        path = self.folder / name
        path.write_text("#!/bin/bash\n" + text)
        path.chmod(0o755)
        return path

    def start(self, *arguments, troika=None,
              peers=("llama-bench", "llama-batched-bench", "ik-bench", "ik-batched-bench"),
              threads=("--threads", "2")):
        command = [PROJECT / "bench" / "peers", self.model, "--troika", str(troika or self.folder / "troika"), *threads]
        for peer in peers:
            name = peer.replace("ik-", "ik-llama-")
            command += [f"--{peer}", str(self.folder / name)]
        command += ["--json", str(self.folder / "out.json"), "--markdown", str(self.folder / "out.md")]
        environment = {"CALLS": str(self.calls), "SPEED": str(self.speed), "RECORDED": str(RECORDED)}
        return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=240,
                              env=os.environ | environment)

    def report(self, *arguments, **how):
        done = self.start(*arguments, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads((self.folder / "out.json").read_text())
        self.assertEqual((self.folder / "out.md").read_text(), done.stdout)
        return report, done.stdout

    def called(self, name):
        return [line for line in self.calls.read_text().splitlines() if line.split()[0] == name]

    def recorded(self, name, key):
        found = json.loads((RECORDED / f"{name}.out").read_text())
        return (found[0] if isinstance(found, list) else found)[key]

    def test_engines_take_turns_and_medians_are_compared(self):
        report, table = self.report("--tests", "pp16", "--rounds", 3)
        row = report["rows"][0]
        order = [line.split()[0] for line in self.calls.read_text().splitlines()
                 if "--version" not in line and "limits" not in line]
        self.assertEqual(order, ["troika", "llama-bench", "ik-llama-bench"] * 3)
        self.assertEqual(row["figures"]["Troika"], {"median": 110, "min": 100, "max": 120, "runs": [100, 110, 120]})
        llama, ik = self.recorded("llama-bench.pp16", "avg_ts"), self.recorded("ik-llama-bench.pp16", "avg_ts")
        self.assertEqual(row["figures"]["llama.cpp"]["runs"], [llama] * 3)
        self.assertEqual(row["figures"]["ik_llama.cpp"]["runs"], [ik] * 3)
        best = max(("llama.cpp", llama), ("ik_llama.cpp", ik), key=lambda peer: peer[1])
        self.assertEqual((row["best_peer"], row["ratio"]), (best[0], 110 / best[1]))
        self.assertEqual(row["share_of_limit"], 0.5)
        self.assertEqual(len(row["load_average"]), 9)
        self.assertIn(f"| a model.gguf | pp16 | tokens/s | 110 (100 … 120) | {llama:.4g} ", table)
        self.assertIn(f"| {best[0]} | **{110 / best[1]:.2f}** | 50 % |", table)

    def test_report_says_what_was_measured_where_and_how(self):
        report, table = self.report("--tests", "pp16", "--rounds", 1)
        self.assertEqual(set(report), {"date", "machine", "device", "threads", "rounds", "versions", "limits",
                                       "rows"})
        self.assertEqual(report["versions"], {"Troika": "troika 9.9.9", "llama.cpp": "Debian 11669, zen4",
                                              "ik_llama.cpp": "unknown 0"})
        self.assertEqual(set(report["machine"]), {"cpu", "hardware_threads", "memory_bytes", "system", "load_average"})
        self.assertEqual(report["limits"]["memory"][0]["threads"], 2)
        self.assertIn("Read bandwidth of 2 threads: 40.0 GB/s.", table)
        row = report["rows"][0]
        self.assertEqual((row["model"], row["bytes"]), ("a model.gguf", 4))
        self.assertIn("--threads 2", row["commands"]["Troika"])
        self.assertIn("'" + str(self.model) + "'", row["commands"]["llama.cpp"])

    def test_every_test_is_asked_of_every_engine_in_its_words(self):
        report, _ = self.report("--tests", "pp16,tg4,tg4@64,tg4x8,load", "--rounds", 1)
        troika, llama, ik = (self.called(name) for name in ("troika", "llama-bench", "ik-llama-bench"))
        batched, ik_batched = self.called("llama-batched-bench"), self.called("ik-llama-batched-bench")
        for calls, wanted in (
                (troika, ["-p 16 -n 0 --users 1 --depth 0 -r 1 --json", "-p 0 -n 4 --users 1 --depth 0 -r 1 --json",
                          "-p 0 -n 4 --users 1 --depth 64 -r 1 --json", "-p 0 -n 4 --users 8 --depth 0 -r 1 --json",
                          "--tokens 1 --device cpu --threads 2"]),
                (llama, ["-ngl 0 -dev none -p 16 -n 0 -r 1", "-p 0 -n 4 -r 1", "-p 0 -n 4 -d 64 -r 1",
                         "-p 16 -n 0 --no-warmup -r 1"]),
                (batched, ["-t 2 -ngl 0 -dev none -npp 1 -ntg 4 -npl 8 -c 104 --output-format jsonl"]),
                (ik_batched, ["-t 2 -ngl 0 -npp 1 -ntg 4 -npl 8 -c 104 -rtr"]),
                (ik, ["-ngl 0 -p 16 -n 0 -r 1 -o json -rtr 1", "-p 0 -n 4 -r 1 -o json -rtr 1",
                      "-p 0 -n 0 -gp 64,4 -r 1 -o json -rtr 1", "-p 16 -n 0 -w 0 -r 1 -o json -rtr 0"])):
            for words in wanted:
                self.assertTrue(any(words in call for call in calls), f"{words} not in {calls}")
        self.assertEqual((len(llama), len(batched), len(ik), len(ik_batched)), (4, 1, 4, 1))
        rows = {row["test"]: row for row in report["rows"]}
        for test, engine, recorded, key in (("tg4@64", "ik_llama.cpp", "ik-llama-bench.tg4@64", "avg_ts"),
                                            ("tg4@64", "llama.cpp", "llama-bench.tg4@64", "avg_ts"),
                                            ("tg4x8", "llama.cpp", "llama-batched-bench.tg4x8", "speed_tg")):
            self.assertEqual(rows[test]["figures"][engine]["median"], self.recorded(recorded, key))
        self.assertEqual(rows["tg4x8"]["figures"]["ik_llama.cpp"]["median"], 92.44)
        row = self.report("--tests", "tg4x8", "--rounds", 1, peers=("ik-bench",))[0]["rows"][0]
        self.assertEqual(row["failures"], {"ik_llama.cpp": "has no such test"})
        self.assertEqual(rows["load"]["unit"], "s")

    def test_on_a_gpu_all_layers_of_all_engines_are_there(self):
        llamas = ("llama-bench", "llama-batched-bench")
        report, table = self.report("--tests", "pp16,tg4x8", "--rounds", 1, "--device", "vulkan", peers=llamas)
        self.assertEqual(report["device"], "vulkan")
        rows = {row["test"]: row for row in report["rows"]}
        for test, recorded, key in (("pp16", "llama-bench.vulkan-pp16", "avg_ts"),
                                    ("tg4x8", "llama-batched-bench.vulkan-tg4x8", "speed_tg")):
            self.assertEqual(rows[test]["figures"]["llama.cpp"]["median"], self.recorded(recorded, key))
            self.assertIn("--device vulkan", rows[test]["commands"]["Troika"])
            self.assertIn("-ngl 99 -dev Vulkan0", rows[test]["commands"]["llama.cpp"])
            self.assertIn("ratio", rows[test])
        self.assertIn("troika bench limits --json --device vulkan --threads 2", self.called("troika"))
        self.assertEqual(report["versions"]["llama.cpp"], "Debian 11669, llvmpipe (LLVM 22.1.8, 256 bits)")
        self.assertIn("; A GPU by Vulkan; ", table)
        self.assertIn("Read bandwidth of A GPU: 90.0 GB/s.", table)
        self.report("--tests", "pp16", "--rounds", 1, "--device", "vulkan", "--llama-device", "Vulkan1", peers=llamas)
        self.assertIn("-dev Vulkan1", self.called("llama-bench")[-1])

    # A GPU that measures no limits leaves a gap in the last column, not in the others.
    def test_without_limits_there_is_no_share(self):
        self.script("troika", TROIKA.replace('"share_of_limit": 0.5', '"share_of_limit": null'))
        row = self.report("--tests", "pp16", "--rounds", 1)[0]["rows"][0]
        self.assertNotIn("share_of_limit", row)
        self.assertIn("ratio", row)

    def test_threads_are_the_physical_cores_unless_given(self):
        report, table = self.report("--tests", "pp16", "--rounds", 1, threads=())
        self.assertEqual(report["threads"], 3)
        self.assertIn(", 3 threads; ", table)
        self.assertIn("--threads 3", report["rows"][0]["commands"]["Troika"])
        for peer in ("llama.cpp", "ik_llama.cpp"):
            self.assertIn("-t 3 ", report["rows"][0]["commands"][peer])
        self.assertIn("troika bench limits --json --device cpu --threads 3", self.called("troika"))
        self.report("--tests", "pp16", "--rounds", 1)
        self.assertEqual(len([call for call in self.called("troika") if "doctor" in call]), 1)

    def test_of_times_the_shorter_is_better(self):
        loader = importlib.machinery.SourceFileLoader("peers", str(PROJECT / "bench" / "peers"))
        peers = importlib.util.module_from_spec(importlib.util.spec_from_loader("peers", loader))
        loader.exec_module(peers)
        engines = [peers.Troika, peers.LlamaCpp, peers.IkLlamaCpp]
        for test, best, ratio in (("load", "ik_llama.cpp", 1.5), ("pp8", "llama.cpp", 0.5)):
            row = {"figures": {"Troika": {"median": 2}, "llama.cpp": {"median": 4}, "ik_llama.cpp": {"median": 3}}}
            peers.rate(row, engines, peers.Test.parse(test))
            self.assertEqual((row["best_peer"], row["ratio"]), (best, ratio))
        row = {"figures": {"llama.cpp": {"median": 4}}}
        peers.rate(row, engines, peers.Test.parse("load"))
        self.assertNotIn("ratio", row)

    def test_a_peer_that_fails_leaves_a_gap_and_its_reason(self):
        self.script("ik-llama-bench", 'echo "loading" >&2; echo "error: out of memory" >&2; exit 3\n')
        self.script("llama-bench", "echo 'error: no such model'\n")
        report, table = self.report("--tests", "pp16", "--rounds", 2)
        row = report["rows"][0]
        self.assertEqual(row["failures"], {"llama.cpp": "printed no JSON",
                                           "ik_llama.cpp": "ended with 3: error: out of memory"})
        self.assertNotIn("ratio", row)
        self.assertIn("| — | — | — | — | 50 % |", table)
        self.assertIn("- a model.gguf pp16, ik_llama.cpp: ended with 3: error: out of memory", table)

    def test_a_peer_that_measured_something_else_has_no_figure(self):
        self.script("llama-bench", 'cat "$RECORDED/llama-bench.tg4.out"\n')
        row = self.report("--tests", "pp16", "--rounds", 1)[0]["rows"][0]
        self.assertEqual(row["failures"]["llama.cpp"], "measured another test")

    def test_a_peer_that_hangs_is_given_up(self):
        self.script("llama-bench", "exec sleep 60\n")
        row = self.report("--tests", "pp16", "--rounds", 1, "--timeout", 2)[0]["rows"][0]
        self.assertEqual(row["failures"]["llama.cpp"], "gave no answer within 2 s")

    def test_commands_may_have_arguments_and_paths_another_name_inside(self):
        self.start("--tests", "pp16", "--rounds", 1, "--llama-bench", f"env FOO='a b' {self.folder}/llama-bench -fa on",
                   "--path-map", f"{self.folder}=/models", peers=())
        self.assertIn("-fa on -m /models/a model.gguf -t 2", self.called("llama-bench")[0])

    def test_without_troika_there_is_no_table(self):
        done = self.start("--tests", "pp16", troika=self.folder / "none")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aerror: .*/none cannot be run: [^\n]+\n\Z")
        self.script("troika", 'case $1 in --version) echo t;; *) echo "error: bad model" >&2; exit 1;; esac\n')
        done = self.start("--tests", "pp16", "--rounds", 1)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Troika: ended with 1: error: bad model", done.stdout)

    def test_a_wrong_command_line_ends_with_2(self):
        for arguments, words in ((("--tests", "pp"), "'pp' is no test"), (("--tests", "pp0"), "pp0"),
                                 (("--tests", "pp8x2"), "pp8x2"), (("--rounds", "0"), "--rounds"),
                                 (("--threads", "0"), "--threads"), (("missing.gguf",), "missing.gguf"),
                                 (("--tests", ""), "--tests"), (("--device", "abacus"), "abacus"),
                                 (("--device", "vulkan"), "ik_llama.cpp is measured on the CPU only")):
            done = self.start(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(words, done.stderr)

    # With the binary itself: what bench/peers asks of troika is what troika has.
    def test_the_real_binary_answers_every_test(self):
        self.model = PROJECT / "models" / "troika-mini.gguf"
        report, _ = self.report("--tests", "pp16,tg4,tg4@64,tg4x8,load", "--rounds", 1, troika=BINARY)
        for row in report["rows"]:
            self.assertGreater(row["figures"]["Troika"]["median"], 0, row)
            self.assertEqual("share_of_limit" in row, row["test"] != "load")
            self.assertIn("ratio", row)
        self.assertTrue(re.match(r"troika \d", report["versions"]["Troika"]))
        self.assertTrue(report["limits"]["peaks"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
