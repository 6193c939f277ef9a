#!/usr/bin/env python3
"""pull, list, cp, rm, and every verb's MODEL by name, through the built binary and against a hub of our own.

    store_test.py BINARY PROJECT
"""
import hashlib
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from fake_hub import COMMIT, Hub

BINARY = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(sys.argv[2]).resolve()
MINI = (PROJECT / "models/troika-mini.gguf").read_bytes()
SEES = (PROJECT / "models/troika-mini-vl.gguf").read_bytes()
EYES = (PROJECT / "models/troika-mini-vl.mmproj.gguf").read_bytes()
FOLDER = PROJECT / "tests/goldens/qwen2-tied"
TINY = (PROJECT / "tests/goldens/qwen2-tied.f32.gguf").read_bytes()
REPOSITORIES = {
    "test/tiny-GGUF": {"README.md": b"# tiny", "tiny-Q8_0.gguf": MINI, "tiny-Q4_0.gguf": TINY},
    "test/sees-GGUF": {"sees-Q8_0.gguf": SEES, "mmproj-sees-f16.gguf": EYES},
    "test/folder": {file.name: file.read_bytes() for file in FOLDER.iterdir()
                    if file.name in ("config.json", "generation_config.json", "model.safetensors")},
    "test/gated-GGUF": {"gated-Q4_K_M.gguf": TINY},
    "Qwen/Qwen3-0.6B-GGUF": {"Qwen3-0.6B-Q8_0.gguf": MINI},
}


class StoreTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.cache = self.folder / "hub"
        self.hub = self.start_hub()

    def start_hub(self, **how):
        hub = Hub(REPOSITORIES, gated=["test/gated-GGUF"], **how)
        self.addCleanup(hub.close)
        return hub

    def environment(self, **more):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TROIKA_", "HUGGING"))}
        return kept | {"HF_ENDPOINT": self.hub.url, "HF_HOME": str(self.folder), "TROIKA_HOME": str(self.folder / "own"),
                       "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"} | more

    def troika(self, *arguments, stdin="", **more):
        return subprocess.run([BINARY, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120,
                              env=self.environment(**more))

    def answer(self, *arguments, **how):
        done = self.troika(*arguments, **how)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done.stdout

    def refusal(self, *arguments, says, **how):
        done = self.troika(*arguments, **how)
        self.assertEqual(done.returncode, 1, f"{arguments}: {done.stdout}{done.stderr}")
        last = done.stderr.splitlines()[-1]
        self.assertRegex(last, r"\Aerror: ")
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, last)

    def listed(self):
        return {model["name"]: model for model in json.loads(self.answer("list", "--json"))}

    def test_pull_list_run_cp_rm(self):
        said = self.answer("pull", "test/tiny-GGUF:Q8_0")
        self.assertIn("troika run test/tiny-GGUF:Q8_0", said)
        models = self.listed()
        self.assertEqual(list(models), ["test/tiny-GGUF:Q8_0"])
        model = models["test/tiny-GGUF:Q8_0"]
        digest = hashlib.sha256(MINI).hexdigest()
        self.assertEqual((model["bytes"], model["quantisation"], model["digest"]), (len(MINI), "Q8_0", digest))
        link = self.cache / f"models--test--tiny-GGUF/snapshots/{COMMIT}/tiny-Q8_0.gguf"
        self.assertEqual(model["path"], str(link))
        self.assertEqual(os.readlink(link), f"../../blobs/{digest}")
        self.assertEqual(link.read_bytes(), MINI)
        self.assertEqual((self.cache / "models--test--tiny-GGUF/refs/main").read_text(), COMMIT)

        for spelling in ("test/tiny-GGUF:Q8_0", "TEST/Tiny-gguf:q8_0", "hf.co/test/tiny-GGUF:Q8_0", "test/tiny-GGUF",
                         f"https://huggingface.co/test/tiny-GGUF/blob/main/tiny-Q8_0.gguf"):
            facts = json.loads(self.answer("show", spelling, "--json"))
            self.assertEqual(facts["path"], str(link), spelling)
        asked = len(self.hub.requests)
        said = self.answer("run", "test/tiny-GGUF:Q8_0", "What is 17 + 25?", "--temperature", 0)
        self.assertIn("42", said)
        self.assertEqual(len(self.hub.requests), asked)  # what is here needs no network

        self.answer("cp", "test/tiny-GGUF:Q8_0", "gpt-4o")
        self.assertIn("42", self.answer("run", "GPT-4o", "What is 17 + 25?", "--temperature", 0))
        self.assertIn("its files stay for gpt-4o", self.answer("rm", "test/tiny-GGUF:Q8_0"))
        self.assertEqual(list(self.listed()), ["gpt-4o"])
        self.assertIn("19.4 MB freed", self.answer("rm", "gpt-4o"))
        self.assertEqual(self.listed(), {})
        self.assertFalse((self.cache / "models--test--tiny-GGUF").exists())
        self.assertIn("No model was pulled", self.answer("list"))

    def test_a_name_for_a_file_of_ones_own_is_forgotten_without_touching_it(self):
        file = self.folder / "mine.gguf"
        file.write_bytes(TINY)
        self.answer("cp", file, "mine")
        self.answer("show", "mine")
        self.answer("cp", "troika-mini", "small")
        self.assertEqual(set(self.listed()), {"mine", "small"})
        self.answer("rm", "mine", "small")
        self.assertEqual(file.read_bytes(), TINY)

    def test_a_model_that_sees_comes_with_its_projector(self):
        self.answer("pull", "test/sees-GGUF")
        picture = PROJECT / "tests/embedded/pictures/001.jpg"
        self.answer("run", "test/sees-GGUF", "--image", picture, "What is the largest shape?", "--temperature", 0)
        self.assertIn("freed", self.answer("rm", "test/sees-GGUF"))
        self.assertFalse((self.cache / "models--test--sees-GGUF").exists())

    def test_a_safetensors_repository_is_a_folder(self):
        self.answer("pull", "test/folder")
        facts = json.loads(self.answer("show", "test/folder", "--json"))
        self.assertEqual((facts["format"], facts["path"]), ("safetensors", str(self.cache / f"models--test--folder/snapshots/{COMMIT}")))
        self.answer("rm", "test/folder")
        self.assertEqual(self.listed(), {})

    def test_a_zoo_name_stands_for_its_repository(self):
        self.refusal("show", "qwen3:0.6b", says="troika pull qwen3:0.6b")
        self.refusal("serve", "-m", "qwen3:0.6b", "--port", 0, says="troika pull qwen3:0.6b")
        self.answer("pull", "Qwen3-0.6B")
        self.assertEqual(list(self.listed()), ["qwen3:0.6b"])
        for spelling in ("qwen3:0.6b", "qwen3-0.6b", "qwen3:0.6b-q8_0", "qwen/qwen3-0.6b-gguf:q8_0"):
            self.answer("show", spelling)
        zoo = {model["name"]: model for model in json.loads(self.answer("list", "--zoo", "--json"))}
        self.assertTrue(zoo["qwen3:0.6b"]["here"])
        self.assertFalse(zoo["qwen2.5:7b"]["here"])
        for model in zoo.values():
            self.assertGreater(model["tokens_per_s_predicted"], 0)
        text = self.answer("list", "--zoo")
        self.assertIn("predicted", text)
        self.refusal("cp", "qwen3:0.6b", "gemma3:4b", says="gemma3:4b")

    def test_run_pulls_what_is_missing(self):
        self.refusal("run", "test/tiny-GGUF:Q8_0", "hi", "--pull=false", says="troika pull test/tiny-GGUF:Q8_0")
        done = self.troika("run", "test/tiny-GGUF:Q8_0", "--temperature", 0, stdin="What is 17 + 25?\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("42", done.stdout)
        self.assertNotIn("%", done.stdout)
        self.assertIn("100 %", done.stderr)
        self.assertNotIn("\x1b", done.stderr)

    def test_what_python_left_is_found(self):
        digest = hashlib.sha256(MINI).hexdigest()
        repository = self.cache / "models--test--tiny-GGUF"
        snapshot = repository / "snapshots" / COMMIT
        (repository / "blobs").mkdir(parents=True)
        snapshot.mkdir(parents=True)
        (repository / "refs").mkdir()
        (repository / "refs/main").write_text(COMMIT)
        (repository / "blobs" / digest).write_bytes(MINI)
        (snapshot / "tiny-Q8_0.gguf").symlink_to(f"../../blobs/{digest}")
        self.assertEqual(list(self.listed()), ["test/tiny-GGUF:Q8_0"])
        self.answer("show", "test/tiny-GGUF:q8_0", HF_HUB_OFFLINE="1")
        done = self.troika("pull", "test/tiny-GGUF:Q8_0")
        self.assertIn("all here already", done.stderr)
        self.assertNotIn("content", [role for role, *_ in self.hub.requests])
        self.answer("rm", "test/tiny-GGUF:Q8_0")
        self.assertFalse(repository.exists())

    def test_json_lines(self):
        lines = [json.loads(line) for line in self.answer("pull", "test/tiny-GGUF", "--json").splitlines()]
        self.assertEqual(lines[0]["status"], "planned")
        self.assertIn("Q4_0 was taken", lines[0]["note"])
        self.assertEqual([line for line in lines if line["status"] == "done"][0],
                         {"status": "done", "file": "tiny-Q4_0.gguf", "total": len(TINY), "completed": len(TINY),
                          "digest": "sha256:" + hashlib.sha256(TINY).hexdigest()})
        self.assertEqual((lines[-1]["status"], lines[-1]["name"]), ("success", "test/tiny-GGUF:Q4_0"))
        done = self.troika("pull", "test/nothing", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["status"], "error")

    def test_the_token_opens_what_is_gated_and_goes_to_the_hub_alone(self):
        self.refusal("pull", "test/gated-GGUF", says=["gated", f"{self.hub.url}/test/gated-GGUF", "HF_TOKEN"])
        self.refusal("pull", "test/gated-GGUF", HF_TOKEN="hf_wrong", says="does not suffice")
        (self.folder / "token").write_text("hf_secret\n")
        self.answer("pull", "test/gated-GGUF")
        by_role = {role: headers.get("Authorization") for role, _, _, headers in self.hub.requests}
        self.assertEqual(by_role, {"hub": "Bearer hf_secret", "content": None})

    def test_offline(self):
        for name in ("HF_HUB_OFFLINE", "TROIKA_OFFLINE"):
            self.refusal("pull", "test/tiny-GGUF", says=[name, "network"], **{name: "1"})
            self.refusal("run", "qwen3:0.6b", "hi", says=[name], **{name: "1"})
        self.assertEqual(self.hub.requests, [])

    def test_names_that_are_none(self):
        for name in ("../x", "a/../b", "/etc/passwd", "a/b/c", "x" * 500, "owner/repo:../x", "file:///etc/passwd",
                     "https://user:pw@huggingface.co/a/b", "ｑwen2.5:7b", "a/b:c/d", "-x/y", "https://example.org/a.bin"):
            with self.subTest(name=name):
                self.refusal("pull", "--", name, says="cannot be a model's name")
        self.refusal("pull", "qwen3:0.7b", says=["qwen3:0.6b", "did you mean"])
        self.refusal("rm", "qwen4", says="there is no model 'qwen4'")
        self.refusal("pull", "test/nothing", says="test/nothing")
        self.refusal("pull", "test/tiny-GGUF:Q2_K", says=["Q2_K", "Q4_0, Q8_0"])
        self.refusal("run", "models/none.gguf", "hi", says="there is no model")
        self.assertFalse(self.cache.exists() and list(self.cache.glob("models--*")))

    def test_ctrl_c_keeps_what_came_and_the_next_pull_goes_on(self):
        self.hub = self.start_hub(slow=0.2)
        child = subprocess.Popen([BINARY, "pull", "test/tiny-GGUF:Q8_0"], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True, env=self.environment())
        blobs = self.cache / "models--test--tiny-GGUF/blobs"
        part = blobs / (hashlib.sha256(MINI).hexdigest() + ".incomplete")
        end = time.time() + 30
        while not (part.exists() and part.stat().st_size > 2_000_000) and time.time() < end:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 1)
        self.assertRegex(said.splitlines()[-1], r"\Aerror: stopped: .* are here; pull again to go on")
        kept = part.stat().st_size
        self.assertEqual(part.read_bytes(), MINI[:kept])
        self.hub.slow = 0
        self.answer("pull", "test/tiny-GGUF:Q4_0")
        self.assertIn("downloads that ended early", self.answer("list"))
        self.answer("pull", "test/tiny-GGUF:Q8_0")
        self.answer("rm", "test/tiny-GGUF:Q4_0")
        self.assertIn("0 bytes freed", self.answer("rm", "--unfinished"))
        self.refusal("rm", says="say what to remove")
        wanted = [headers.get("Range") for role, _, _, headers in self.hub.requests if role == "content"]
        self.assertEqual(wanted, [None, None, f"bytes={kept}-"])
        self.assertEqual([path.name for path in blobs.iterdir()], [hashlib.sha256(MINI).hexdigest()])

    def test_two_pulls_of_one_file_download_it_once(self):
        self.hub = self.start_hub(slow=0.05)
        children = [subprocess.Popen([BINARY, "pull", "test/tiny-GGUF:Q8_0"], stderr=subprocess.PIPE, text=True,
                                     stdout=subprocess.PIPE, env=self.environment()) for _ in range(2)]
        for child in children:
            _, said = child.communicate(timeout=60)
            self.assertEqual(child.returncode, 0, said)
        self.assertEqual([role for role, *_ in self.hub.requests].count("content"), 1)

    def test_on_a_terminal_it_is_one_line_a_file(self):
        self.hub = self.start_hub(slow=0.1)
        master, slave = pty.openpty()
        child = subprocess.Popen([BINARY, "pull", "test/tiny-GGUF:Q8_0"], stderr=slave, stdout=subprocess.PIPE,
                                 env=self.environment())
        os.close(slave)
        said = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            said += piece
        os.close(master)
        child.communicate(timeout=30)
        self.assertEqual(child.returncode, 0)
        lines = said.decode().replace("\r\n", "\n").split("\n")
        self.assertIn("19.4 MB in 1 file", lines[0])
        self.assertRegex(lines[1], r"\r.*\[#+\.*\] +\d+ %  .* of 19.4 MB  .*/s  .* left")
        self.assertEqual(len(lines), 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
