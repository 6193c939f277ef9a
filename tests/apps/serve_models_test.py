#!/usr/bin/env python3
"""Several models in one server, and a cache that survives it, through the built binary and against a hub of our own.

    serve_models_test.py BINARY PROJECT
"""
import concurrent.futures
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from fake_hub import Hub

BINARY = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(sys.argv[2]).resolve()
MINI = (PROJECT / "models/troika-mini.gguf").read_bytes()
REPOSITORIES = {"test/tiny-GGUF": {"tiny-Q8_0.gguf": MINI}}
LONG = "Once upon a time there was a lighthouse that nobody had visited for a hundred years. " * 12


class ServeModelsTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.hub = Hub(REPOSITORIES)
        self.addCleanup(self.hub.close)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TROIKA_", "HUGGING"))}
        self.environment = kept | {"HF_ENDPOINT": self.hub.url, "HF_HOME": str(self.folder),
                                   "TROIKA_HOME": str(self.folder / "own"), "NO_PROXY": "127.0.0.1"}

    def troika(self, *arguments):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120, env=self.environment)

    def serve(self, *arguments, **how):
        process = subprocess.Popen([BINARY, "serve", "--port", "0", *arguments], stdout=subprocess.PIPE,
                                   text=True, env=self.environment, **{"stderr": subprocess.DEVNULL} | how)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        self.assertIn("listens on", line)
        self.url = line.split("listens on ")[1].split()[0]
        return process

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def chat(self, model, text="Who are you?", **more):
        status, answer = self.ask("/v1/chat/completions", {
            "model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 8, "temperature": 0} | more)
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def states(self):
        return {model["id"]: model["status"] for model in json.loads(self.ask("/v1/models")[1])["data"]}

    def until(self, condition):
        for _ in range(200):
            if condition():
                return
            time.sleep(0.05)
        self.fail("it did not come about")

    def test_models_of_the_store_are_loaded_when_they_are_asked_for(self):
        self.serve()
        self.assertEqual(self.states(), {"troika-mini": "loaded"})
        status, progress = self.ask("/api/pull", {"model": "test/tiny-GGUF:Q8_0"})
        self.assertEqual(status, 200)
        lines = [json.loads(line) for line in progress.splitlines()]
        self.assertEqual(lines[-1], {"status": "success"})
        self.assertTrue(any(line.get("total") == len(MINI) for line in lines), progress)
        name = "test/tiny-GGUF:Q8_0"
        self.assertEqual(self.states(), {"troika-mini": "loaded", name: "unloaded"})
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            texts = {answer["choices"][0]["message"]["content"] for answer in pool.map(lambda _: self.chat(name), range(20))}
        self.assertEqual(texts, {self.chat("troika-mini")["choices"][0]["message"]["content"]})
        self.assertEqual(self.states(), {"troika-mini": "loaded", name: "loaded"})

        listed = self.troika("ps", "--url", self.url)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertRegex(listed.stdout, f"{name}.* the room is needed")
        self.assertRegex(listed.stdout, "troika-mini.* an admin unloads it")
        self.assertRegex(listed.stdout, r"(?m)^--power auto\b.*: (full|balanced|quiet)")
        self.assertEqual(len(json.loads(self.troika("ps", "--json", "--url", self.url).stdout)), 2)
        stopped = self.troika("stop", name, "--url", self.url)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.until(lambda: self.states()[name] == "unloaded")
        self.assertEqual(self.ask("/api/delete", {"model": name}, "DELETE")[0], 200)
        self.assertEqual(self.states(), {"troika-mini": "loaded"})
        self.assertEqual(self.ask("/api/pull", {"model": "test/none-GGUF", "stream": False})[0], 500)
        status, answer = self.ask("/api/pull", {"model": "http://127.0.0.1:9/some.gguf", "stream": False})
        self.assertEqual(status, 500)
        self.assertIn("a server brings models of the hub only", answer)

    def test_a_model_of_the_store_is_not_what_goes_by_its_name_in_the_working_folder(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        self.assertEqual(self.troika("cp", "test/tiny-GGUF:Q8_0", "mine").returncode, 0)
        (self.folder / "work/mine").mkdir(parents=True)
        self.serve(cwd=self.folder / "work")
        self.chat("mine")
        self.assertEqual(self.states()["mine"], "loaded")

    def test_clients_see_no_paths(self):
        file = self.folder / "private" / "own.gguf"
        file.parent.mkdir()
        file.write_bytes(MINI)
        broken = self.folder / "secret" / "broken.gguf"
        broken.parent.mkdir()
        broken.write_bytes(b"GGUF no more")
        self.assertEqual(self.troika("cp", str(broken), "broken").returncode, 0)
        log = self.folder / "log"
        with open(log, "w") as said:
            self.serve("--model", str(file), stderr=said)
        models = json.loads(self.ask("/v1/models")[1])["data"]
        self.assertEqual([(model["id"], model["aliases"]) for model in models], [("own", []), ("broken", [])])
        self.chat("own")
        status, answer = self.ask("/v1/completions", {"model": "broken", "prompt": "x"})
        self.assertEqual(status, 503, answer)
        self.assertIn("The model 'broken' cannot be loaded: broken", answer)
        self.assertNotIn("secret", answer)
        self.assertNotIn(str(self.folder), answer)
        self.assertIn(str(broken), log.read_text())

    def test_the_key_goes_to_no_proxy_that_NO_PROXY_spares_the_server(self):
        class Listener(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.seen.append((self.path, self.headers.get("Authorization")))
                body = b'{"models": []}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        def listen(host):
            server = http.server.ThreadingHTTPServer((host, 0), Listener)
            server.seen = []
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
            return server, f"http://{host}:{server.server_address[1]}"

        proxy, proxy_url = listen("127.0.0.1")
        server, url = listen("127.0.0.2")  # on this machine, but not by a name that says so
        local, local_url = listen("127.0.0.1")
        for name in ("NO_PROXY", "no_proxy"):
            self.environment.pop(name, None)
        self.environment["http_proxy"] = proxy_url
        self.assertEqual(self.troika("ps", "--url", local_url, "--api-key", "tk-1").returncode, 0)
        self.assertEqual((local.seen, proxy.seen), ([("/api/ps", "Bearer tk-1")], []))
        self.environment["NO_PROXY"] = "127.0.0.2"
        self.assertEqual(self.troika("ps", "--url", url, "--api-key", "tk-2").returncode, 0)
        self.assertEqual((server.seen, proxy.seen), ([("/api/ps", "Bearer tk-2")], []))
        del self.environment["NO_PROXY"]
        self.assertEqual(self.troika("ps", "--url", url).returncode, 0)
        self.assertEqual(proxy.seen, [(url + "/api/ps", None)])

    def test_the_store_can_be_left_out(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        self.serve("--no-store")
        self.assertEqual(self.states(), {"troika-mini": "loaded"})
        status, answer = self.ask("/v1/completions", {"model": "test/tiny-GGUF:Q8_0", "prompt": "x"})
        self.assertEqual(status, 404, answer)

    def test_unused_models_of_the_store_are_unloaded(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        self.serve("--keep-alive", "0.2")
        self.chat("test/tiny-GGUF:Q8_0")
        self.until(lambda: self.states() == {"troika-mini": "loaded", "test/tiny-GGUF:Q8_0": "unloaded"})

    def test_ps_and_stop_say_when_there_is_no_server_or_no_such_model(self):
        none = self.troika("ps", "--url", "http://127.0.0.1:9")
        self.assertEqual(none.returncode, 1)
        self.assertIn("no server answers at http://127.0.0.1:9", none.stderr)
        self.serve()
        unknown = self.troika("stop", "nobody", "--url", self.url)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("The model 'nobody' is not served here", unknown.stderr)

    def test_an_alias_goes_on_with_the_next_model(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        name = "test/tiny-GGUF:Q8_0"
        self.serve("--alias", f"gpt-4o={name},troika-mini", "--alias", "small=troika-mini")
        self.assertEqual(self.states(), {"troika-mini": "loaded", name: "unloaded", "gpt-4o": "loaded", "small": "loaded"})
        self.assertEqual(self.chat("gpt-4o")["model"], "gpt-4o")
        self.assertEqual(self.states()[name], "loaded")
        self.assertEqual(self.troika("stop", name, "--url", self.url).returncode, 0)
        self.until(lambda: self.states()[name] == "unloaded")
        for file in self.folder.glob("hub/**/blobs/*"):  # behind the server's back
            if file.stat().st_size == len(MINI):
                file.write_bytes(MINI[:1000])
        self.assertEqual(self.chat("gpt-4o")["model"], "gpt-4o")
        self.assertEqual(self.states()[name], "unloaded")
        listed = {model["id"]: model for model in json.loads(self.ask("/v1/models")[1])["data"]}
        self.assertEqual(listed["gpt-4o"]["stands_for"], [name, "troika-mini"])

    def test_aliases_come_from_the_environment_and_take_all_spellings(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        self.environment["TROIKA_ALIAS"] = "one=hf.co/test/tiny-GGUF:Q8_0,troika-mini;two=troika-mini"
        self.serve()
        listed = {model["id"]: model for model in json.loads(self.ask("/v1/models")[1])["data"]}
        self.assertEqual(listed["one"]["stands_for"], ["test/tiny-GGUF:Q8_0", "troika-mini"])
        self.assertEqual(listed["two"]["stands_for"], ["troika-mini"])

    def test_what_makes_no_sense_is_said_at_the_start(self):
        for arguments, sentence in [
            (["--alias", "x"], "--alias x: write NAME=MODEL or NAME=MODEL,MODEL"),
            (["--alias", "x=a,,b"], "--alias x=a,,b: write NAME=MODEL"),
            (["--alias", "x=nobody"], "the alias 'x' stands for nothing: there is no model 'nobody'"),
            (["--alias", "troika-mini=troika-mini"], "the alias 'troika-mini' has the name of a model"),
            (["--alias", "x=y", "--alias", "y=x"], "the alias 'x' stands for 'y', which is an alias itself"),
            (["--alias", "x=troika-mini;x=troika-mini"], "the alias 'x' is given twice"),
            (["--replicas", "0"], "--replicas 0: give a number from 1 to 64, or NAME=NUMBER"),
            (["--replicas", "troika-mini=many"], "--replicas troika-mini=many: give a number from 1 to 64"),
            (["--replicas", "nobody=2"], "--replicas nobody=2: there is no model 'nobody'"),
        ]:
            with self.subTest(arguments):
                result = self.troika("serve", "--port", "0", *arguments)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(sentence, result.stderr)
                self.assertEqual(result.stderr.count("error:"), 1, result.stderr)

    def test_replicas_answer_alike_and_a_chat_stays_with_its_own(self):
        self.serve("--replicas", "2", "--ctx", "512")
        self.assertEqual(json.loads(self.ask("/v1/models/troika-mini")[1])["replicas"], 2)
        status = json.loads(self.ask("/api/troika/status")[1])["models"]
        self.assertEqual([model["id"] for model in status], ["troika-mini"])
        self.assertEqual(len(status[0]["replicas"]), 2)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            texts = {answer["choices"][0]["message"]["content"] for answer in pool.map(lambda _: self.chat("troika-mini"), range(8))}
        self.assertEqual(len(texts), 1)
        self.assertEqual(json.loads(self.ask("/api/troika/status")[1])["models"][0]["totals"]["stopped"]
                         + json.loads(self.ask("/api/troika/status")[1])["models"][0]["totals"]["limited"], 8)
        cached = [self.chat("troika-mini", f"{i}. {LONG}"[:600])["usage"]["prompt_tokens_details"]["cached_tokens"]
                  for i in (1, 2, 1, 2)]
        self.assertGreater(min(cached[2:]), 50)

    def test_a_model_that_is_not_loaded_is_shown_with_what_its_file_says(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        self.serve()
        name = "test/tiny-GGUF:Q8_0"
        before = json.loads(self.ask("/api/show", {"model": name})[1])
        self.assertEqual(self.states()[name], "unloaded")
        self.chat(name)
        after = json.loads(self.ask("/api/show", {"model": name})[1])
        self.assertEqual(before, after)
        self.assertGreater(before["model_info"]["general.parameter_count"], 10_000_000)
        self.assertIn("completion", before["capabilities"])

    def test_ps_says_how_far_a_model_is(self):
        self.assertEqual(self.troika("pull", "test/tiny-GGUF:Q8_0").returncode, 0)
        self.serve("--replicas", "test/tiny-GGUF:Q8_0=40", "--ctx", "128", "--memory", "64GB")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(self.chat, "test/tiny-GGUF:Q8_0")
            seen = []
            while not answer.done():
                seen += re.findall(r"is being loaded, (\d+) %", self.troika("ps", "--url", self.url).stdout)
            answer.result()
        self.assertTrue(any(0 < int(percent) < 100 for percent in seen), seen)
        self.assertEqual([int(percent) for percent in seen], sorted(int(percent) for percent in seen))

    def test_a_cache_on_disk_survives_a_kill(self):
        pages = self.folder / "pages"
        process = self.serve("--spill", "100MB", "--spill-folder", str(pages))
        before = self.chat("troika-mini", LONG)
        self.assertEqual(before["usage"]["prompt_tokens_details"]["cached_tokens"], 0)
        self.until(lambda: "troika_kv_disk_bytes{model=\"troika-mini\"} 0" not in self.ask("/metrics")[1])
        time.sleep(0.5)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # in the middle of traffic
            running = [pool.submit(self.ask, "/v1/completions", {"prompt": LONG + str(i), "max_tokens": 200}) for i in range(4)]
            time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            process.wait()
            for one in running:
                one.exception()
        self.serve("--spill", "100MB", "--spill-folder", str(pages))
        after = self.chat("troika-mini", LONG)
        self.assertGreater(after["usage"]["prompt_tokens_details"]["cached_tokens"], 100)
        self.assertEqual(after["choices"][0]["message"]["content"], before["choices"][0]["message"]["content"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
