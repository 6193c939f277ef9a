#!/usr/bin/env python3
"""The verbs as scripts call them: exit codes, one-sentence errors, clean standard output.

    command_line_test.py BINARY PROJECT
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

BINARY = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(sys.argv[2]).resolve()
GOLDENS = PROJECT / "tests" / "goldens"
FOLDER = GOLDENS / "qwen2-tied"            # safetensors, no tokenizer
GGUF = GOLDENS / "qwen2-tied.f32.gguf"     # one token a byte, no chat template
MINI = "troika-mini"                       # the embedded model
VERBS = ["run", "serve", "pull", "list", "cp", "rm", "key", "show", "plan", "bench", "compare", "doctor", "tokenize", "render", "logits", "generate"]


def troika(*arguments, stdin="", env=None):
    return subprocess.run([BINARY, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120,
                          env={"TROIKA_MACHINE": "none"} | os.environ | (env or {}))


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def answer(self, *arguments, **how):
        done = troika(*arguments, **how)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done.stdout

    def refusal(self, *arguments, says, code=1, **how):
        """It ends with `code`, prints nothing on stdout and one sentence on stderr that holds all of `says`."""
        done = troika(*arguments, **how)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr}")
        self.assertEqual(done.stdout, "", arguments)
        if code == 1:
            self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z", arguments)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, done.stderr, arguments)

    def ids(self, prompts):
        return self.file("ids.json", json.dumps({"prompts": prompts}))


class Key(CommandLine):
    def test_makes_a_key_and_keeps_its_digest_only(self):
        keys = self.folder / "keys"
        first = self.answer("key", "ann", "--file", keys).strip()
        second = self.answer("key", "bob", "--role", "admin", "--rate", 60, "--concurrent", 2, "--file", keys).strip()
        lines = [f"{name} sha256:{hashlib.sha256(key.encode()).hexdigest()}{limits}\n"
                 for name, key, limits in (("ann user", first, ""), ("bob admin", second, " rate=60 concurrent=2"))]
        self.assertEqual(keys.read_text(), "".join(lines))
        self.assertEqual(keys.stat().st_mode & 0o777, 0o600)
        keys.write_text(keys.read_text() + "# the team, without an end of line")
        self.answer("key", "cid", "--file", keys)
        self.assertRegex(keys.read_text(), r"# the team, without an end of line\ncid user sha256:[0-9a-f]{64}\n\Z")
        notes = self.file("notes", "# keys of the team\n")
        self.answer("key", "ann", "--file", notes)
        self.refusal("key", "ann", "--file", keys, says="a key named 'ann' already")
        self.refusal("key", "a b", says="letters, digits")
        self.refusal("key", "eve", "--role", "root", says="root", code=2)
        shown = self.answer("key", "eve")
        self.assertRegex(shown, r"\Atk-[0-9a-f]{48}\n[^\0]*\neve user sha256:[0-9a-f]{64}\n\Z")

    def test_a_server_does_not_start_with_a_bad_key_file(self):
        self.refusal("serve", "--port", 0, "--api-key-file", self.folder / "none", says="cannot read the key file")
        bad = self.file("keys", "ann user tk-0123\n")
        self.refusal("serve", "--port", 0, "--api-key-file", bad, says=[":1:", "sha256:"])
        self.refusal("serve", "--port", 0, "--api-key-file", self.file("empty", "# none\n"), says="has no keys")


class Plan(CommandLine):
    PUBLISHED = PROJECT / "tests" / "models" / "published"

    def plan(self, *arguments):
        return json.loads(self.answer("plan", *arguments, "--json"))

    def test_needs_no_more_than_a_config(self):
        facts = self.plan(self.PUBLISHED / "gemma-3-4b-it.json", "--ctx", 32768)
        self.assertEqual(facts["format"], "config")
        self.assertEqual(facts["parameters"], 4300079472)
        self.assertEqual(facts["windows"].count(1024), 29)
        self.assertEqual([at["tokens"] for at in facts["cache"]["at"]], [32768])
        self.assertEqual(set(facts["weight_bytes"]), {"bf16", "Q8_0", "Q4_K_M"})
        shutil.copy(self.PUBLISHED / "qwen3-0.6b.json", self.folder / "config.json")
        self.assertEqual(self.plan(self.folder)["parameters"], 596049920)
        self.refusal("run", self.folder, "hi", says="safetensors")
        self.refusal("generate", self.folder, "--ids", self.ids([[1]]), "--tokens", 1, says="safetensors")

    def test_halves_are_for_a_gpu(self):
        self.refusal("run", MINI, "hi", "--dtype", "f16", says=["--dtype f16", "--device vulkan"])
        self.refusal("run", MINI, "hi", "--dtype", "f8", says="f8", code=2)

    def test_a_file_speaks_for_itself(self):
        for path in (FOLDER, GGUF):
            self.assertEqual(list(self.plan(path)["weight_bytes"]), ["file"])
        for path in (GGUF, self.PUBLISHED / "qwen3-0.6b.json"):
            for extra in ([], ["--no-repack"]):
                with self.subTest(path=path, extra=extra):
                    facts = self.plan(path, *extra)
                    fits = facts["memory"]["models"]
                    self.assertEqual(set(at["weights"] for at in fits), set(facts["weight_bytes"]))
                    for at in fits:
                        self.assertGreater(at["needed_bytes"], 0.9 * facts["weight_bytes"][at["weights"]])
                        self.assertGreaterEqual(at["needed_bytes"], at["in_place_bytes"])
                        if extra:
                            self.assertEqual(at["in_place_bytes"], 0)
        text = self.answer("plan", GGUF)
        for label in ("parameters", "weights", "attention", "cache", "memory"):
            self.assertRegex(text, rf"(?m)^{label} ")
        self.assertNotIn("linear", text)
        self.assertIn("linear", self.answer("plan", GGUF, "--print", "--tokens", 4))

    SEVEN = PUBLISHED / "qwen2.5-7b-instruct.json"

    def test_plans_for_a_machine_that_is_not_here(self):
        for name in ("phoenix-ddr5", "phoenix-lpddr5x"):
            plan = self.plan(self.SEVEN, "--hardware", name, "--ctx", 4096, "--users", 4)["plan"]
            self.assertEqual((plan["refusal"], plan["main"]["devices"]), ("", ["vulkan", "npu", "cpu"]))
            help_ = plan["main"]["help"]
            self.assertEqual(help_["device"], "npu")
            layers = "+".join(map(str, help_["layers"]))
            self.assertEqual(plan["main"]["run_with"],
                             f"--device vulkan,npu --place {layers}:mlp@256=npu,{layers}:gated@256=cpu")
            gain = plan["predicted"]["prompt_tokens_per_s"] / help_["prompt_tokens_per_s_without"]
            self.assertGreater(gain, 1.3)
            self.assertLess(gain, 1.8)
            self.assertEqual({device for device, _, _ in plan["main"]["decode"]}, {"vulkan"})
            lanes = self.plan(self.SEVEN, "--hardware", name, "--ctx", 4096, "--prefill-device", "npu,cpu")["plan"]["side"]
            at_once = lanes["eight_at_once"]  # first tokens come later, gaps are shorter
            self.assertGreater(at_once["two_lanes"]["first_token_mean_s"], at_once["one_lane"]["first_token_mean_s"])
            self.assertLess(at_once["two_lanes"]["longest_gap_s"], at_once["one_lane"]["longest_gap_s"])
            self.assertGreater(lanes["gain_if_both_read"], 1.3)
            self.assertEqual([d["users"] for d in plan["predicted"]["decode"]], [1, 2, 4, 8, 16, 32])
            self.assertEqual(len(plan["reasons"]), 3)
            self.assertEqual([t["name"] for t in plan["targets"]], ["Qwen2.5-7B, first plan", "Qwen2.5-7B, later plan"])
            self.assertGreaterEqual(plan["users_served"], 4)
            ops = plan["main"]["prompt"][-1][2]
            self.assertEqual(sum(end - begin for _, begin, end in lanes["prompt"]), ops)
        text = self.answer("plan", self.SEVEN, "--hardware", "phoenix-ddr5")
        for words in ("none of it was measured here", "Predicted, not measured", "decoding is bound by the memory bus",
                      "the sum of 9 to 14 users"):
            self.assertIn(words, text)
        sees = self.plan(self.PUBLISHED / "gemma-3-4b-it.json", "--hardware", "phoenix-ddr5")["plan"]["predicted"]["pictures"]
        self.assertEqual([(p["tokens"], p["devices"]) for p in sees], [(256, ["vulkan"]), (256, ["vulkan", "npu"])])
        bf16 = self.plan(self.PUBLISHED / "gemma-3-27b-it.json", "--hardware", "phoenix-ddr5", "--weights", "bf16")["plan"]
        self.assertIn("does not fit", bf16["refusal"])
        self.assertNotIn("predicted", bf16)

    def test_plans_with_the_devices_that_options_name(self):
        machine = (self.SEVEN, "--hardware", "phoenix-ddr5", "--ctx", 4096)
        plan = self.plan(*machine, "--device", "cpu")["plan"]
        self.assertEqual((plan["main"]["devices"], plan["side"]), (["cpu"], None))
        self.assertIn("vulkan: nothing: --device leaves it out", plan["reasons"])
        plan = self.plan(*machine, "--device", "vulkan", "--place", "0-13=cpu")["plan"]
        self.assertEqual(plan["main"]["devices"], ["vulkan", "cpu"])
        for other in ("vulkan", "cpu"):
            self.assertGreater(plan["memory"]["weights"][other], 1e9)
        plan = self.plan(*machine, "--prefill-device", "npu,cpu")["plan"]
        self.assertEqual((plan["side"]["devices"], plan["side"]["planned"]), (["npu", "cpu"], True))
        self.assertEqual(plan["main"]["run_with"], "--device vulkan --prefill-device npu,cpu")
        second = plan["memory"]["second_lane"]
        self.assertGreater(second["weights"]["npu"], 3e9)
        self.assertAlmostEqual(sum(second["cache_of_a_prompt"].values()), sum(plan["memory"]["cache_of_a_user"].values()))
        text = self.answer("plan", *machine, "--prefill-device", "npu,cpu")
        self.assertIn("for a prompt in the second lane", text)
        self.assertRegex(text, r"(?m)^ +with npu and cpu for prompts: first token after ")
        for wrong, says in ((("--device", "tpu"), "phoenix-ddr5 has no tpu; it has vulkan, npu, cpu"),
                            (("--device", "cpu,vulkan"), "it comes last"),
                            (("--prefill-device", "reference"), "phoenix-ddr5 has no reference"),
                            (("--place", "attend=npu"), "npu does not do layer.0.kv_write"),
                            (("--place", "linear=npu", "--device", "vulkan"), "npu is not in the list of --device"),
                            (("--place", "0-28=cpu"), "the model has layers 0 to 27"),
                            (("--place", "linear=cpu,0=vulkan"), "contradict each other")):
            self.refusal("plan", *machine, *wrong, says=says)

    def test_runs_where_a_measured_machine_is_fastest(self):
        machine = self.plan(self.SEVEN, "--hardware", "phoenix-ddr5")["plan"]["machine"]
        ask = ("generate", GGUF, "--ids", self.ids([[1, 2, 3]]), "--tokens", 4)
        want = self.answer(*ask, "--device", "cpu")
        for faster, chosen in (("vulkan", "--device auto is --device vulkan"), ("cpu", "")):
            for device in machine["devices"]:
                device["launch_s"]["value"] = 1e-6 if device["name"] == faster else 1
            kept = {"TROIKA_MACHINE": str(self.file("kept.json", json.dumps(machine)))}
            done = troika(*ask, env=kept)
            self.assertEqual((done.returncode, done.stdout), (0, want), done.stderr)
            self.assertIn(chosen, done.stderr)
            self.assertEqual("--device auto" in done.stderr, chosen != "", done.stderr)
            self.assertNotIn("npu", done.stderr)  # which would be simulated
            self.assertNotIn("--device auto", troika(*ask, "--device", "cpu", env=kept).stderr)
        done = troika(*ask, env={"TROIKA_MACHINE": str(self.file("kept.json", "{}"))})
        self.assertEqual((done.returncode, done.stdout), (0, want), done.stderr)
        self.assertIn("--device auto is the CPU", done.stderr)

    def test_plans_for_a_machine_in_a_file_and_for_this_one(self):
        machine = self.plan(GGUF, "--hardware", "phoenix-ddr5")["plan"]["machine"]
        machine["devices"] = machine["devices"][:1]
        path = self.file("machine.json", json.dumps(machine))
        plan = self.plan(GGUF, "--hardware", path)["plan"]
        self.assertEqual((plan["main"]["devices"], plan["side"]), (["vulkan"], None))
        self.assertEqual(plan["weights"], "the file's")
        here = self.answer("plan", GGUF, "--hardware", "this", env={"XDG_CACHE_HOME": str(self.folder)})
        self.assertIn("by its limits, measured just now", here)
        self.refusal("plan", GGUF, "--hardware", "strix", says=["strix", "phoenix-ddr5, phoenix-lpddr5x"])
        self.refusal("plan", GGUF, "--hardware", self.file("m.json", "{}"), says=["m.json", "version"])
        self.refusal("plan", self.SEVEN, "--hardware", "phoenix-ddr5", "--weights", "Q1", says=["Q1", "Q4_K_M"])
        self.refusal("plan", GGUF, "--svg", "x.svg", says="--hardware", code=2)

    def test_draws_its_plan(self):
        path = self.folder / "plan.svg"
        self.answer("plan", self.SEVEN, "--hardware", "phoenix-ddr5", "--prefill-device", "npu,cpu", "--svg", path)
        drawn = xml.etree.ElementTree.fromstring(path.read_text())
        texts = [e.text for e in drawn.iter("{http://www.w3.org/2000/svg}text")]
        for words in ("answers: vulkan", "prompts beside: npu", "memory: 34.36 GB", "weights for vulkan: 4.37 GB"):
            self.assertIn(words, texts)
        self.assertIn("prefers-color-scheme: dark", path.read_text())
        small = self.plan(self.SEVEN, "--hardware", "phoenix-ddr5")["plan"]["machine"]
        small["memory"]["bytes"]["value"] = 2e9
        small = self.file("s.json", json.dumps(small))
        self.refusal("plan", self.SEVEN, "--hardware", small, "--svg", path, says="there is no plan to draw")

    def test_says_what_is_wrong_in_a_sentence(self):
        self.refusal("plan", self.folder, says="config.json")
        self.refusal("plan", self.file("config.json", "{"), says="config.json")
        self.refusal("plan", self.file("config.json", '{"model_type": "mamba"}'), says=["mamba", "supported"])
        self.refusal("plan", self.file("config.json", '{"model_type": "qwen3"}'), says="num_hidden_layers")
        self.refusal("plan", GGUF, "--tokens", 513, says="--tokens", code=2)


class Help(CommandLine):
    def test_version_and_help_go_to_stdout(self):
        self.assertRegex(self.answer("--version"), r"\Atroika \d+\.\d+\.\d+\n\Z")
        top = self.answer("--help")
        for verb in VERBS:
            self.assertIn(verb, top)
            self.assertIn("--help", self.answer(verb, "--help"))

    def test_a_wrong_command_line_ends_with_2(self):
        self.refusal(says="", code=2)
        self.refusal("frobnicate", says="", code=2)
        self.refusal("generate", FOLDER, says="--ids", code=2)
        self.refusal("generate", FOLDER, "--ids", self.ids([[1]]), "--ctx", "-1", says="--ctx", code=2)
        self.refusal("run", GGUF, "--temperature", "hot", "hi", says="--temperature", code=2)

    def test_options_have_twins_in_the_environment(self):
        self.refusal("generate", FOLDER, "--ids", self.ids([[1] * 10]), "--tokens", 1, env={"TROIKA_CTX": "8"},
                     says="the context holds 8")


class WrongModels(CommandLine):
    def test_each_says_what_is_wrong_with_it(self):
        (self.folder / "empty").mkdir()
        whole = GGUF.read_bytes()
        cases = [
            ("no-such-model", "there is no model 'no-such-model'"),
            (self.folder / "none.gguf", "there is no model"),
            (self.file("nothing.gguf", b""), "is empty"),
            (self.folder / "empty", "config.json"),
            (self.file("text.gguf", "Dear reader,\nthis is a letter.\n"), "not a GGUF file"),
            (self.file("header.gguf", whole[:100]), "more than it can hold"),
            (self.file("tensors.gguf", whole[:len(whole) // 2]), "cut short"),
            (self.file("config.json", "{\"model_type\": \"qwen2\"}"), "not a GGUF file"),
        ]
        for model, words in cases:
            for verb in (["show", model], ["run", model, "hi"], ["tokenize", model], ["generate", model, "--ids", "x"]):
                with self.subTest(verb=verb[0], model=str(model)):
                    done = troika(*verb, stdin="[]")
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z")
            self.refusal("show", model, says=words)

    def test_a_folder_that_lost_its_weights(self):
        lost = self.folder / "lost"
        lost.mkdir()
        shutil.copy(FOLDER / "config.json", lost)
        self.refusal("generate", lost, "--ids", self.ids([[1]]), says="safetensors")

    def test_an_unknown_device(self):
        self.refusal("generate", FOLDER, "--ids", self.ids([[1]]), "--device", "abacus", says=["abacus", "cpu", "vulkan"])


class WrongIds(CommandLine):
    def refuse(self, content, says):
        ids = self.file("ids.json", content if isinstance(content, str) else json.dumps(content))
        self.refusal("generate", FOLDER, "--ids", ids, "--tokens", 1, says=says)
        self.refusal("logits", FOLDER, "--ids", ids, "--out", self.folder / "out", says=says)

    def test_json_that_is_none_or_another(self):
        self.refuse("", "not valid JSON")
        self.refuse('{"prompts": [[1, 2', "not valid JSON")
        for other in ([[1]], {"prompt": [[1]]}, {"prompts": [1]}, {"prompts": [["a"]]}, {"prompts": "abc"}):
            self.refuse(other, "prompts")

    def test_ids_that_no_vocabulary_has(self):
        self.refuse({"prompts": [[]]}, "empty")
        self.refuse({"prompts": [[1], [1, -1]]}, "vocabulary")
        self.refuse({"prompts": [[331]]}, "vocabulary")

    def test_numbers_that_are_no_ids_are_not_bent_into_some(self):
        for wrong in (1.5, True, 2**32 + 5, -2**32 + 5, 2**70):
            with self.subTest(wrong=wrong):
                self.refuse({"prompts": [[wrong]]}, "ids.json")

    def test_a_missing_file(self):
        self.refusal("generate", FOLDER, "--ids", self.folder / "none.json", says="none.json")

    def test_a_prompt_longer_than_the_context_is_refused_with_the_counts(self):
        ids = self.ids([[1] * 10])
        self.refusal("generate", FOLDER, "--ids", ids, "--tokens", 2, "--ctx", 8, says=["10", "2", "8"])
        self.refusal("generate", FOLDER, "--ids", ids, "--tokens", 7, "--ctx", 16, says=["10", "7", "16"])
        self.answer("generate", FOLDER, "--ids", ids, "--tokens", 6, "--ctx", 16)

    def test_a_place_that_cannot_be_written(self):
        self.refusal("logits", FOLDER, "--ids", self.ids([[1]]), "--out", self.file("file", "x") / "out", says="file")


class Plumbing(CommandLine):
    def test_tokenize_and_back(self):
        texts = ["abc", "", "h\u00e9 \u4f60\u597d \U0001f434", "  two\n\nlines\t"]
        ids = self.answer("tokenize", GGUF, stdin=json.dumps(texts))
        self.assertEqual(json.loads(ids)[0], [97, 98, 99])
        self.assertEqual(json.loads(self.answer("tokenize", GGUF, "--decode", stdin=ids)), texts)

    def test_tokenize_refuses_what_is_no_array_of_strings(self):
        for wrong in ("", "[", '[1]', '[["a"]]', '"abc"', '{"a": "abc"}', "null"):
            with self.subTest(wrong=wrong):
                self.refusal("tokenize", GGUF, stdin=wrong, says="input")
        for wrong in ('["a"]', "[1]", "[[1.5]]", "[[4294967301]]"):
            with self.subTest(wrong=wrong):
                self.refusal("tokenize", GGUF, "--decode", stdin=wrong, says="input")

    def test_render_without_a_template_or_messages(self):
        self.refusal("render", GGUF, stdin='{"messages": []}', says="no chat template")
        self.refusal("render", GGUF, stdin="{}", says="messages")
        self.refusal("render", GGUF, stdin="[", says="not valid JSON")

    def test_a_folder_without_a_tokenizer(self):
        self.refusal("tokenize", FOLDER, stdin="[]", says="no tokenizer")
        self.refusal("run", FOLDER, "hi", says="no tokenizer")

    def test_doctor_tells_what_it_measured(self):
        found = json.loads(self.answer("doctor", "--json"))
        self.assertGreater(found["read_bandwidth"]["bytes_per_s"], 1e8)
        self.assertLess(found["read_bandwidth"]["bytes_per_s"], 2e12)
        self.assertEqual(found["read_bandwidth"]["source"], "measured")
        self.assertGreaterEqual(found["cpu"]["cores"], 1)
        self.assertLessEqual(found["cpu"]["cores"], len(found["cpu"]["core_threads"]))
        self.assertIn("cpu", found["devices_built"])
        self.assertIn("computes on the CPU unless it is told otherwise", self.answer("doctor"))

    def test_a_simulated_device_says_so_and_is_not_measured(self):
        self.assertIn("--device npu is simulated on the CPU", self.answer("doctor"))
        self.assertIn("simulated on the CPU", self.answer("doctor", "--npu", env={"TROIKA_NPU_PLUGIN": "simulated"}))
        refused = troika("bench", "ops", "--device", "npu")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a benchmark would measure the simulator", refused.stderr)
        self.assertIn("a benchmark would measure", troika("bench", GGUF, "--device", "reference,npu").stderr)
        for lane in ("npu", "npu,cpu"):
            refused = troika("bench", GGUF, "--prefill-device", lane)
            self.assertEqual(refused.returncode, 1)
            self.assertEqual(refused.stderr.splitlines()[-1], f"error: --prefill-device {lane}: npu is simulated, so a "
                             "benchmark would measure the simulator")

    def test_doctor_lists_the_gpus_and_the_one_that_is_taken(self):
        vulkan = json.loads(self.answer("doctor", "--gpus", "--json"))["vulkan"]
        if not vulkan["gpus"]:
            self.skipTest(vulkan["why"])
        taken = vulkan["gpus"][vulkan["device"]]
        self.assertEqual([gpu["number"] for gpu in vulkan["gpus"] if gpu["taken"]], [vulkan["device"]])
        self.assertEqual(taken["why_not"], "")
        text = self.answer("doctor", "--gpus")
        self.assertIn(f"{taken['number']}: {taken['name']}", text)
        self.assertIn(f"--device vulkan takes it: {vulkan['why']}", text)
        none = {"TROIKA_VULKAN_DEVICE": "no such thing"}
        self.assertIsNone(json.loads(self.answer("doctor", "--gpus", "--json", env=none))["vulkan"]["device"])
        self.assertIn("there are: 0 (", self.answer("doctor", "--gpus", env=none))
        named = self.answer("doctor", "--gpus", env={"TROIKA_VULKAN_DEVICE": str(taken["number"])})
        self.assertIn(f"TROIKA_VULKAN_DEVICE={taken['number']} names it", named)

    def refuses_vulkan_alone(self, env, says):
        ids = self.ids([[1]])
        self.assertIn(says, self.answer("doctor", "--gpus", env=env))
        self.assertIn(says, self.answer("doctor", env=env))
        self.refusal("generate", FOLDER, "--ids", ids, "--tokens", 1, "--device", "vulkan", says=says, env=env)
        self.answer("generate", FOLDER, "--ids", ids, "--tokens", 1, env=env)

    def test_it_starts_without_a_loader_of_vulkan_and_says_what_to_install(self):
        for name in ("libvulkan.so.1", "libvulkan.so"):
            (self.folder / name).touch()  # is found, and is no library
        self.refuses_vulkan_alone({"LD_LIBRARY_PATH": str(self.folder)}, "libvulkan.so.1, is not here; install it")

    def test_it_starts_without_a_driver_for_vulkan_and_says_what_to_install(self):
        nothing = str(self.folder / "none.json")
        self.refuses_vulkan_alone({"VK_ICD_FILENAMES": nothing, "VK_DRIVER_FILES": nothing},
                                  "apt-get install mesa-vulkan-drivers")

    def test_compiled_shaders_are_kept_and_what_is_damaged_is_made_again(self):
        vulkan = json.loads(self.answer("doctor", "--gpus", "--json"))["vulkan"]
        if vulkan["device"] is None:
            self.skipTest(vulkan["why"])
        ids, cache = self.ids([[1, 2, 3]]), self.folder / "cache"

        def generate(**env):
            return self.answer("generate", FOLDER, "--ids", ids, "--tokens", 3, "--device", "vulkan", env=env)
        expected = generate(XDG_CACHE_HOME=str(cache))
        kept = list((cache / "troika/vulkan").glob("*.pipelines"))  # beside what was measured
        self.assertEqual([path.name for path in kept], [vulkan["gpus"][vulkan["device"]]["uuid"] + ".pipelines"])
        whole = kept[0].read_bytes()
        for content in (whole, whole[:-1], b"", b"nonsense" * 100, whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]):
            kept[0].write_bytes(content)
            self.assertEqual(generate(XDG_CACHE_HOME=str(cache)), expected)
            self.assertGreaterEqual(len(kept[0].read_bytes()), len(whole))
        self.assertEqual(generate(XDG_CACHE_HOME="", HOME=""), expected)
        self.assertEqual(generate(XDG_CACHE_HOME=str(self.file("no folder", ""))), expected)

    def machine(self, nodes=True):
        """A made-up /sys and /dev: an AMD GPU and an NPU."""
        root = self.folder / "machine"
        for kind, name, device, driver in (("drm", "renderD128", "0x15bf", "amdgpu"), ("accel", "accel0", "0x1502", "amdxdna")):
            pci = root / "sys/class" / kind / name / "device"
            pci.mkdir(parents=True)
            (pci / "vendor").write_text("0x1002\n" if kind == "drm" else "0x1022\n")
            (pci / "device").write_text(device + "\n")
            (pci / "driver").symlink_to(f"../../bus/pci/drivers/{driver}")
            node = root / "dev" / ("dri" if kind == "drm" else "accel") / name
            node.parent.mkdir(parents=True)
            if nodes:
                node.write_text("")
        return root

    def test_doctor_finds_the_gpu_and_the_npu(self):
        root = self.machine()
        found = json.loads(self.answer("doctor", "--json", "--root", root))
        self.assertEqual([g["node"] for g in found["gpus"]], ["/dev/dri/renderD128"])
        self.assertEqual(found["gpus"][0] | {"vendor": "AMD", "driver": "amdgpu", "accessible": True, "used": False},
                         found["gpus"][0])
        self.assertEqual(found["npus"][0] | {"pci_id": "1022:1502", "driver": "amdxdna"}, found["npus"][0])

    def test_doctor_says_why_an_npu_is_not_used(self):
        missing = self.folder / "plugin.so"
        env = {"TROIKA_NPU_PLUGIN": str(missing)}
        text = self.answer("doctor", "--npu", "--root", self.folder, env=env)
        self.assertRegex(text, r"NPU +no: there is no NPU 1022:1502 on the PCI bus; ")
        found = json.loads(self.answer("doctor", "--npu", "--json", "--root", self.folder, env=env))
        self.assertEqual((found["plugin"], found["array"], found["measured"]), (str(missing), None, None))

    def test_a_named_plug_in_that_is_missing_leaves_all_to_the_cpu(self):
        made = troika("generate", FOLDER, "--ids", self.ids([[1, 2, 3]]), "--tokens", 1, "--device", "npu",
                      env={"TROIKA_NPU_PLUGIN": "/no/plugin.so"})
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("no NPU: ", made.stderr)
        self.assertIn("going on without it", made.stderr)

    def test_doctor_reads_the_sensors_that_there_are(self):
        chip = self.folder / "machine/sys/class/hwmon/hwmon3"
        chip.mkdir(parents=True)
        (chip / "name").write_text("k10temp\n")
        (chip / "temp1_label").write_text("Tctl\n")
        (chip / "temp1_input").write_text("71250\n")
        root = self.folder / "machine"
        self.assertEqual(json.loads(self.answer("doctor", "--json", "--root", root))["sensors"], [{"name": "cpu", "celsius": 71.25}])
        self.assertRegex(self.answer("doctor", "--root", root), r"sensors +cpu 71 °C\n")
        self.assertRegex(self.answer("doctor", "--root", self.folder / "none"), r"sensors +none found\n")

    def test_doctor_says_what_power_does_here_and_how_to_make_energy_readable(self):
        root = self.folder / "machine"
        battery, package = root / "sys/class/power_supply/BAT0", root / "sys/class/powercap/intel-rapl:0"
        battery.mkdir(parents=True)
        package.mkdir(parents=True)
        (package / "name").write_text("package-0\n")
        for name, value in {"type": "Battery", "status": "Discharging", "capacity": 41, "power_now": 9_300_000}.items():
            (battery / name).write_text(f"{value}\n")
        found = json.loads(self.answer("doctor", "--json", "--root", root))
        self.assertRegex(found["power"], r"\A--power auto on battery \(41 %\): balanced, .*no temperature is readable here")
        self.assertRegex("\n".join(found["advice"]), r"energy_uj is for root alone; .*sudo chmod a\+r")
        self.assertRegex(self.answer("doctor", "--root", self.folder / "none"), r"power +--power auto, no battery here: full\n")

    def test_doctor_says_what_to_do_about_a_missing_node_and_a_missing_driver(self):
        root = self.machine(nodes=False)
        bare = root / "sys/bus/pci/devices/0000:66:00.1"
        bare.mkdir(parents=True)
        (bare / "vendor").write_text("0x1022\n")
        (bare / "device").write_text("0x1502\n")
        advice = "\n".join(json.loads(self.answer("doctor", "--json", "--root", root))["advice"])
        self.assertIn("--device /dev/dri/renderD128", advice)
        self.assertIn("modprobe amdxdna", advice)


class Compare(CommandLine):
    def test_every_family_agrees_on_two_devices(self):
        for name in ("qwen2-tied", "llama3", "gemma2", "gemma3", "gemma3n", "qwen3-moe"):
            compared = troika("compare", GOLDENS / name, "--device", "cpu", "--with", "reference", "--dtype", "f32")
            self.assertEqual(compared.returncode, 0, f"{name}: {compared.stderr}{compared.stdout[-300:]}")
            self.assertIn("results compared", compared.stdout)

    # The reference keeps f32: attention behind another cache may differ by what that rounds away, nothing else may.
    def test_a_cache_may_round(self):
        for kv in ("f16", "q8_0", "q4_0"):
            compared = troika("compare", PROJECT / "models" / "troika-mini.gguf", "--dtype", "f32", "--kv", kv)
            self.assertEqual(compared.returncode, 0, f"{kv}: {compared.stderr}{compared.stdout[-300:]}")
        strict = troika("compare", PROJECT / "models" / "troika-mini.gguf", "--dtype", "f32", "--kv", "q4_0",
                        "--tolerance", "1e-3")
        self.assertEqual(strict.returncode, 1)
        self.assertIn("attend", strict.stderr)


class SeveralDevices(CommandLine):
    def generate(self, *options):
        ids = self.ids([[1, 2, 3, 5, 8], [13, 21]])
        return troika("generate", FOLDER, "--ids", ids, "--tokens", 6, "--dtype", "f32", *options)

    def test_generate_the_tokens_of_one(self):
        alone = self.generate("--device", "cpu").stdout
        for options in (["reference,cpu"], ["reference", "--place", "linear=cpu"], ["reference", "--place", "0:attend=cpu,1=cpu"]):
            done = self.generate("--device", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout), json.loads(alone), options)

    def test_the_tape_says_what_runs_where(self):
        tape = self.answer("plan", GGUF, "--print", "--device", "npu", "--place", "0:linear=cpu")
        self.assertRegex(tape, r"segments on npu \(simulated\): \d+ products, cpu: \d+ ops, ")
        self.assertRegex(tape, r"npu \(simulated\) +@\d+ +layer\.1\.attn\.q ")
        self.assertRegex(tape, r"cpu +@\d+ +layer\.0\.attn\.q ")

    def test_lists_and_pins_that_cannot_be(self):
        for list_, place, says in (
                ("reference,reference", "", "a list names each device once"),
                ("cpu,reference", "", "so it comes last"),
                ("reference,abacus", "", "unknown device"),
                ("reference", "linear", "say what and where, such as linear=npu"),
                ("reference", "linear=npu", "npu is not in the list of --device, which is reference,cpu"),
                ("reference", "linaer=cpu", ["no such kind of operation", "linear, linear_where"]),
                ("reference", "0-9=cpu", "the model has layers 0 to 2"),
                ("reference", "attend=cpu,1=reference", ["attend=cpu", "contradict each other", "one cache"])):
            self.refusal("generate", FOLDER, "--ids", self.ids([[1]]), "--device", list_, "--place", place, says=says)
        done = troika("generate", FOLDER, "--ids", self.ids([[1]]), "--device", "npu", "--place", "rope=npu")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("--place rope=npu: npu (simulated) does not do layer.0.rope (rope); on cpu it runs", done.stderr)


class PipedChat(CommandLine):
    def test_the_answer_alone_is_on_stdout(self):
        from_pipe = troika("run", GGUF, "--seed", 1, "--max-tokens", 12, stdin="hello\n")
        self.assertEqual(from_pipe.returncode, 0, from_pipe.stderr)
        self.assertTrue(from_pipe.stdout.endswith("\n"))
        self.assertIn("cut after 12 tokens", from_pipe.stderr)
        as_argument = troika("run", GGUF, "hello", "--seed", 1, "--max-tokens", 12)
        self.assertEqual(as_argument.stdout, from_pipe.stdout)

    def test_a_prompt_and_a_pipe_are_joined_by_an_empty_line(self):
        joined = troika("run", GGUF, "sum up:", "--seed", 3, "--max-tokens", 8, stdin="a\nb\n")
        whole = troika("run", GGUF, "--seed", 3, "--max-tokens", 8, stdin="sum up:\n\na\nb")
        self.assertEqual(joined.stdout, whole.stdout)

    def test_the_seed_decides(self):
        answers = {troika("run", GGUF, "hello", "--seed", s, "--max-tokens", 12).stdout for s in (1, 1, 2, 2)}
        self.assertEqual(len(answers), 2)

    def test_nothing_to_answer(self):
        self.refusal("run", GGUF, says="no question")
        self.refusal("run", GGUF, "look", "--image", "x.png", says="reads text only")

    def test_a_picture_that_is_no_file(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = pathlib.Path(folder) / "picture.png"
            os.mkfifo(fifo)
            self.refusal("run", PROJECT / "models" / "troika-mini-vl.gguf", "what is it?", "--image", fifo,
                         says="not a regular file")

    def test_a_full_context_is_said(self):
        self.refusal("run", GGUF, "--ctx", 16, stdin="x" * 40, says=["40", "16", "--ctx"])
        full = troika("run", GGUF, "--ctx", 16, "--seed", 1, stdin="x" * 10)
        self.assertEqual(full.returncode, 0, full.stderr)
        self.assertIn("context of 16 tokens is full", full.stderr)


class EmbeddedModel(CommandLine):
    def test_it_tokenizes_and_renders(self):
        texts = ["What is 17 + 25?", "h\u00e9 \u4f60\u597d"]
        ids = self.answer("tokenize", MINI, stdin=json.dumps(texts))
        self.assertEqual(json.loads(self.answer("tokenize", MINI, "--decode", stdin=ids)), texts)
        prompt = self.answer("render", MINI, stdin=json.dumps(
            {"messages": [{"role": "user", "content": "Hi <|im_end|>"}], "add_generation_prompt": True}))
        self.assertTrue(prompt.endswith("<|im_start|>assistant\n"), prompt)
        special = json.loads(self.answer("tokenize", MINI, "--special", stdin='["<|im_end|>"]'))
        plain = json.loads(self.answer("tokenize", MINI, stdin='["<|im_end|>"]'))
        self.assertEqual(len(special[0]), 1)
        self.assertGreater(len(plain[0]), 1)

    def test_it_is_the_default_and_answers_and_stops(self):
        by_default = troika("run", "--temperature", 0, stdin="What is 2 + 3?")
        self.assertEqual(by_default.returncode, 0, by_default.stderr)
        self.assertIn("5", by_default.stdout)
        self.assertEqual(by_default.stderr, "")
        self.assertEqual(troika("run", MINI, "What is 2 + 3?", "--temperature", 0).stdout, by_default.stdout)

    def test_words_that_name_no_file_are_a_question_to_it(self):
        self.assertEqual(self.answer("run", "What is 2 + 3?", "--temperature", 0),
                         self.answer("run", MINI, "What is 2 + 3?", "--temperature", 0))
        self.refusal("run", "what?", says="there is no model 'what?'")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
