#!/usr/bin/env python3
"""https through the built binary: who serves, who asks, and what is said when they do not agree.

    serve_tls_test.py BINARY
"""
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

BINARY = pathlib.Path(sys.argv[1]).resolve()


def make_certificate(folder, name):
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class ServeTls(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.certificate, self.key = make_certificate(self.folder, "first")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TROIKA_", "HUGGING", "SSL_"))}
        self.environment = kept | {"HF_HOME": str(self.folder), "TROIKA_HOME": str(self.folder / "own"), "NO_PROXY": "127.0.0.1"}

    def troika(self, *arguments, **environment):
        return subprocess.run([str(part) for part in (BINARY, *arguments)], capture_output=True, text=True, timeout=120,
                              env=self.environment | environment)

    def serve(self, *arguments, **environment):
        self.log = open(self.folder / "log", "w+")
        self.addCleanup(self.log.close)
        process = subprocess.Popen([BINARY, "serve", "--port", "0", "--no-store", *arguments], stdout=subprocess.PIPE,
                                   stderr=self.log, text=True, env=self.environment | environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        self.assertIn("listens on", line, (self.folder / "log").read_text())
        self.url = line.split("listens on ")[1].split()[0]
        self.hint = process.stdout.readline() + process.stdout.readline()
        return process

    def serve_tls(self):
        return self.serve("--tls-cert", self.certificate, "--tls-key", self.key)

    def ask(self, path, body=None, trusted=None):
        data = None if body is None else json.dumps(body).encode()
        context = ssl.create_default_context(cafile=trusted or self.certificate)
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=data), timeout=60, context=context) as answer:
            return json.loads(answer.read())

    def said(self, words):
        for _ in range(200):
            if words in (self.folder / "log").read_text():
                return
            time.sleep(0.05)
        self.fail((self.folder / "log").read_text())

    def refusal(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertTrue(done.stderr.startswith("error: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_it_answers_and_says_where(self):
        self.serve_tls()
        self.assertRegex(self.url, r"^https://127\.0\.0\.1:\d+$")
        self.assertIn(f"curl --cacert {self.certificate} {self.url}/v1/chat/completions", self.hint)
        self.assertEqual(self.ask("/health")["status"], "ok")
        answer = self.ask("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4})
        self.assertEqual(answer["object"], "chat.completion")

    def test_settings_may_come_from_the_environment(self):
        self.serve(TROIKA_TLS_CERT=str(self.certificate), TROIKA_TLS_KEY=str(self.key))
        self.assertEqual(self.ask("/health")["status"], "ok")

    def test_ps_and_stop_believe_whom_they_are_told_to(self):
        self.serve_tls()
        known = self.troika("ps", "--url", self.url, "--cacert", self.certificate)
        self.assertEqual(known.returncode, 0, known.stderr)
        self.assertIn("troika-mini", known.stdout)
        self.assertEqual(self.troika("ps", "--url", self.url, "--insecure").returncode, 0)
        self.assertEqual(self.troika("ps", TROIKA_URL=self.url, TROIKA_CACERT=str(self.certificate)).returncode, 0)
        self.refusal(self.troika("ps", "--url", self.url), "is not believed", "--cacert")
        stopped = self.troika("stop", "troika-mini", "--url", self.url, "--cacert", self.certificate)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.refusal(self.troika("ps", "--url", self.url.replace("https", "http")), "https://")

    def test_a_server_that_speaks_no_tls_is_said_to_speak_none(self):
        plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        plain.RequestHandlerClass.log_message = lambda *_: None
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        self.addCleanup(plain.server_close)
        self.addCleanup(plain.shutdown)
        self.refusal(self.troika("ps", "--url", f"https://127.0.0.1:{plain.server_port}"), "does not speak TLS", "http://")

    def test_bench_serve_measures_over_https(self):
        self.serve_tls()
        load = ["bench", "serve", "--url", self.url, "--users", "2", "--duration", "1s", "--warm-up", "0s",
                "--prompt-tokens", "16", "--output-tokens", "4", "--json"]
        done = self.troika(*load, "--cacert", self.certificate)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["loads"][0]["failed"], 0)
        self.refusal(self.troika(*load), "is not believed", "--cacert")

    def test_a_hangup_reads_the_pair_again_and_a_wrong_one_changes_nothing(self):
        process = self.serve_tls()
        second = make_certificate(self.folder, "second")
        first = self.folder / "first.pem"
        shutil.copy(self.certificate, first)
        shutil.copy(second[0], self.certificate)
        process.send_signal(signal.SIGHUP)
        self.said("the certificate stays as it was")
        self.assertEqual(self.ask("/health", trusted=first)["status"], "ok")
        shutil.copy(second[1], self.key)
        process.send_signal(signal.SIGHUP)
        self.said("the certificate is read again")
        self.assertEqual(self.ask("/health", trusted=second[0])["status"], "ok")
        with self.assertRaises(urllib.error.URLError):
            self.ask("/health", trusted=first)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 0)

    def test_a_hangup_ends_no_server_that_has_nothing_to_read_again(self):
        process = self.serve()
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        with urllib.request.urlopen(self.url + "/health", timeout=60) as answer:
            self.assertEqual(answer.status, 200)
        self.assertIsNone(process.poll())

    def test_what_is_wrong_with_the_files_is_said_at_once(self):
        other = make_certificate(self.folder, "other")
        serve = ["serve", "--port", "0", "--no-store"]
        self.refusal(self.troika(*serve, "--tls-cert", self.certificate), "--tls-key is missing")
        self.refusal(self.troika(*serve, "--tls-key", self.key), "--tls-cert is missing")
        self.refusal(self.troika(*serve, "--tls-cert", self.certificate, "--tls-key", other[1]),
                     "other.key is not the one of the certificate", "first.crt")
        self.refusal(self.troika(*serve, "--tls-cert", self.folder / "none.crt", "--tls-key", self.key), "none.crt", "No such file")
        locked = self.folder / "locked.key"
        subprocess.run(["openssl", "pkey", "-in", self.key, "-aes128", "-passout", "pass:secret", "-out", locked], check=True)
        self.refusal(self.troika(*serve, "--tls-cert", self.certificate, "--tls-key", locked), "has a passphrase")
        self.assertTrue(re.search(r"--tls-cert", self.troika("serve", "--help").stdout))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
