"""Programs that run code, or other programs, in ways that are not read: one line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .git import told_to_run
from .inside import Hidden, Inside
from .words import Word, listed

_HARMLESS = frozenset({"--version", "-V", "--help", "-h", "-version", "version"})

INTERPRETERS = re.compile(
    r"""(?: python(?:\d[\d.]*)?w? | pypy\d? | ipython\d? | perl(?:\d[\d.]*)? | ruby(?:\d[\d.]*)? | irb | node | nodejs
    | deno | bun | tsx | ts-node | php(?:\d[\d.]*)? | lua(?:\d[\d.]*)? | luajit | Rscript | R | julia | guile | racket
    | sbcl | clisp | scheme | ghci | runghc | runhaskell | scala | groovy | kotlin | jshell | java | elixir | iex | erl
    | escript | tclsh\d*[\d.]* | wish | expect | osascript | gdb | lldb | octave | gnuplot | m4 | dc | ed | ex | red
    | vi | vim | nvim | view | vimdiff | rvim | gvim | emacs | emacsclient | nano | pico | joe | micro | psql | mysql
    | mariadb | sqlite3? | mongo | mongosh | redis-cli | ocaml | swipl | crystal | raku | dotnet | mono | wine )""",
    re.VERBOSE,
)
"""Languages, editors and prompts: what they are given is code."""

_RUNNERS_OF = {
    "a makefile": "make gmake remake just rake ninja ant task bmake",
    "a build": "mvn gradle gradlew bazel tox nox invoke fab scons cmake meson",
    "a package": "npx bunx uvx pipx pnpx corepack",
    "another machine": "ssh rsh mosh autossh sshpass slogin telnet",
    "a container": "docker podman nerdctl kubectl lxc lxc-attach vagrant bwrap firejail systemd-run nsenter",
    "a terminal of its own": "screen tmux byobu xterm dtach tmate zellij",
    "a later time": "at batch crontab anacron",
    "its arguments or its input": """
        parallel sem entr watchexec nodemon run-parts socat ncat start-stop-daemon daemonize supervisord
        ansible ansible-playbook salt puppet terraform sg newgrp sudoedit visudo vipw setpriv capsh runcon
        ltrace perf ip cgexec prlimit logsave direnv proxychains proxychains4 torify torsocks
        debugfs xdg-open setarch chrt
    """,
}
RUNNERS = {name: what for what, names in _RUNNERS_OF.items() for name in names.split()}
"""Programs whose business it is to run others."""

OPTIONS = {
    "apt": "o c option config-file",
    "apt-get": "o c option config-file",
    "aria2c": "on-download-complete on-bt-download-complete on-download-error on-download-start conf-path",
    "bzgrep": "f",
    "cargo": "config",
    "cpio": "rsh-command",
    "ctags": "options",
    "curl": "K config",
    "dpkg": "pre-invoke post-invoke i install",
    "fd": "x X exec exec-batch",
    "fdfind": "x X exec exec-batch",
    "fzf": "preview bind",
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang", "clang++"), "wrapper B specs fplugin"),
    **dict.fromkeys(("latex", "pdflatex", "xelatex", "lualatex", "tex", "pdftex"), "shell-escape"),
    "info": "init-file restore",
    "install": "strip-program",
    "less": "k K",
    "man": "P H pager html C config-file",
    "nc": "e c exec sh-exec",
    "netcat": "e c",
    "nmap": "script",
    "openssl": "engine provider",
    "rg": "pre hostname-bin z search-zip",
    "rsync": "e rsh rsync-path",
    "scp": "S o F",
    "diff3": "diff-program",
    "patch": "e ed",
    "ssh-keygen": "D",
    "sdiff": "diff-program o output",
    "sftp": "S o F b D",
    "sort": "compress-program",
    "split": "filter",
    "tar": """
        I F to-command use-compress-program checkpoint-action rsh-command rmt-command info-script new-volume-script
    """,
    "bsdtar": "use-compress-program",
    "tcpdump": "z",
    "wget": "use-askpass e execute config",
    "zip": "T TT unzip-command",
    "yum": "c setopt",
}
"""Options that name a program to run, or a file that does."""

SUBCOMMANDS = {
    "bundle": "exec",
    "cargo": "run test bench build check install clippy",
    "composer": "exec run run-script install update",
    "gem": "exec",
    "go": "run test generate tool vet build install",
    "npm": "run run-script exec x test t tst start stop restart explore init create install i ci rebuild",
    "pdm": "run",
    "pip": "install wheel download",
    "pip3": "install wheel download",
    "pipenv": "run shell",
    "pnpm": "run exec dlx x test t start create install i",
    "poetry": "run shell",
    "uv": "run tool x pip sync add build",
    "yarn": "run exec dlx test start create install node",
}
"""Commands of tools that run what a project holds."""

_SCRIPT = re.compile(r".*/.*\.(?:sh|bash|zsh|ksh|py|pl|rb|js|mjs|cjs|ts|php|lua|run|command|bat|ps1)", re.DOTALL)
_MODULES = listed(
    """
    pytest unittest pip venv json.tool http.server mypy ruff black isort flake8 pylint build coverage
    """
)


def opaque(words: Sequence[Word]) -> Iterable[Inside]:
    """Why what this program runs is not read; nothing for an ordinary program."""
    path = words[0].literal or ""
    name, rest = path.rpartition("/")[2], words[1:]
    if _SCRIPT.fullmatch(path):
        yield Hidden(f"it runs what is in {path}")
    if all(word.literal in _HARMLESS for word in rest) and rest:
        return
    if INTERPRETERS.fullmatch(name):
        if not _module(rest):
            yield Hidden(f"code for {name}")
    elif (what := RUNNERS.get(name)) is not None:
        yield Hidden(f"{name} runs programs that are told by, or belong to, {what}")
    elif told_to_run(_told(name, rest), OPTIONS.get(name, "")):
        yield Hidden(f"{name} is told to run a program, or may be")
    elif (commands := SUBCOMMANDS.get(name)) is not None:
        listed = commands.split()
        if any(word.literal is None or word.literal in listed for word in rest):
            yield Hidden(f"{name} runs what the project holds, or may")


def _module(words: Sequence[Word]) -> bool:
    """``python -m pytest`` names a program."""
    return len(words) > 1 and words[0].literal == "-m" and words[1].literal in _MODULES


def _told(name: str, words: Sequence[Word]) -> Sequence[Word]:
    """The first word of tar holds options even without a dash."""
    first = words[0].literal if words else None
    if name == "tar" and first and not first.startswith("-"):
        return [Word(("-" + first,)), *words[1:]]
    return words
