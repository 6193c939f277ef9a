"""Reads what each common command does from the NAME sections of the manual pages, into a TSV: name, section, line.

One idea: these one-line descriptions belong to their authors, so the TSV is made on the machine where it is needed and
never committed. Pages of packages that are not installed are read from the .deb files that `apt-get download` fetches.

    python3 tools/train/commands.py .carry/commands.tsv
"""

import bz2
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile

PACKAGES = """coreutils util-linux mount bsdutils grep sed findutils procps git-man curl tar gzip bzip2
xz-utils openssh-client rsync man-db mawk diffutils less hostname iproute2 iputils-ping net-tools wget file
zip unzip nano psmisc lsof strace htop tree jq bc make passwd login adduser sudo apt dpkg kmod e2fsprogs
fdisk pciutils usbutils bsdextrautils tmux cron patch gdb cmake systemd binutils-common gcc-12""".split()

# Families of pages that nobody asks a small assistant about.
SKIP = re.compile(r"^(systemd-|git-.*--|ip-|tc-|bridge|devlink|rdma|dcb|vdpa|apt-transport|dh_|x86_64-|lz|xz.*grep|z|bz)|"
                  r"^(ip|tc)$|\.(conf|service)$|@")
NAME = re.compile(r"^[a-z][a-z0-9+_-]{0,23}$")


def installed_pages(package: str) -> list[pathlib.Path]:
    listing = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True)
    return [pathlib.Path(p) for p in listing.stdout.split() if "/usr/share/man/man" in p]


def downloaded_pages(package: str, folder: str) -> list[pathlib.Path]:
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, capture_output=True)
    for deb in pathlib.Path(folder).glob(f"{package}_*.deb"):
        subprocess.run(["dpkg", "-x", deb, f"{folder}/{package}"], check=True)
    return sorted(pathlib.Path(folder, package).glob("usr/share/man/man[18]/*"))


def plain(roff: str) -> str:
    """Roff without its font changes and escapes."""
    roff = re.sub(r"\\f(\[[^\]]*\]|\(..|.)", "", roff)
    roff = re.sub(r"\\s[+-]?\d", "", roff)
    roff = roff.replace("\\(aq", "'").replace("\\(em", "-").replace("\\(en", "-").replace("\\-", "-")
    roff = roff.replace("\\&", "").replace("\\|", "").replace("\\ ", " ").replace("\\e", "\\").replace("\\/",
                                                            "")
    return re.sub(r"\s+", " ", roff).strip()


def name_section(page: pathlib.Path) -> str:
    """The text of NAME, or nothing. mdoc pages mark name and line with .Nm and .Nd, the others write `name - line`."""
    raw = page.read_bytes()
    if page.suffix == ".gz":
        raw = gzip.decompress(raw)
    elif page.suffix == ".bz2":
        raw = bz2.decompress(raw)
    lines = raw.decode("utf-8", "replace").splitlines()
    start = next((i for i, l in enumerate(lines) if re.match(r'^\.(SH|Sh)\s+"?NAME"?\s*$', l, re.I)), None)
    if start is None:
        return ""
    text = []
    for line in lines[start + 1:start + 30]:
        if re.match(r"^\.(SH|Sh|SS)\b", line):
            break
        if line.startswith(".Nm"):
            text.append(line[3:].strip())
        elif line.startswith(".Nd"):
            text.append("- " + line[3:].strip())
        elif re.match(r"^\.(B|BR|I|IR|R|RB)\s", line):
            text.append(line.split(None, 1)[1].replace('"', ""))
        elif not line.startswith((".", "'")):
            text.append(line)
    return plain(" ".join(text))


def describe(page: pathlib.Path):
    """(name, section, line) of every command that the page names, or nothing when the line would not serve."""
    match = re.match(r"^(.+?)\s+-+\s+(.+)$", name_section(page))
    if not match:
        return
    line = match.group(2).strip().rstrip(".")
    if not 8 <= len(line) <= 76 or not line.isascii() or "\\" in line or '"' in line:
        return
    section = page.name.split(".")[-2 if page.suffix in (".gz", ".bz2") else -1][0]
    own = re.sub(r"\.[18].*$", "", page.name)
    for name in match.group(1).split(","):
        name = name.strip()
        if name == own and NAME.match(name) and not SKIP.search(name):
            yield name, section, line


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    found: dict[str, tuple[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            pages = [p for p in installed_pages(package) if p.parent.name in ("man1", "man8")]
            for page in sorted(pages or downloaded_pages(package, folder)):
                if page.is_file():
                    for name, section, line in describe(page):
                        found.setdefault(name, (section, line))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(f"{n}\t{s}\t{l}\n" for n, (s, l) in sorted(found.items())))
    print(len(found), "commands to", out)


if __name__ == "__main__":
    main()
