#!/usr/bin/env python3
"""What `cmake --install` puts into a folder works there, and the service is one that systemd finds right and tight."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
MOST_EXPOSURE = 2.0  # of 10, in systemd-analyze's count; docs/server.md has the number that it is
ANALYZE = shutil.which("systemd-analyze")


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)


class Packaging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.prefix = pathlib.Path(cls.folder.name) / "usr"
        done = run(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        cls.binary = cls.prefix / "bin/troika"
        cls.unit_text = (cls.prefix / "lib/systemd/system/troika.service").read_text()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def unit(self, folder):
        """The unit with the binary where it is here."""
        path = pathlib.Path(folder) / "troika.service"
        path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={self.binary}", self.unit_text, flags=re.M))
        return path

    def test_everything_is_in_its_place(self):
        for name in ("bin/troika", "lib/systemd/system/troika.service", "lib/sysusers.d/troika.conf",
                     "share/troika/models/troika-mini.gguf", "share/troika/models/zoo.json",
                     "share/doc/troika/examples/environment", "share/doc/troika/LICENSE"):
            self.assertTrue((self.prefix / name).is_file(), name)

    def test_the_installed_binary_brings_its_model(self):
        done = run(self.binary, "show", "troika-mini", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.prefix / "share/troika/models/troika-mini.gguf"), done.stdout)

    def test_the_unit_starts_the_binary_where_it_is_installed(self):
        self.assertRegex(self.unit_text, r"(?m)^ExecStart=/\S*bin/troika serve$")
        self.assertNotIn("@", re.sub(r"SystemCallFilter=\S+", "", self.unit_text))

    def test_every_setting_of_the_example_is_one_that_serve_knows(self):
        known = run(self.binary, "serve", "--help").stdout + run(self.binary, "--help").stdout
        settings = re.findall(r"(?m)^#?([A-Z_]+)=", (self.prefix / "share/doc/troika/examples/environment").read_text())
        self.assertGreater(len(settings), 10)
        for setting in settings:
            self.assertRegex(known, rf"\b{setting}\b")

    def test_the_example_sets_nothing_by_itself(self):
        text = (self.prefix / "share/doc/troika/examples/environment").read_text()
        self.assertEqual([line for line in text.splitlines() if line and not line.startswith("#")], [])

    @unittest.skipUnless(ANALYZE, "systemd-analyze is not here")
    def test_systemd_finds_nothing_wrong(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run(ANALYZE, "verify", self.unit(folder), env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"})
            ours = [line for line in done.stderr.splitlines() if "troika" in line]
            self.assertEqual((done.returncode, ours), (0, []), done.stderr)

    @unittest.skipUnless(ANALYZE, "systemd-analyze is not here")
    def test_the_service_is_hardened(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run(ANALYZE, "security", "--offline=true", f"--threshold={int(MOST_EXPOSURE * 10)}", "--no-pager",
                       self.unit(folder))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"exposure level for troika\.service: [01]\.\d")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
