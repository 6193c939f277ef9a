#!/usr/bin/env python3
"""./run and ./test with stand-ins for cmake, ninja, apt-get and the rest: what they call, say and pass on.

    scripts_test.py PROJECT
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(sys.argv[1]).resolve()

# What the scripts may really use; everything else is a stand-in or absent.
REAL = ["bash", "env", "dirname", "readlink", "mkdir", "sed", "grep", "awk", "tail", "tee", "flock", "nproc", "stat",
        "rm", "chown", "touch", "cat", "chmod", "sleep", "cut"]
LOG = 'echo "$(basename "$0") $*" >> "$CALLS"\n'
STANDINS = {
    "basename": 'echo "${1##*/}"',
    "cmake": LOG + 'while [[ $1 != --preset ]]; do [[ $1 == -S ]] && S=$2; shift; done\n'
             'mkdir -p "$S/build/$2" && touch "$S/build/$2/build.ninja"\n'
             'for last; do :; done\n'
             'printf "CMAKE_HOME_DIRECTORY:INTERNAL=%s\\nBUILD_TESTING:BOOL=%s\\n" "$S" "${last#*=}" '
             '> "$S/build/$2/CMakeCache.txt"',
    "ninja": LOG + '[[ -e $BROKEN ]] && { echo "[1/2] Building CXX object a.o"; echo "a.cpp:1: no luck"; exit 1; }\n'
             'if [[ -e $2/troika ]]; then echo "ninja: no work to do."; exit; fi\n'
             'echo "[1/1] Building CXX object a.o"\n'
             'printf \'#!/bin/bash\\npwd\\nprintf "<%%s>" "$@"\\nexit 7\\n\' > "$2/troika"; chmod +x "$2/troika"',
    "g++": "", "pkg-config": "", "glslc": "", "ccache": "", "python3": "", "curl": "", "openssl": "", "chromium": "", "npm": LOG + "mkdir -p node_modules",
    "node": "echo v20.1.0",
    "ctest": LOG + "echo all passed",
    "dpkg-query": 'shift 2\nfor p in "$@"; do [[ $p == libedit-dev && ! -e $INSTALLED ]] || echo -n "installed:$p "; done',
    "apt-get": LOG + '[[ " $* " != *" install "* ]] || touch "$INSTALLED"',
}


class Scripts(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        top = pathlib.Path(temporary.name)
        top.chmod(0o755)
        self.root, self.bin = top / "a project", top / "bin"
        (self.root / "tools").mkdir(parents=True)
        for folder in ("tests/e2e", "tests/web", "web"):
            (self.root / folder).mkdir(parents=True)
            (self.root / folder / "package-lock.json").write_text("{}")
        for script in ("run", "test", "tools/setup.sh", "tools/nightly"):
            shutil.copy(PROJECT / script, self.root / script)
        self.bin.mkdir()
        for name in REAL:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, text in STANDINS.items():
            self.command(name, text)
        self.calls, self.installed, self.broken = top / "calls", top / "installed", top / "broken"
        self.calls.touch()
        self.installed.touch()
        self.elsewhere = top / "else where"
        self.elsewhere.mkdir()

    def command(self, name, text):
        (self.bin / name).write_text("#!/bin/bash\n" + text + "\n")
        (self.bin / name).chmod(0o755)

    def start(self, script, *arguments, user=None):
        if user is not None:
            for path in [self.root.parent, *self.root.parent.rglob("*")]:
                if not path.is_symlink():
                    os.chown(path, user, user)
        return subprocess.run(
            [self.root / script, *arguments], cwd=self.elsewhere, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, user=user, group=user, extra_groups=[] if user is not None else None,
            env={"PATH": str(self.bin), "CALLS": str(self.calls), "INSTALLED": str(self.installed),
                 "BROKEN": str(self.broken), "HOME": "/nonexistent"})

    def called(self):
        return self.calls.read_text()

    def test_run_builds_and_passes_everything_on(self):
        done = self.start("run", "run", "two words", "", "*")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual(done.stdout, f"{self.elsewhere}\n<run><two words><><*>")
        self.assertIn("building Troika", done.stderr)
        self.assertRegex(self.called(), r"ninja -C .*/a project/build/release -j \d+ troika\n")

    def test_run_alone_serves(self):
        self.assertTrue(self.start("run").stdout.endswith("<serve>"))
        self.assertTrue(self.start("run", "").stdout.endswith("<>"))

    def test_a_second_run_is_silent_and_configures_nothing(self):
        self.start("run")
        self.calls.write_text("")
        self.assertEqual(self.start("run").stderr, "")
        self.assertNotIn("cmake", self.called())

    def test_tests_are_configured_by_test_and_not_by_run_alone(self):
        self.start("run")  # on a machine that may lack GoogleTest
        self.assertIn("-DBUILD_TESTING=OFF", self.called())
        self.start("test")
        self.assertIn("-DBUILD_TESTING=ON", self.called())
        self.calls.write_text("")
        self.start("run")
        self.assertNotIn("cmake", self.called())

    def test_it_works_through_a_link_and_after_a_move(self):
        self.start("run")
        moved = self.root.with_name("moved project")
        self.root.rename(moved)
        self.root = moved
        (self.elsewhere / "troika").symlink_to(moved / "run")
        self.calls.write_text("")
        done = self.start(self.elsewhere / "troika", "--help")
        self.assertTrue(done.stdout.endswith("<--help>"), done.stderr)
        self.assertIn("cmake", self.called())

    def test_a_failed_build_shows_its_end_and_the_log(self):
        self.broken.touch()
        done = self.start("run", "--help")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertIn("a.cpp:1: no luck", done.stderr)
        self.assertIn("build/release.log", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be root")
    def test_root_installs_what_is_missing(self):
        self.installed.unlink()
        done = self.start("run")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("installing Debian packages: libedit-dev", done.stderr)
        self.assertRegex(self.called(), r"apt-get -qq update\napt-get .* install libedit-dev\n")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_others_install_by_sudo_or_are_told_what_to_type(self):
        self.installed.unlink()
        done = self.start("run", user=65534)
        self.assertEqual(done.returncode, 1)
        self.assertIn("missing: libedit-dev", done.stderr)
        self.assertIn("\n  apt-get install libedit-dev", done.stderr)
        self.command("sudo", LOG + "exit 1")  # asks for a password, and there is no terminal
        done = self.start("run", user=65534)
        self.assertEqual(done.returncode, 1)
        self.assertIn("\n  sudo apt-get install libedit-dev", done.stderr)
        self.assertNotIn("apt-get", self.called())
        self.command("sudo", LOG + 'shift; "$@"')
        done = self.start("run", user=65534)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertRegex(self.called(), r"sudo -n env .*apt-get .* install libedit-dev\n")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_what_root_builds_belongs_to_the_owner_of_the_checkout(self):
        os.chown(self.root, 65534, 65534)
        self.start("run")
        self.assertEqual((self.root / "build/release/troika").stat().st_uid, 65534)

    def test_an_old_node_is_not_enough_and_a_missing_one_is_not_passed_over(self):
        self.command("node", "echo v16.2.0")
        done = self.start("test")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "missing.*nodejs npm")
        self.assertNotIn("ctest", self.called())

    def test_test_builds_all_and_ends_as_ctest_does(self):
        done = self.start("test")
        self.assertEqual((done.returncode, done.stdout), (0, "all passed\n"), done.stderr)
        self.assertRegex(self.called(), r"ninja -C \S*.*/build/release -j \d+\n")
        self.assertEqual(self.called().count("npm ci "), 3)  # two folders of tests, and the page
        self.assertRegex(self.called(), r"ctest --test-dir .*/build/release --output-on-failure -j2\n")
        self.calls.write_text("")
        self.start("test", "sanitize")
        self.assertIn("build/sanitize", self.called())
        self.assertNotIn("npm ci", self.called())
        self.command("ctest", "exit 8")
        self.assertEqual(self.start("test").returncode, 8)

    def test_test_fails_when_npm_does(self):
        self.command("npm", "exit 1")
        done = self.start("test")
        self.assertEqual(done.returncode, 1)
        self.assertIn("npm could not install", done.stderr)

    def test_a_night_goes_through_everything_and_fails_by_a_finding(self):
        self.command("clang++-16", "cat >/dev/null")
        built = self.root / "build/fuzz/tests/fuzz"
        built.mkdir(parents=True)
        (self.root / "tests/fuzz").mkdir()
        for name, text in ("bad", "echo ERROR: it broke; exit 1"), ("good", 'echo "$@" >"$CALLS"'):
            (self.root / f"tests/fuzz/{name}.cpp").touch()
            (built / f"fuzz_{name}").write_text("#!/bin/bash\n" + text + "\n")
            (built / f"fuzz_{name}").chmod(0o755)
        done = self.start("tools/nightly", "--seconds", "5")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"FAILED  fuzz bad: ERROR: it broke; see .*/findings/bad.log .*\nok +fuzz good: .*\n"
                                      r"ok +tests under the sanitizers\nok +soak of 10 minutes\n$")
        (built / "fuzz_bad").write_text("#!/bin/bash\n")
        self.assertEqual(self.start("tools/nightly", "fuzz").returncode, 0)
        self.assertEqual(self.start("tools/nightly", "good", "--seconds", "7").stdout.count("\n"), 1)
        self.assertIn("-max_total_time=7", self.called())
        self.assertIn("there is no fuzz target worse", self.start("tools/nightly", "worse").stderr)
        self.command("clang++-16", "exit 1")
        self.assertIn("apt-get install clang-16", self.start("tools/nightly", "fuzz").stderr)

    def test_test_refuses_an_unknown_preset(self):
        self.assertIn("usage", self.start("test", "fast").stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
