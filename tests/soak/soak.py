#!/usr/bin/env python3
"""A long run of the built server: many clients at once with mixed lengths, some of whom hang up or make no sense, and a
kill in the middle. It ends with 0 when every promise below was kept, and prints what it saw.

    tests/soak/soak.py build/release/troika models/troika-mini.gguf --minutes 10

- The server never ends by itself, and answers what makes no sense with 400.
- Every greedy answer that was read to its end is, byte for byte, what the same request gets alone; one that was given
  up is a beginning of it.
- Memory is flat once the cache is full, and never more than it was at the start, the cache and 64 MB.
- Killed with SIGKILL under load and started again with the same --spill folder, it begins cleanly, still knows a long
  prompt, and says the same about it.
- 1,000 idle connections cost less than 100 MB, and somebody else is served beside them.
- SIGTERM ends it with 0.
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

WORDS = ("time year people way day man thing woman life child world school state student group country problem hand part "
         "place case week company system program question work number night point home water room area money").split()
IDLE = 1000
IDLE_BYTES = 100e6
PAGE_TOKENS = 32
OTHER_BYTES = 64e6  # that steady load may take besides the cache


class Server:
    """The process, and what can be read about it from outside."""

    def __init__(self, options, folder, log):
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [options.binary, "serve", "--model", options.model, "--no-store", "--port", "0", "--spill", "1GB",
             "--spill-folder", folder, "--max-connections", str(IDLE + 200), *options.serve],
            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"listens on http://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise SystemExit(f"the server does not start: {line!r}; see {log.name}")
        self.port = int(found[1])
        self.start_s = time.monotonic() - self.began

    def resident(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024

    def alive(self):
        return self.process.poll() is None


async def exchange(port, body, path="/v1/completions"):
    """Sends a request on a connection of its own; returns reader, writer and the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return reader, writer, int(head.split()[1])


async def get(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    body = await reader.readexactly(int(re.search(r"(?i)content-length: (\d+)", head)[1]))
    return head.split("\r\n")[0], body.decode(), writer


async def metrics(port):
    _, text, writer = await get(port, "/metrics")
    writer.close()
    return text


def values_of(text):
    return {name: float(value) for name, value in re.findall(r"(?m)^(\w+)(?:\{[^}]*\})? (\S+)$", text)}


def bound_of(text, histogram, share):
    """The bound of the bucket that this share of a histogram's values does not exceed, as text."""
    buckets = re.findall(rf'(?m)^{histogram}_bucket\{{[^}}]*le="([^"]+)"[^}}]*\}} (\S+)$', text)
    return next((bound for bound, count in buckets if float(count) >= share * float(buckets[-1][1])), "?")


async def chunks(reader):
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]


async def stream(port, request, hang_up_after=None, gaps=None):
    """The text and the usage of a streamed completion; what came so far when we hang up, without usage."""
    reader, writer, status = await exchange(port, json.dumps(request).encode())
    try:
        if status != 200:
            raise RuntimeError(f"HTTP {status}")
        text, usage, pieces, last, rest, done = "", None, 0, None, b"", False
        if hang_up_after == 0:
            return text, None
        async for chunk in chunks(reader):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if not line.startswith(b"data: "):
                    continue
                if line == b"data: [DONE]":
                    done = True
                    continue
                event = json.loads(line[6:])
                if "error" in event:
                    raise RuntimeError(f"an error in the stream: {event['error']}")
                usage = event.get("usage") or usage
                piece = event["choices"][0]["text"] if event["choices"] else ""
                if not piece:
                    continue
                text += piece
                now = time.monotonic()
                if gaps is not None and last is not None:
                    gaps.append(now - last)
                last = now
                pieces += 1
                if pieces == hang_up_after:
                    return text, None
        if not done or not usage:
            raise RuntimeError("the stream ended early")
        return text, usage
    finally:
        writer.transport.abort()


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.faults = []
        self.gaps, self.curve, self.later = [], [], []
        self.counts = dict.fromkeys(("completed", "hung up", "malformed", "lost in the kill"), 0)
        self.server = None
        self.up = asyncio.Event()
        self.over = False
        self.alone = {}

    def fault(self, text):
        print("FAULT:", text, flush=True)
        self.faults.append(text)

    def request(self, rng):
        words = rng.choice((8, 40, 150, 400, 900)) + rng.randrange(8)
        prompt = " ".join(rng.choice(WORDS) for _ in range(words))
        return {"prompt": prompt, "max_tokens": rng.choice((4, 16, 64, 200)), "temperature": 0, "ignore_eos": True,
                "stream": True, "stream_options": {"include_usage": True}}

    async def client(self, number):
        rng = random.Random(self.options.seed * 1000 + number)
        while not self.over:
            await self.up.wait()
            server = self.server
            try:
                await self.one(server.port, rng)
            except (OSError, EOFError, RuntimeError, ValueError) as error:
                if server is self.server and self.up.is_set() and not self.over:
                    self.fault(f"client {number}: {type(error).__name__} {error}")
                    await asyncio.sleep(1)
                else:
                    self.counts["lost in the kill"] += 1

    async def one(self, port, rng):
        chance = rng.random()
        known = rng.random() < 0.5
        request = rng.choice(self.known) if known else self.request(rng)
        if chance < 0.01:
            body = rng.choice((b"{\"prompt\": \"a", b"[]", b"{\"prompt\": 5}", b"\xff\xfe", b"{}"))
            _, writer, status = await exchange(port, body)
            writer.close()
            if status != 400:
                self.fault(f"{body} was answered with {status}")
            self.counts["malformed"] += 1
            return
        hang_up_after = rng.randrange(request["max_tokens"]) if chance < 0.11 else None
        text, usage = await stream(port, request, hang_up_after, self.gaps)
        self.counts["completed" if usage else "hung up"] += 1
        if not known:
            if usage and rng.random() < 0.1 and len(self.later) < 200:
                self.later.append((request, text))
            return
        self.compare(request, text, usage)

    def compare(self, request, text, usage):
        want = self.alone[request["prompt"]]
        if usage is None:
            want = want[:len(text)]
        if text != want:
            at = next((i for i, (a, b) in enumerate(zip(text, want)) if a != b), min(len(text), len(want)))
            self.fault(f"a greedy answer ({len(request['prompt'].split())} words, {request['max_tokens']} tokens) differs "
                       f"from the same alone at character {at}: {text[at:at + 20]!r} instead of {want[at:at + 20]!r}")

    async def watch(self, seconds):
        """Memory under load, for so long or until the server ends; then what must hold of it."""
        start, warm = self.server.resident(), []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.server.alive():
                return self.fault(f"the server ended by itself with {self.server.process.returncode}")
            text = await metrics(self.server.port)
            now = values_of(text)
            resident = self.server.resident()
            self.curve.append((time.monotonic() - self.began, resident))
            if resident > start + now["troika_kv_bytes"] + OTHER_BYTES:
                return self.fault(f"{resident / 1e6:.1f} MB are more than {start / 1e6:.1f} MB at the start, the cache and "
                                  f"{OTHER_BYTES / 1e6:.0f} MB")
            computed = now["troika_prompt_tokens_total"] - now["troika_cached_prompt_tokens_total"]
            if computed + now["troika_generated_tokens_total"] > 1.1 * PAGE_TOKENS * now["troika_kv_pages"]:
                warm.append(resident)
            await asyncio.sleep(min(self.options.minutes, 5))
        bounds = [bound_of(text, "troika_inter_token_seconds", share) for share in (0.5, 0.99, 0.9999)]
        print("the server's gaps between tokens: p50 at most {} s, p99 {} s, p99.99 {} s".format(*bounds))
        half = len(warm) // 2
        if half < 4:
            return print("the cache was not full for long enough to see whether memory is flat then")
        early, late = sorted(warm[:half])[half // 2], sorted(warm[half:])[half // 2]
        print(f"with a full cache: {early / 1e6:.1f} MB, then {late / 1e6:.1f} MB")
        if late > early * 1.03 + 4e6:
            self.fault(f"memory grew from {early / 1e6:.1f} to {late / 1e6:.1f} MB under steady load with a full cache")

    async def idle_connections(self):
        before = self.server.resident()
        opened = []
        for _ in range(IDLE):
            status, _, writer = await get(self.server.port, "/health")
            if " 200 " not in status:
                self.fault(f"connection {len(opened)} was answered {status}")
            opened.append(writer)
        cost = self.server.resident() - before
        text, usage = await stream(self.server.port, self.known[0])
        self.compare(self.known[0], text, usage)
        print(f"{IDLE} idle connections cost {cost / 1e6:.1f} MB")
        if cost > IDLE_BYTES:
            self.fault(f"{IDLE} idle connections cost {cost / 1e6:.1f} MB")
        for writer in opened:
            writer.transport.abort()

    def report(self):
        print("\nresident memory, MB, after so many seconds:")
        step = max(1, len(self.curve) // 24)
        print("  " + "  ".join(f"{s:.0f}: {resident / 1e6:.0f}" for s, resident in self.curve[::step]))
        print(", ".join(f"{count} {what}" for what, count in self.counts.items()))
        gaps = sorted(self.gaps)
        if gaps:
            at = [gaps[min(len(gaps) - 1, int(len(gaps) * share))] * 1e3 for share in (0.5, 0.95, 0.99, 1)]
            print("gap between pieces of text, ms (some tokens have none): p50 {:.1f}, p95 {:.1f}, p99 {:.1f}, longest {:.1f}".format(*at))
        print("all promises were kept" if not self.faults else f"{len(self.faults)} promises were broken")

    async def run(self, folder, log):
        options = self.options
        self.began = time.monotonic()
        self.server = Server(options, folder, log)
        self.known = [self.request(self.random) for _ in range(options.known)]
        for request in self.known:
            self.alone[request["prompt"]], _ = await stream(self.server.port, request)
        print(f"{len(self.known)} answers known; {options.clients} clients for {options.minutes} minutes", flush=True)

        clients = [asyncio.create_task(self.client(i)) for i in range(options.clients)]
        half = options.minutes * 30
        self.up.set()
        await self.watch(half)

        long = {**self.known[0], "prompt": " ".join(self.random.choice(WORDS) for _ in range(1200)), "max_tokens": 64}
        self.alone[long["prompt"]], _ = await stream(self.server.port, long)
        await asyncio.sleep(2)  # for the gaps between steps in which it goes to disk
        self.up.clear()
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.server = Server(options, folder, log)
        print(f"killed; listens again after {self.server.start_s:.2f} s", flush=True)
        text, usage = await stream(self.server.port, long)
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        print(f"of a long prompt's {usage['prompt_tokens']} tokens {cached} were still known")
        if cached == 0:
            self.fault("after the kill nothing of a long prompt was known")
        self.compare(long, text, usage)
        self.up.set()
        await self.watch(half)

        self.over = True
        await asyncio.gather(*clients)
        for request, text in self.later:
            self.alone[request["prompt"]], usage = await stream(self.server.port, request)
            self.compare(request, text, usage)
        print(f"{len(self.later)} more answers compared with the same alone")
        await self.idle_connections()
        self.server.process.terminate()
        if self.server.process.wait(timeout=30) != 0:
            self.fault(f"SIGTERM ended the server with {self.server.process.returncode}")
        self.report()
        return 1 if self.faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--known", type=int, default=48, help="requests whose answers are known from the beginning")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", nargs=argparse.REMAINDER, default=[], help="more options of troika serve; the last here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="troika-soak-") as folder:
        soak = Soak(options)
        log_path = pathlib.Path(tempfile.gettempdir()) / f"troika-soak-{os.getpid()}.log"
        with open(log_path, "w", encoding="utf-8") as log:
            try:
                status = asyncio.run(soak.run(folder, log))
            finally:
                if soak.server and soak.server.alive():
                    soak.server.process.kill()
                    soak.server.process.wait()
    print(f"the server's log: {log_path}")
    sys.exit(status)


if __name__ == "__main__":
    main()
