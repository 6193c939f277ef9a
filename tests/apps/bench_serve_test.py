#!/usr/bin/env python3
"""troika bench serve against a small server that answers at known times and goes wrong when told to. Times are compared
with a factor between, never closely: the machine may be busy.

    bench_serve_test.py BINARY
"""
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
import unittest

BINARY = pathlib.Path(sys.argv[1]).resolve()


class FakeServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, **settings):
        super().__init__(("127.0.0.1", 0), Handler)
        self.first_s, self.gap_s = 0.02, 0.004
        self.tokens_a_word, self.tokens_a_piece = 1, 1
        self.usage, self.cache = True, True
        self.fails = lambda number: None  # of a request: "503", "cut", "error", "garbage", "hang" or None
        self.accepts_nonsense = False
        self.__dict__.update(settings)
        self.lock = threading.Lock()
        self.asked, self.seen, self.keys = [], set(), set()
        self.malformed = self.hang_ups = self.number = self.running = self.most_running = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # who hangs up leaves one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, {"data": [{"id": "first"}, {"id": "second"}]})

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, value):
        self.chunk(f"data: {json.dumps(value)}\n\n")

    def do_POST(self):
        server = self.server
        text = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            body = json.loads(text)
            chat = self.path == "/v1/chat/completions"
            prompt = body["messages"][0]["content"] if chat else body["prompt"]
            tokens = body["max_tokens"] + 0
        except (ValueError, KeyError, TypeError):
            with server.lock:
                server.malformed += 1
            return self.answer(500 if server.accepts_nonsense else 400, {"error": {"message": "this makes no sense"}})
        with server.lock:
            server.number += 1
            server.running += 1
            server.most_running = max(server.most_running, server.running)
            server.asked.append(body)
            server.keys.add(self.headers.get("Authorization"))
            known = prompt in server.seen
            server.seen.add(prompt)
            fault = server.fails(server.number)
        try:
            self.stream(prompt, tokens, chat, known, fault)
        except OSError:
            with server.lock:
                server.hang_ups += 1
            self.close_connection = True
        finally:
            with server.lock:
                server.running -= 1

    def stream(self, prompt, tokens, chat, known, fault):
        server = self.server
        if fault == "503":
            return self.answer(503, {"error": {"message": "come again"}})
        if fault == "hang":
            time.sleep(3)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        prompt_tokens = 1 + len(prompt.split()) * server.tokens_a_word
        time.sleep(server.first_s / (4 if known and server.cache else 1))
        for i in range(0, tokens, server.tokens_a_piece):
            if i:
                time.sleep(server.gap_s)
            self.event({"choices": [{"delta": {"content": "x "}} if chat else {"text": "x "}]})
            if fault == "error":
                self.event({"error": {"message": "the model fell over"}})
                return self.chunk_end()
            if fault == "garbage":
                self.chunk("data: {{{\n\n")
                return self.chunk_end()
            if fault == "cut":
                return self.chunk_end()
        if server.usage:
            cached = prompt_tokens - 1 if known and server.cache else 0
            self.event({"choices": [], "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": tokens,
                                                 "prompt_tokens_details": {"cached_tokens": cached}}})
        self.chunk("data: [DONE]\n\n")
        self.chunk_end()

    def chunk_end(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def bench(*arguments):
    return subprocess.run([BINARY, "bench", "serve", *map(str, arguments)], capture_output=True, text=True, timeout=120)


class BenchServe(unittest.TestCase):
    QUICK = {"--duration": "1s", "--warm-up": "0.2s", "--prompt-tokens": "8..16", "--output-tokens": "4..8"}

    # What the test does not say itself is small.
    def quick(self, *arguments):
        return [part for option in self.QUICK.items() if option[0] not in arguments for part in option] + [*arguments]

    def read(self, server, *arguments):
        done = bench("--url", server.url, *self.quick(*arguments), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def load(self, server, *arguments):
        return self.read(server, "--users", 2, *arguments)["loads"][0]

    def refusal(self, *arguments, says, code=1):
        done = bench(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr}")
        if code == 1:
            self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z", arguments)
        self.assertIn(says, done.stderr)

    def near(self, value, least, factor=20):
        self.assertGreaterEqual(value, 0.9 * least)
        self.assertLess(value, factor * least)

    def test_times_are_those_of_the_server(self):
        with FakeServer(first_s=0.05, gap_s=0.01) as server:
            found = self.load(server)
        self.assertGreater(found["completed"], 2)
        self.assertEqual((found["failed"], found["errors"], found["hung_up"]), (0, {}, 0))
        self.near(found["first_token_s"]["p50"], 0.05)
        self.near(found["gap_s"]["p50"], 0.01)
        self.near(found["whole_s"]["p50"], 0.05 + 3 * 0.01)
        for what in ("first_token_s", "gap_s", "whole_s"):
            values = found[what]
            self.assertLessEqual(values["p50"], values["p95"])
            self.assertLessEqual(values["p95"], values["p99"])
            self.assertLessEqual(values["p99"], values["max"])

    def test_what_is_counted_is_what_the_server_did(self):
        with FakeServer() as server:
            found = self.load(server)
            outside = 4  # two to learn how long words are, two for what a cache is worth
            self.assertLessEqual(found["requests"], server.number - outside)
            self.assertEqual(server.malformed, 0)
            lengths = [body["max_tokens"] for body in server.asked[outside:]]
            self.assertTrue(all(4 <= n <= 8 for n in lengths), lengths)
            words = [len(body["prompt"].split()) for body in server.asked[outside:]]
            self.assertTrue(all(8 <= n <= 16 for n in words), words)
        self.assertEqual(found["requests"], found["completed"])
        self.assertTrue(4 <= found["tokens_an_answer"] <= 8)
        self.assertTrue(9 <= found["prompt_tokens"] <= 17)
        self.assertEqual(found["tokens_a_piece"], 1)
        self.assertEqual(found["cached_share"], 0)
        self.near(found["tokens_per_s"], found["completed_per_s"] * found["tokens_an_answer"] / 2, factor=4)

    def test_users_ask_at_the_same_time_and_no_more_of_them(self):
        with FakeServer() as server:
            found = self.read(server, "--users", "1,3")
            self.assertEqual(server.most_running, 3)
        self.assertEqual([load["users"] for load in found["loads"]], [1, 3])
        self.assertEqual(found["model"], "first")

    def test_arrivals_at_a_rate_do_not_wait_for_answers(self):
        with FakeServer(first_s=0.5) as server:
            found = self.read(server, "--rate", 30)["loads"][0]
            self.assertGreater(server.most_running, 3)
        self.assertEqual((found["users"], found["rate"]), (None, 30))
        self.assertTrue(10 < found["requests"] < 60, found["requests"])
        self.near(found["first_token_s"]["p50"], 0.5)

    def test_requests_are_the_same_for_every_server(self):
        def prompts(*arguments):
            with FakeServer() as server:
                self.read(server, "--users", 1, *arguments)
                return [body["prompt"] for body in server.asked]
        one, two, other = prompts(), prompts(), prompts("--seed", 2)
        both = min(len(one), len(two))
        self.assertGreater(both, 6)
        self.assertEqual(one[:both], two[:both])
        self.assertEqual(len(set(one)), len(one) - 1)  # one is asked again on purpose
        self.assertFalse(set(one) & set(other))

    def test_long_words_make_short_prompts(self):
        with FakeServer(tokens_a_word=4) as server:
            found = self.read(server, "--users", 1, "--prompt-tokens", 80)
            self.assertEqual(len(server.asked[-1]["prompt"].split()), 20)
        self.assertEqual(found["tokens_a_word"], 4)
        self.assertEqual(found["loads"][0]["prompt_tokens"], 81)

    def test_a_cache_shows(self):
        with FakeServer(first_s=0.2) as server:
            again = self.read(server, "--users", 1)["again"]
        self.assertEqual((again["prompt_tokens"], again["cached_tokens"]), (17, 16))
        self.assertGreater(again["first_token_s"], again["again_first_token_s"])

    def test_errors_have_their_kinds(self):
        faults = {6: "503", 7: "cut", 8: "error", 9: "garbage"}
        with FakeServer(fails=lambda number: faults.get(number)) as server:
            found = self.load(server, "--warm-up", "0s", "--duration", "2s")
        self.assertEqual(found["errors"], {"HTTP 503": 1, "the stream ended early": 1, "an error in the stream": 1,
                                           "an event of the stream is no JSON object": 1})
        self.assertEqual(found["failed"], 4)
        self.assertEqual(found["requests"], found["completed"] + 4)
        self.assertGreater(found["completed"], 2)

    def test_a_server_that_hangs_is_timed_out(self):
        with FakeServer(fails=lambda number: "hang" if number == 6 else None) as server:
            found = self.load(server, "--warm-up", "0s", "--timeout", "1s")
        self.assertEqual(found["errors"], {"timed out": 1})

    def test_users_hang_up_as_often_as_asked(self):
        with FakeServer(gap_s=0.01) as server:
            found = self.load(server, "--hang-ups", "100%", "--output-tokens", "50..60")
            self.assertGreater(server.hang_ups, 1)
        self.assertEqual((found["completed"], found["failed"]), (0, 0))
        self.assertEqual(found["hung_up"], found["requests"])

    def test_nonsense_must_be_refused(self):
        with FakeServer() as server:
            found = self.load(server, "--malformed", "0.3", "--duration", "2s")
            self.assertGreater(server.malformed, 2)
        self.assertGreater(found["refused_malformed"], 2)
        self.assertEqual(found["failed"], 0)
        with FakeServer(accepts_nonsense=True) as server:
            found = self.load(server, "--malformed", "0.3", "--duration", "2s")
        self.assertEqual(list(found["errors"]), ["malformed request: HTTP 500"])

    def test_pieces_of_several_tokens_count_as_such(self):
        with FakeServer(tokens_a_piece=2) as server:
            found = self.load(server, "--output-tokens", 8)
        self.assertEqual((found["tokens_a_piece"], found["tokens_an_answer"]), (2, 8))
        with FakeServer(usage=False) as server:
            found = self.load(server, "--output-tokens", 8)
        self.assertEqual((found["tokens_an_answer"], found["cached_share"]), (8, None))

    def test_who_was_in_time(self):
        with FakeServer(first_s=0.05) as server:
            self.assertEqual(self.load(server)["in_time_share"], None)
            self.assertEqual(self.load(server, "--slo-ttft", "30s", "--slo-gap", "30s")["in_time_share"], 1)
            late = self.load(server, "--slo-ttft", "10ms", "--seed", 3)
        self.assertEqual((late["in_time_share"], late["in_time_per_s"]), (0, 0))

    def test_chats_models_and_keys(self):
        with FakeServer() as server:
            found = self.read(server, "--users", 1, "--chat", "--model", "second", "--api-key", "sk-1")
            self.assertEqual({body["model"] for body in server.asked}, {"second"})
            self.assertEqual(server.keys, {"Bearer sk-1"})
        self.assertEqual(found["endpoint"], "/v1/chat/completions")
        self.assertGreater(found["loads"][0]["completed"], 2)

    def test_text_has_a_line_for_each_load(self):
        with FakeServer(tokens_a_piece=2, fails=lambda number: "503" if number == 6 else None) as server:
            done = bench("--url", server.url + "/v1/",
                         *self.quick("--users", "1,2", "--output-tokens", "8", "--warm-up", "0s", "--slo-gap", "30s"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^http://\S+/v1/completions, model first: prompts of 8\.\.16 tokens")
        self.assertRegex(done.stdout, r"(?m)^a prompt of 17 tokens, alone: .*, 16 of them cached$")
        self.assertRegex(done.stdout, r"(?m)^1 user +\d+ +1 +[\d.]+ +[\d.]+ .* \d+ %$")
        self.assertRegex(done.stdout, r"(?m)^    1 × HTTP 503$")
        self.assertRegex(done.stdout, r"(?m)^    a gap is of 2\.0 tokens here$")
        self.assertRegex(done.stdout, r"(?m)^2 users +\d+ +0 ")

    def test_says_what_cannot_be_measured(self):
        self.refusal("--url", "http://127.0.0.1:1", says="http://127.0.0.1:1/v1/models: cannot connect")
        self.refusal("--prompt-tokens", "few", says="--prompt-tokens few")
        self.refusal("--duration", "5d", says="--duration 5d")
        self.refusal("--duration", "0s", says="--duration")
        self.refusal("--hang-ups", "ten", says="--hang-ups ten")
        self.refusal("--pictures", "10%", says="--chat")
        self.refusal("--hang-ups", "70%", "--malformed", "40%", says="--malformed")
        self.refusal("--shared-prefix", 128, says="--shared-prefix 128")
        self.refusal("--users", 0, says="--users", code=2)
        self.refusal("--users", 1, "--rate", 1, says="--rate", code=2)
        with FakeServer(fails=lambda number: "503") as server:
            self.refusal("--url", server.url, says="HTTP 503")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
