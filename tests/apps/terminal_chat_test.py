#!/usr/bin/env python3
"""`troika run` on a real (pseudo) terminal: editing, commands, Ctrl-C, Ctrl-D, history, and no escape
sequences from the model.

    terminal_chat_test.py BINARY PROJECT
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import stat
import subprocess
import sys
import tempfile
import termios
import time
import unittest

BINARY = str(pathlib.Path(sys.argv[1]).resolve())
MODEL = str(pathlib.Path(sys.argv[2]).resolve() / "tests/goldens/qwen2-tied.f32.gguf")
PROMPT = ">>> "


class Terminal:
    def __init__(self, state, model, *arguments):
        self.screen = ""  # since the last wait
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(XDG_STATE_HOME=state, TERM="xterm", LC_ALL="C")
            os.execv(BINARY, [BINARY, "run", model, *arguments])

    def wait_for(self, pattern, seconds=60):
        """What was shown up to and with the pattern; it must come."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.screen)):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {pattern!r} within {seconds} s, but {self.screen!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"the program ended before {pattern!r}: {self.screen!r}")
            self.screen += data.decode(errors="replace")
        seen, self.screen = self.screen[:found.end()], self.screen[found.end():]
        return seen

    def prompt(self):
        """What was shown until the prompt, when the editor reads keys (it prints the prompt a moment earlier)."""
        seen = self.wait_for(PROMPT)
        end = time.monotonic() + 60
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            if time.monotonic() > end:
                raise AssertionError("the editor does not read")
            time.sleep(0.005)
        return seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        """Types a line at the prompt; what it shows until the next prompt."""
        self.type(text + "\r")
        self.wait_for(r"\n")
        return self.prompt()

    def end(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    if not os.read(self.fd, 65536):
                        break
                except OSError:
                    break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class ChatCase(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.state = str(self.folder / "state")

    def start(self, *arguments, model=MODEL):
        terminal = Terminal(self.state, model, *arguments)
        self.assertIn("/help", terminal.prompt())
        return terminal

    def saved(self, terminal):
        path = self.folder / "chat.json"
        shown = terminal.line(f"/save {path}")
        self.assertIn("Saved", shown)
        return json.loads(path.read_text())["messages"]


class TerminalChat(ChatCase):
    def test_a_conversation_is_saved_cleared_and_loaded(self):
        t = self.start("--seed", "1", "--max-tokens", "6")
        t.line('/set system "Be brief."')
        t.line("hello")
        t.line("and again")
        messages = self.saved(t)
        self.assertEqual([m["role"] for m in messages], ["system", "user", "assistant", "user", "assistant"])
        self.assertEqual(messages[0]["content"], "Be brief.")
        self.assertEqual(messages[3]["content"], "and again")
        t.line("/clear")
        self.assertIn("Loaded 5 messages", t.line(f"/load {self.folder / 'chat.json'}"))
        self.assertEqual(self.saved(t), messages)
        t.line("/clear")
        self.assertEqual(self.saved(t), messages[:1])
        t.type("/bye\r")
        self.assertEqual(t.end(), 0)

    def test_settings_are_shown_and_checked(self):
        t = self.start()
        for setting in ("temperature 0.7", "top_p 0.5", "top_k 7", "seed 9", "max_tokens 3"):
            self.assertNotIn("error", t.line(f"/set {setting}"))
            self.assertIn(setting, t.line("/set"))
        for wrong in ("/set temperature hot", "/set temperature -1", "/set top_p nan", "/set top_k 1.5",
                      "/set seed -1", "/set colour red", "/load /nonexistent", "/save", "/image cat.png", "/frobnicate"):
            self.assertIn("error: ", t.line(wrong), wrong)
        t.type("\x04")
        self.assertEqual(t.end(), 0)

    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        t = self.start("--device", "reference", "--temperature", "0", model="troika-mini")  # slow enough to be stopped
        t.type("Count from 1 to 20.\r")
        t.wait_for(r"20\.\r\n1, 2")
        t.type("\x03")
        t.wait_for(r"\[stopped\]")
        t.prompt()
        self.assertEqual([m["role"] for m in self.saved(t)], ["user", "assistant"])
        t.type("\x04")
        self.assertEqual(t.end(), 0)

    def test_ctrl_c_at_the_prompt_drops_the_line(self):
        t = self.start("--max-tokens", "2")
        t.type("never mind\x03")
        t.wait_for(r"\^C")
        t.prompt()
        t.line("hello")
        self.assertEqual(self.saved(t)[0]["content"], "hello")
        t.type("\x04")
        self.assertEqual(t.end(), 0)

    def test_history_outlives_the_program_and_is_private(self):
        t = self.start("--max-tokens", "2", "--seed", "1")
        t.line("the one question h\u00e9")
        t.type("/bye\r")
        self.assertEqual(t.end(), 0)
        file = pathlib.Path(self.state) / "troika" / "history"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        t = self.start("--max-tokens", "2", "--seed", "1")
        t.type("\x1b[A\x1b[A\r")  # up twice: /bye, then the question
        t.wait_for(r"cut after 2 tokens")
        t.prompt()
        self.assertEqual(self.saved(t)[0]["content"], "the one question h\u00e9")
        t.type("\x04")
        self.assertEqual(t.end(), 0)

    def test_control_characters_of_the_model_never_reach_the_terminal(self):
        t = self.start("--seed", "1", "--max-tokens", "200")
        shown = t.line("hello")
        raw = self.saved(t)[-1]["content"]
        control = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
        self.assertRegex(raw, control)  # else this test proves nothing
        self.assertIsNone(control.search(shown.replace("\r\n", "\n")), repr(shown))
        t.type("\x04")
        self.assertEqual(t.end(), 0)


# Begins to reason in the prompt, unless it is told not to.
THINKING_TEMPLATE = (
    "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n"
    "{% if enable_thinking is defined and not enable_thinking %}\n</think>\n\n{% endif %}")


def thinking_model(folder):
    """The golden model's weights with one token a byte and a template that knows reasoning."""
    golden = pathlib.Path(MODEL).parent / "qwen2-tied"
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        shutil.copy(golden / name, folder / name)
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that stand for themselves
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    (folder / "vocab.json").write_text(json.dumps({letters[byte]: byte for byte in range(256)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": THINKING_TEMPLATE}))
    return str(folder)


class Thinking(ChatCase):
    def setUp(self):
        super().setUp()
        (self.folder / "model").mkdir()
        self.model = thinking_model(self.folder / "model")

    def piped(self, *arguments):
        run = subprocess.run([BINARY, "run", self.model, "--seed", "1", "--max-tokens", "60", *arguments],
                             input=b"hello", capture_output=True, timeout=120, check=True)
        return run.stdout

    def test_a_terminal_shows_it_dimmed_and_a_pipe_gets_the_answer_alone(self):
        t = self.start("--seed", "1", "--max-tokens", "60", "--thinking-budget", "9", model=self.model)
        shown = t.line("hello")
        message = self.saved(t)[-1]
        self.assertRegex(shown, re.compile(r"^\x1b\[2m.+\x1b\[22m\r\n\r\n.", re.S))
        self.assertTrue(message["reasoning_content"])
        self.assertTrue(message["content"])
        self.assertNotIn("think>", shown + message["reasoning_content"] + message["content"])
        t.type("\x04")
        self.assertEqual(t.end(), 0)

        answer = self.piped("--thinking-budget", "9")
        self.assertNotIn(b"\x1b", answer)
        self.assertLess(len(answer.decode(errors="replace")), 60)
        self.assertEqual(self.piped(), b"\n")  # nothing ends the reasoning, so there is no answer
        self.assertGreater(len(self.piped("--no-think")), 1)
        self.assertGreater(len(self.piped("--thinking-budget", "0")), 1)

    def test_it_is_set_in_the_chat(self):
        t = self.start("--seed", "1", "--max-tokens", "30", model=self.model)
        self.assertIn("think auto\r\nthinking_budget (no limit)", t.line("/set"))
        t.line("/set think off")
        self.assertNotIn("\x1b[2m", t.line("hello"))
        self.assertNotIn("reasoning_content", self.saved(t)[-1])
        t.line("/clear")
        t.line("/set think on")
        t.line("/set thinking_budget 4")
        self.assertIn("think on\r\nthinking_budget 4", t.line("/set"))
        self.assertIn("\x1b[2m", t.line("hello"))
        messages = self.saved(t)
        t.line("/clear")
        t.line(f"/load {self.folder / 'chat.json'}")
        self.assertEqual(self.saved(t), messages)
        for wrong in ("/set think maybe", "/set thinking_budget -2", "/set thinking_budget some"):
            self.assertIn("error: ", t.line(wrong), wrong)
        t.type("\x04")
        self.assertEqual(t.end(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
