"""What common commands do, from the descriptions that commands.py collected, and the other way round."""

import pathlib

from talk import Talk, wording
from words import pick

_WHAT = ["What does {c} do?", "What does the command {c} do?", "What is {c}?", "What is the command {c} for?",
         "Explain {c}.",
         "What is {c} good for?", "Describe the command {c}.", "What does `{c}` do?",
         "Tell me what {c} does.", "What's {c}?",
         "What do I use {c} for?", "What is the {c} command?", "Which task does {c} do?",
         "What does the {c} command do?"]
_WHICH = ["Which command does this: {d}?", "Which command do I need to {d}?", "What is the command to {d}?",
          "Name the command to {d}."]
# Their lines begin with a verb in the infinitive, so "the command to ..." reads well.
_COMMON = set("""ls cp mv rm mkdir rmdir cat head tail sort uniq wc cut paste tr tee touch chmod chown chgrp ln df du date echo pwd
sleep kill ps top free uptime who whoami id uname hostname tar gzip gunzip grep sed find xargs diff cmp patch ssh scp sftp
curl wget rsync git man apropos whatis less more file strings stat dd mount umount lsblk lscpu lsmem lsusb lspci dmesg
nice renice nohup timeout watch tree jq bc seq shuf split tac rev nl od fold fmt join comm md5sum sha256sum base64 env
printenv true false yes test expr factor basename dirname realpath readlink mktemp truncate sync su sudo passwd useradd
userdel usermod groupadd adduser crontab systemctl journalctl make cmake ar ld nm objdump strip xz unxz zip unzip htop
pgrep pkill pidof killall fuser lsof strace ping ss ip last login git-add git-commit git-clone git-pull git-push git-log
git-status git-diff git-branch git-merge git-checkout git-init git-stash git-rebase git-reset git-tag git-fetch""".split())


class Commands:
    """The table of commands, with the common ones drawn more often."""

    def __init__(self, path: str):
        rows = [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]
        self.rows = [(name, line) for name, _, line in rows]
        self.common = [(name, line) for name, line in self.rows if name in _COMMON]
        lines = [line for _, line in self.rows]
        self.infinitive = [(name, line) for name, line in self.common
                           if lines.count(line) == 1 and line[0].islower() and not line.split()[0].endswith(("s", "r", "ing", "d"))
                           and line.split()[0] not in ("a", "an", "the", "network", "command", "one-line",
                                                       "transfer", "high-level")]

    def commands(self, rng) -> Talk:
        if rng.random() < 0.22:
            name, line = pick(rng, self.infinitive)
            question = pick(rng, _WHICH).format(d=line)
            return Talk("commands", ((wording(rng, question, may_lower=True), f"The command is {name}."),),
                        f"which {question}")
        name, line = pick(rng, self.common if rng.random() < 0.6 else self.rows)
        shown = name.replace("git-", "git ", 1) if rng.random() < 0.5 else name
        question = pick(rng, _WHAT).format(c=shown)
        return Talk("commands", ((wording(rng, question, may_lower=name.islower()),
                                  f"{name.replace('git-', 'git ', 1)}: {line}."),), f"command {question}",
                    fit=name in _COMMON)


def topics(path: str):
    return ((Commands(path).commands, 12),)
