#!/usr/bin/env python3
"""troika bench: what its three parts print, as JSON and as text, on tiny sizes. No figure is judged by its size; only
that it is there, and what must hold between figures.

    bench_test.py BINARY PROJECT
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BINARY = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(sys.argv[2]).resolve()
VISION = PROJECT / "tests" / "goldens" / "gemma3"  # layers with windows, no tokenizer


def troika(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=240)


class Bench(unittest.TestCase):
    def answer(self, *arguments):
        done = troika("bench", *arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done.stdout

    def read(self, *arguments):
        return json.loads(self.answer(*arguments, "--json"))

    def refusal(self, *arguments, says, code=1):
        done = troika("bench", *arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr}")
        if code == 1:
            self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z", arguments)
        self.assertIn(says, done.stderr)

    def positive(self, *values):
        for value in values:
            self.assertIsInstance(value, (int, float))
            self.assertTrue(math.isfinite(value) and value > 0, value)

    def spread(self, value, runs):
        self.assertEqual(set(value), {"median", "min", "max", "runs"})
        self.assertEqual(len(value["runs"]), runs)
        self.positive(*value["runs"])
        self.assertEqual((value["min"], value["max"]), (min(value["runs"]), max(value["runs"])))
        ordered = sorted(value["runs"])
        middle = [ordered[(runs - 1) // 2], ordered[runs // 2]]
        self.assertAlmostEqual(value["median"] / (sum(middle) / 2), 1)

    def limits(self, value, threads):
        self.assertEqual(set(value), {"threads", "kernels", "read_bytes_per_s", "int8_operations_per_s",
                                      "bits16_operations_per_s", "fp32_operations_per_s"})
        self.assertEqual(value["threads"], threads)
        self.positive(value["read_bytes_per_s"], value["int8_operations_per_s"], value["fp32_operations_per_s"])

    def machine(self, value):
        self.assertEqual(set(value), {"cpu", "cores", "memory_bytes", "last_cache_bytes", "system", "load_average",
                                      "version"})
        self.positive(value["cores"], value["memory_bytes"])
        self.assertRegex(value["version"], r"^troika \d")


class Machine:
    """A tree of sysfs whose package takes so many watts, by a counter that goes round every five joules."""
    RANGE = 5_000_000

    def __init__(self, watts):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.zone = self.root / "sys/class/powercap/intel-rapl:0"
        self.zone.mkdir(parents=True)
        (self.zone / "name").write_text("package-0\n")
        (self.zone / "max_energy_range_uj").write_text(f"{self.RANGE}\n")
        self.begin, self.watts, self.ends = time.monotonic(), watts, threading.Event()
        self.count()
        self.thread = threading.Thread(target=self.tick)

    def count(self):
        microjoules = int((time.monotonic() - self.begin) * self.watts * 1e6) % self.RANGE
        (self.zone / "next").write_text(f"{microjoules}\n")
        (self.zone / "next").rename(self.zone / "energy_uj")

    def tick(self):
        while not self.ends.wait(0.002):
            self.count()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        self.folder.cleanup()


class Energy(Bench):
    SHORT = ("-p", "64", "-n", "0", "-r", "20", "--threads", "1")

    def test_tokens_per_joule_are_those_of_the_time_that_a_test_took(self):
        with Machine(watts=0.9) as machine:
            found = self.read("-p", "512", "-n", "400", "-r", "3", "--threads", "1", "--system-root", machine.root)
        self.assertEqual((found["energy"]["source"], found["energy"]["missing"]), ("package", None))
        self.assertAlmostEqual(found["energy"]["idle_watts"], 0.9, delta=0.1)
        for test in found["tests"]:
            self.positive(test["watts"], test["tokens_per_joule"])
            seconds = sum(test["tokens"] / rate for rate in test["tokens_per_s"]["runs"])
            if seconds < 0.5:
                continue  # the counter is moved on by another process, a little late
            self.assertAlmostEqual(test["watts"], 0.9, delta=0.2, msg=test["test"])
            tokens = 3 * test["tokens"]
            self.assertAlmostEqual(test["tokens_per_joule"] * 0.9 * seconds / tokens, 1, delta=0.3, msg=test["test"])

    def test_they_stand_beside_the_speed(self):
        with Machine(watts=0.9) as machine:
            text = self.answer(*self.SHORT, "--system-root", machine.root)
        self.assertRegex(text, r"energy: of the processor's package, .*; 0\.[89] W while nothing ran, which are in the figures")
        self.assertRegex(text, r"max +tokens/J +share")
        self.assertRegex(text, r"pp64 .* \d[\d.e+]* \(\d\.\d W\)")

    def test_without_a_counter_it_is_said_why(self):
        with tempfile.TemporaryDirectory() as root:
            found = self.read(*self.SHORT, "--system-root", root)
            text = self.answer(*self.SHORT, "--system-root", root)
        self.assertIn("this system has no counter of the processor's energy", found["energy"]["missing"])
        self.assertIsNone(found["energy"]["idle_watts"])
        self.assertIsNone(found["tests"][0]["tokens_per_joule"])
        self.assertIn("energy: not measured: this system has no counter", text)
        self.assertNotIn("tokens/J", text)

    def test_a_batterys_gauge_tells_nothing_of_a_moment(self):
        with tempfile.TemporaryDirectory() as root:
            battery = pathlib.Path(root) / "sys/class/power_supply/BAT0"
            battery.mkdir(parents=True)
            for name, value in {"type": "Battery", "status": "Discharging", "power_now": 9_000_000}.items():
                (battery / name).write_text(f"{value}\n")
            found = self.read(*self.SHORT, "--system-root", root)
        self.assertEqual(found["energy"]["source"], "battery")
        self.assertAlmostEqual(found["energy"]["idle_watts"], 9)
        self.assertIsNone(found["tests"][0]["tokens_per_joule"])

    def test_the_machine_is_measured_whole_unless_power_says_otherwise(self):
        self.assertRegex(self.read(*self.SHORT)["power"], r"\A--power full\b[^%]*(\(\d+ %\))?: full\Z")
        self.assertIn("25 % of the threads", self.read(*self.SHORT, "--power", "quiet")["power"])
        self.refusal(*self.SHORT, "--power", "loud", says="--power", code=2)


class OfAModel(Bench):
    TINY = ("-p", "8", "-n", "3", "-r", "1", "--threads", "1")

    def test_every_test_has_its_speed_and_its_share(self):
        begin = time.monotonic()
        found = self.read("-p", "8,16", "-n", "3,4", "--users", "1,3", "--depth", "0,40", "-r", "2", "--threads", "1")
        taken = time.monotonic() - begin
        self.machine(found["machine"])
        self.limits(found["limits"], 1)
        self.positive(found["load_s"], found["first_token_s"], found["full_speed_s"], found["resident_bytes"], found["weight_bytes_per_step"],
                      found["parameters"], found["weight_bytes"])
        timed = sum(t["tokens"] * t["users"] / rate for t in found["tests"] for rate in t["tokens_per_s"]["runs"])
        self.assertLess(found["first_token_s"] + timed, taken, "what was timed took longer than the process")
        self.assertEqual((found["model"], found["threads"], found["repeats"]), ("Troika Mini", 1, 2))
        names = [test["test"] for test in found["tests"]]
        at_0 = ["pp8", "pp16", "tg3", "tg3 x3", "tg4", "tg4 x3"]
        self.assertEqual(names, at_0 + [name + " @ d40" for name in at_0])
        for test in found["tests"]:
            self.assertEqual(set(test), {"test", "kind", "tokens", "users", "depth", "tokens_per_s",
                                         "predicted_tokens_per_s", "prediction_is_off", "tokens_per_joule", "watts",
                                         "bytes_per_s",
                                         "int8_operations_per_s", "bits16_operations_per_s", "fp32_operations_per_s",
                                         "attention_operations_per_s",
                                         "bound", "share_of_limit"})
            self.spread(test["tokens_per_s"], 2)
            self.positive(test["share_of_limit"], test["bytes_per_s"], test["int8_operations_per_s"],
                          test["attention_operations_per_s"])
            self.assertIn(test["bound"], ("memory", "arithmetic"))
            self.assertEqual(test["kind"], "prompt" if test["test"].startswith("pp") else "generation")

    # Seconds of work at the measured speed: what a token costs does not depend on how fast it was.
    def cost(self, test):
        seconds = test["tokens"] * test["users"] / test["tokens_per_s"]["median"]
        return {what: test[what + "_per_s"] * seconds
                for what in ("bytes", "int8_operations", "fp32_operations", "attention_operations")}

    def test_costs_are_those_of_the_model(self):
        found = self.read("-p", "8", "-n", "4", "--users", "1,3", "--depth", "0,64", "-r", "1", "--threads", "1")
        costs = {test["test"]: self.cost(test) for test in found["tests"]}
        weights = found["weight_bytes_per_step"]
        cached = {name: costs[name]["bytes"] / 4 - weights for name in ("tg4", "tg4 x3", "tg4 @ d64", "tg4 x3 @ d64")}
        # Positions that the four tokens look at: 2, 3, 4, 5 and 65, 66, 67, 68.
        per_position = cached["tg4"] / 3.5
        self.assertGreater(per_position, 0)
        self.assertAlmostEqual(cached["tg4 x3"] / (3 * cached["tg4"]), 1, places=6)
        self.assertAlmostEqual(cached["tg4 @ d64"] / per_position, 66.5, places=3)
        self.assertAlmostEqual(cached["tg4 x3 @ d64"] / per_position, 3 * 66.5, places=3)
        # A prompt of 8 looks at 1 + 2 + … + 8 positions, and at 64 more each behind 64 tokens.
        attention = costs["pp8"]["attention_operations"] / 36
        self.assertAlmostEqual(costs["pp8 @ d64"]["attention_operations"] / attention, 36 + 8 * 64, places=3)
        self.assertAlmostEqual(costs["tg4"]["attention_operations"] / attention, 14, places=3)
        # Each generated token has its logits, of a prompt only the last one.
        head = costs["tg4"]["int8_operations"] * 2 - costs["pp8"]["int8_operations"]
        self.assertGreater(head, 0)
        self.assertAlmostEqual(costs["tg4 x3"]["int8_operations"] / costs["tg4"]["int8_operations"], 3, places=6)
        self.assertEqual(costs["pp8"]["fp32_operations"], 0)

    # As many bytes as the loaded model says that a step reads, whatever it was rounded to. Two tokens look at 2 and 3
    # positions, three at 2, 3 and 4: with w bytes of weights and p of a position these are 2w + 5p and 3w + 9p.
    def test_weights_cost_what_they_are_loaded_as(self):
        names = ("qwen2-untied", "gemma3n", "qwen3-moe-sparse")
        for model in (VISION, *(PROJECT / "tests" / "goldens" / f"{name}.f16.gguf" for name in names)):
            steps = []
            for quant in ((), ("--quant", "q8_0"), ("--quant", "q4_0")):
                found = self.read(model, "-p", "0", "-n", "2,3", "-r", "1", "--threads", "1", *quant)
                two, three = (self.cost(test)["bytes"] for test in found["tests"])
                steps.append(found["weight_bytes_per_step"])
                self.assertAlmostEqual((9 * two - 5 * three) / 3 / steps[-1], 1, places=6, msg=f"{model} {quant}")
            self.assertGreater(steps[0], steps[1], model)
            self.assertGreater(steps[1], steps[2], model)

    def test_a_format_that_cannot_be_written_is_refused(self):
        self.refusal("--quant", "q9", says="--quant q9")

    def test_float_models_count_float_operations(self):
        test = self.read(*self.TINY, "-n", "0", "--dtype", "f32")["tests"][0]
        self.assertEqual(test["int8_operations_per_s"], 0)
        self.positive(test["fp32_operations_per_s"])

    def test_windows_bound_what_is_looked_at(self):
        at = {test["depth"]: self.cost(test)["attention_operations"]
              for test in self.read(VISION, "-p", "1", "-n", "0", "--depth", "0,256", "-r", "1")["tests"]}
        self.assertGreater(at[256], at[0])
        self.assertLess(at[256], 257 * at[0])

    # So small that one user could be done before the next is handed in.
    def test_users_of_a_tiny_model_generate_together(self):
        model = PROJECT / "tests" / "goldens" / "gemma3n.f16.gguf"
        for test in self.read(model, "-p", "0", "-n", "2", "--users", "2,5", "-r", "50", "--threads", "1")["tests"]:
            self.spread(test["tokens_per_s"], 50)

    def test_what_is_0_is_left_out(self):
        self.assertEqual([t["test"] for t in self.read("-p", "0", "-n", "2", "-r", "1")["tests"]], ["tg2"])
        self.assertEqual([t["test"] for t in self.read("-p", "2", "-n", "0", "-r", "1")["tests"]], ["pp2"])
        self.assertEqual(self.read("-p", "0", "-n", "0")["tests"], [])

    def test_text_has_a_line_each(self):
        text = self.answer("troika-mini", *self.TINY)
        self.assertRegex(text, r"(?m)^limits of 1 threads: [\d.]+ GB/s read; \d+ GOP/s int8,( \d+ GOP/s of 16 bits,)? \d+ GFLOP/s fp32 \(\w+\)$")
        self.assertRegex(text, r"(?m)^load [\d.]+ s; first token [\d.]+ s after its begin, at full speed after [\d.]+ s$")
        for name in ("pp8", "tg3"):
            self.assertRegex(text, rf"(?m)^{name} +[\d.]+ +[\d.]+ … [\d.]+ +\d+ % of the "
                                   r"(read bandwidth|arithmetic peak): ")
        self.assertRegex(text, r"(?m)^resident [\d.]+ MB$")

    def test_says_what_cannot_be_measured(self):
        self.refusal("--depth", "5", says="--depth 5")
        self.refusal("-p", "many", says="--prompt", code=2)
        self.refusal("--users", "65", says="--users", code=2)
        self.refusal("no-such-model", says="there is no model")
        self.refusal("-p", "64", "-n", "0", "--ctx", "32", says="32")
        self.refusal("troika-mini", "limits", says="model", code=2)


class Calibrate(Bench):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = pathlib.Path(folder.name)

    def cached(self, *arguments):
        return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=240,
                              env=os.environ | {"XDG_CACHE_HOME": str(self.cache)})

    TINY = ("--shapes", "256x256,512x256", "--seconds", "0.001", "--threads", 1)

    def kept(self):
        [kept] = (self.cache / "troika" / "machines").iterdir()
        return json.loads(kept.read_text())

    def calibrate(self, *arguments):
        done = self.cached("bench", "calibrate", *self.TINY, *arguments, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_a_machine_is_measured_and_kept_for_predictions(self):
        early = self.cached("bench", "troika-mini", "-p", 8, "-n", 0, "--predict")
        self.assertIn("run `troika bench calibrate` while nothing else runs", early.stderr)
        machine = self.calibrate("--devices", "cpu", "--keep")
        [cpu] = machine["devices"]
        self.positive(cpu["read_bytes_per_s"]["value"], cpu["launch_s"]["value"], cpu["submit_s"]["value"])
        works = ["f16", "q8_0", "q6_k", "q5_0", "q4_k", "q4_0", "attention", "rows"]
        self.assertEqual([s["work"] for s in cpu["speeds"]], works)
        for speed in cpu["speeds"]:
            self.assertEqual(speed["source"], "measured")
            is_product = speed["work"] not in ("attention", "rows")
            self.assertEqual([s["weights"] for s in speed["sizes"]], [256 * 256, 512 * 256] if is_product else [0])
            for size in speed["sizes"]:
                self.positive(*(per_s for _, per_s in size["points"]))
        self.assertEqual(self.kept(), machine)
        read = json.loads(self.cached("bench", "troika-mini", "-p", 8, "-n", 2, "-r", 1, "--predict", "--json").stdout)
        for result in read["tests"]:
            self.positive(result["predicted_tokens_per_s"])
        plan = self.cached("plan", "troika-mini", "--hardware", "this").stdout
        self.assertIn("as `troika bench calibrate` measured it", plan)
        self.assertIn("ratio", self.cached("bench", "troika-mini", "-p", 8, "-n", 0, "-r", 1, "--predict").stdout)
        self.assertIn("--devices vulkan,cpu",
                      self.cached("bench", "troika-mini", "--device", "vulkan", "-p", 8, "-n", 0, "--predict").stderr)
        self.assertIn("predictions are of one device",
                      self.cached("bench", "troika-mini", "--device", "npu,cpu", "-p", 8, "-n", 0, "--predict").stderr)

    def test_only_what_was_measured_as_usual_is_kept_and_a_part_goes_into_the_whole(self):
        self.calibrate("--devices", "cpu", "--formats", "q8_0")
        self.assertFalse((self.cache / "troika").exists())
        text = self.cached("bench", "calibrate", *self.TINY, "--devices", "cpu", "--formats", "q8_0").stdout
        self.assertRegex(text, r"Measured in \d+ s; not kept, since ")
        both = self.calibrate("--formats", "q8_0,f16", "--devices", "cpu", "--keep")
        other = self.calibrate("--formats", "q8_0", "--devices", "cpu", "--keep")
        [kept], [old], [new] = (machine["devices"] for machine in (self.kept(), both, other))
        speeds = {speed["work"]: speed for speed in kept["speeds"]}
        self.assertEqual(set(speeds), {"q8_0", "f16", "attention", "rows"})
        self.assertEqual(speeds["f16"], old["speeds"][1])
        self.assertEqual(speeds["q8_0"], new["speeds"][0])
        self.assertEqual(kept["launch_s"], new["launch_s"])

    def test_predictions_that_are_off_come_with_what_to_do(self):
        machine = self.calibrate("--formats", "q4_0", "--devices", "cpu", "--keep")
        for speed in machine["devices"][0]["speeds"]:
            for size in speed["sizes"]:
                size["points"] = [[rows, per_s / 100] for rows, per_s in size["points"]]
        [file] = (self.cache / "troika" / "machines").iterdir()
        file.write_text(json.dumps(machine))
        arguments = ("bench", "troika-mini", "-p", 64, "-n", 2, "-r", 1, "--threads", 1, "--predict")
        text = self.cached(*arguments).stdout
        self.assertIn("predictions are off by more than 20 % (prompts 30 %): pp64, tg2; q8_0 was not measured here, so the "
                      "speed of q4_0 was taken; measure again, while nothing else runs: troika bench calibrate --devices cpu "
                      "--formats q8_0 --threads 1 --keep\n", text)
        found = json.loads(self.cached(*arguments, "--json").stdout)
        self.assertEqual([test["prediction_is_off"] for test in found["tests"]], [True, True])
        self.assertIn("--formats q8_0", found["prediction_cure"])

    def test_a_machine_is_kept_where_the_environment_says(self):
        done = subprocess.run([BINARY, "bench", "calibrate", *map(str, self.TINY), "--devices", "cpu", "--formats", "q8_0", "--keep"],
                              capture_output=True, text=True, timeout=240, cwd=self.cache,
                              env=os.environ | {"TROIKA_MACHINE": "here.json"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads((self.cache / "here.json").read_text())["devices"][0]["name"], "cpu")

    def test_what_cannot_be_measured_is_refused(self):
        self.assertIn("simulated", self.cached("bench", "calibrate", "--devices", "npu").stderr)
        self.assertIn("there are: cpu", self.cached("bench", "calibrate", "--devices", "tpu").stderr)
        self.assertIn("named twice", self.cached("bench", "calibrate", "--devices", "cpu,cpu").stderr)
        self.assertIn("no such format", self.cached("bench", "calibrate", "--devices", "cpu", "--formats", "q9").stderr)

    def test_two_devices_are_measured_side_by_side(self):
        if troika("bench", "limits", "--device", "vulkan").returncode != 0:
            self.skipTest("there is no Vulkan")
        done = self.cached("bench", "calibrate", "--shapes", "256x256", "--formats", "q8_0", "--seconds", "0.001", "--devices",
                           "cpu,vulkan", "--keep", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        machine = json.loads(done.stdout)
        self.assertEqual([(p["from"], p["to"]) for p in machine["pairs"]], [("cpu", "vulkan"), ("vulkan", "cpu")])
        self.assertEqual([s["work"] for s in machine["devices"][1]["speeds"]], ["q8_0", "attention", "rows"])
        for pair in machine["pairs"]:
            self.assertGreaterEqual(pair["slowed"]["value"], 0)
            self.assertLess(pair["slowed"]["value"], 1)
        text = self.cached("plan", "troika-mini", "--hardware", "this").stdout
        self.assertRegex(text, r"(?m)^devices +cpu: .*\n +vulkan: ")


class OfTheMachine(Bench):
    def test_limits_for_one_and_more_threads(self):
        found = self.read("limits", "--threads", "3")
        self.assertEqual(set(found), {"machine", "memory", "peaks"})
        self.machine(found["machine"])
        self.assertEqual([m["threads"] for m in found["memory"]], [1, 2, 3])
        for memory in found["memory"]:
            self.assertEqual(set(memory), {"threads", "read_bytes_per_s", "copy_bytes_per_s"})
            self.positive(memory["read_bytes_per_s"], memory["copy_bytes_per_s"])
        tables = list(dict.fromkeys(p["kernels"] for p in found["peaks"]))
        self.assertEqual([(p["kernels"], p["threads"]) for p in found["peaks"]],
                         [(t, n) for t in tables for n in (1, 2, 3)])
        self.assertIn(tables[0], ("avx2", "scalar"))
        for peak in found["peaks"]:
            self.positive(peak["fp32_operations_per_s"], peak["int8_operations_per_s"], peak["bits16_operations_per_s"])

    def test_text(self):
        text = self.answer("limits", "--threads", "1")
        self.assertRegex(text, r"(?m)^ +1 +[\d.]+ +[\d.]+$")
        self.assertRegex(text, r"(?m)^(avx2|scalar) +1 +[\d.]+ +[\d.]+ +[\d.]+$")


class OfOperations(Bench):
    TINY = ("ops", "--seconds", "0.001", "--shape", "64x256", "--rows", "1,3", "--depth", "40", "--threads", "1",
            "--vocabulary", "1000")

    def test_every_operation_has_its_time(self):
        found = self.read(*self.TINY, "--formats", "q4_k,f32")
        self.machine(found["machine"])
        self.limits(found["limits"], 1)
        self.assertEqual((found["device"], found["unsupported"]), ("cpu", []))
        for op in found["ops"]:
            self.assertEqual(set(op), {"op", "detail", "rows", "shape", "seconds", "in_a_submission",
                                       "moved_bytes_per_s", "operations_per_s", "memory_bytes_per_s", "bound",
                                       "share_of_limit"})
            self.spread(op["seconds"], 5)
            self.assertEqual(op["in_a_submission"], 1)
            self.positive(op["moved_bytes_per_s"])
            arithmetic = op["op"] in ("linear", "attention")
            self.assertEqual(op["share_of_limit"] is not None, arithmetic, op)
            self.assertEqual(op["operations_per_s"] > 0, arithmetic, op)
        by_rows = {(op["op"], op["detail"], op["rows"]) for op in found["ops"]}
        for wanted in (("linear", "q4_k", 1), ("linear", "q4_k", 3), ("linear", "f32", 1), ("attention", "prompt", 512),
                       ("attention", "token", 1), ("attention", "8 users", 8), ("rms_norm", "", 3), ("add_norm", "", 1),
                       ("layer_norm", "", 1), ("rope", "", 3), ("gated", "silu", 1), ("gated", "gelu_erf", 3),
                       ("softcap", "", 1), ("sampling", "greedy", 1), ("sampling", "top-k 40", 1)):
            self.assertIn(wanted, by_rows)

    def test_operations_are_counted(self):
        ops = self.read(*self.TINY, "--formats", "q8_0", "--ops", "linear,attention")["ops"]
        counted = {(op["op"], op["detail"], op["rows"], op["shape"]):
                   round(op["operations_per_s"] * op["seconds"]["median"]) for op in ops}
        self.assertEqual(counted["linear", "q8_0", 3, "64x256"], 2 * 3 * 64 * 256)
        self.assertEqual(counted["attention", "token", 1, "2/2x128 @40"], 4 * 256 * 41)
        self.assertEqual(counted["attention", "8 users", 8, "2/2x128 @40"], 8 * 4 * 256 * 41)
        self.assertEqual(counted["attention", "prompt", 512, "2/2x128 @0"], 4 * 256 * 512 * 513 // 2)

    def test_every_format_can_be_measured(self):
        ops = self.read(*self.TINY, "--rows", "1", "--formats", "all", "--ops", "linear")["ops"]
        self.assertGreater(len({op["detail"] for op in ops}), 25)

    def test_every_instruction_set_and_device(self):
        for kernels in ("scalar", *(p["kernels"] for p in self.read("limits", "--threads", "1")["peaks"])):
            found = self.read(*self.TINY, "--ops", "linear,rope", "--formats", "q4_0", "--isa", kernels)
            self.assertIn(kernels, found["description"])
        found = self.read(*self.TINY, "--device", "reference", "--kv", "f32", "--ops", "linear,norm",
                          "--formats", "q4_0")
        self.assertEqual(found["device"], "reference")

    def test_text(self):
        text = self.answer(*self.TINY, "--ops", "linear,norm", "--formats", "q4_0")
        self.assertRegex(text, r"(?m)^linear +q4_0 +3  64x256 .* % of (memory|arithmetic)$")
        self.assertRegex(text, r"(?m)^rms_norm +3  256 ")

    def test_says_what_cannot_be_measured(self):
        self.refusal("ops", "--formats", "q9", says="q4_k")
        self.refusal("ops", "--shape", "64by64", says="--shape 64by64")
        self.refusal("ops", "--shape", "64x64", "--formats", "q4_k", says="256")
        self.refusal("ops", "--ops", "magic", says="magic")
        self.refusal("ops", "--isa", "sse", says="sse")
        self.refusal("ops", "--device", "abacus", says="abacus")
        self.refusal("limits", "--device", "abacus", says="abacus")
        self.refusal("limits", "--device", "reference", says="it does not measure its limits")


class OfAGpu(Bench):
    def setUp(self):
        done = troika("bench", "limits", "--device", "vulkan", "--json")
        if done.returncode != 0:
            self.skipTest(done.stderr)
        self.measured = json.loads(done.stdout)

    def limits_of_a_gpu(self, value):
        self.assertEqual(set(value), {"read_bytes_per_s", "int8_operations_per_s", "bits16_operations_per_s",
                                      "fp32_operations_per_s", "of"})
        self.positive(value["read_bytes_per_s"], value["int8_operations_per_s"], value["fp32_operations_per_s"])

    def test_it_measures_its_own_limits(self):
        self.assertEqual(set(self.measured), {"machine", "device", "limits"})
        self.machine(self.measured["machine"])
        self.assertEqual(self.measured["device"], "vulkan")
        self.limits_of_a_gpu(self.measured["limits"])
        self.assertRegex(self.answer("limits", "--device", "vulkan"),
                         r"\Alimits of .+: [\d.]+ GB/s read; \d+ GOP/s int8, \d+ GFLOP/s fp32\n\Z")

    def test_short_operations_share_a_submission(self):
        tiny = ("ops", "--device", "vulkan", "--seconds", "0.001", "--shape", "64x256", "--rows", "1", "--ops",
                "linear,norm", "--formats", "q4_k,f16")
        found = self.read(*tiny)
        self.limits_of_a_gpu(found["limits"])
        for op in found["ops"]:
            self.spread(op["seconds"], 5)
            self.assertIn(op["in_a_submission"], (1, 8, 64, 512))
            self.assertEqual(op["share_of_limit"] is not None, op["op"] == "linear")
            together = op["in_a_submission"] * op["seconds"]["min"]  # an eighth of it was short
            self.assertTrue(op["in_a_submission"] == 1 or together < 1, op)
        self.assertGreater(max(op["in_a_submission"] for op in found["ops"]), 1)
        self.assertRegex(self.answer(*tiny), r"(?m)^a submission holds short operations many times ")

    def test_a_model_has_its_share_of_them(self):
        found = self.read("-p", "8", "-n", "2", "-r", "1", "--device", "vulkan")
        self.limits_of_a_gpu(found["limits"])
        for test in found["tests"]:
            self.positive(test["share_of_limit"], test["int8_operations_per_s"])
        text = self.answer("-p", "0", "-n", "2", "-r", "1", "--device", "vulkan")
        self.assertRegex(text, r"(?m)^tg2 .* \d+ % of the (read bandwidth|arithmetic peak): ")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
