"""git, which runs programs by configuration, by alias and by option."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .inside import Hidden, Inside, Options, Run, Unclear, skip
from .words import Word, listed

_GLOBAL = Options(
    flags="hvpP",
    values="Cc",
    long="no-pager paginate bare no-replace-objects literal-pathspecs no-optional-locks no-lazy-fetch version help",
    long_values="git-dir work-tree namespace",
)
_SETTINGS = re.compile(
    r"(?:user|color|advice|column|i18n|status|branch|push|fetch\.prune|pull|rebase\.auto\w*|merge\.ff|log"
    r"|init\.defaultbranch|commit\.(?:verbose|cleanup)|core\.(?:quotepath|autocrlf|eol|safecrlf|filemode|abbrev))(?:\..*)?",
    re.IGNORECASE,
)
"""Keys of the configuration that name no program."""

_COMMANDS = listed(
    """
    add am annotate apply archive bisect blame branch bundle cat-file check-attr check-ignore check-mailmap
    check-ref-format checkout checkout-index cherry cherry-pick clean clone column commit commit-graph commit-tree
    config count-objects describe diff diff-files diff-index diff-tree difftool fast-export fast-import fetch
    fetch-pack filter-branch for-each-ref for-each-repo format-patch fsck gc get-tar-commit-id grep hash-object help
    hook index-pack init interpret-trailers log ls-files ls-remote ls-tree mailinfo mailsplit maintenance merge
    merge-base merge-file merge-index merge-tree mergetool mktag mktree multi-pack-index mv name-rev notes
    pack-objects pack-refs patch-id prune pull push range-diff read-tree rebase receive-pack reflog remote repack
    replace request-pull rerere reset restore rev-list rev-parse revert rm send-email send-pack shortlog show
    show-branch show-index show-ref sparse-checkout stage stash status stripspace submodule switch symbolic-ref tag
    unpack-file unpack-objects update-index update-ref upload-pack var verify-commit verify-pack verify-tag version
    whatchanged worktree write-tree
    """
)
"""What is not here may be an alias; git lets none of these be one."""
_RUNNING = listed(
    """
    bisect difftool filter-branch for-each-repo hook merge-index mergetool receive-pack send-email upload-pack
    """
)
_TOLD = {
    "archive": "exec remote",
    "clone": "u upload-pack c config template",
    "diff": "ext-diff textconv",
    "fetch": "upload-pack",
    "fetch-pack": "upload-pack exec",
    "grep": "O open-files-in-pager",
    "init": "template",
    "log": "ext-diff",
    "ls-remote": "upload-pack exec",
    "pull": "upload-pack",
    "push": "receive-pack exec",
    "rebase": "x exec i interactive",
    "send-pack": "receive-pack exec",
    "show": "ext-diff",
}
"""Options of its commands that name a program."""


_SCOPES = {"--global", "--local", "--system", "--worktree", "--add", "--replace-all"}


def git(words: Sequence[Word]) -> Iterable[Inside]:
    """With options before its command, it is a wrapper around git without them."""
    skipped = skip(words, _GLOBAL)
    for option, value in skipped.given:
        if option == "c" and (value is None or not _SETTINGS.fullmatch(value.head.partition("=")[0])):
            yield Hidden("git is configured for this once, in a way that may run a program")
    if skipped.given and skipped.rest:
        yield Run([words[0], *skipped.rest])
        return
    if not skipped.rest:
        return
    name, rest = skipped.rest[0].literal, skipped.rest[1:]
    if name is None:
        raise Unclear("it is computed at run time what git does")
    if name not in _COMMANDS:
        yield Hidden(f"git {name} may be an alias, or a program of that name")
    elif name in _RUNNING or (name == "submodule" and any(word.literal in ("foreach", None) for word in rest)):
        yield Hidden(f"git {name} runs programs")
    elif name == "config":
        yield from _config(rest)
    elif told_to_run(rest, _TOLD.get(name, "")):
        yield Hidden(f"git {name} is told to run a program, or may be")
    if any(word.literal and re.match(r"(?:[\w.-]+)::", word.literal) for word in rest) and name not in ("log", "show"):
        yield Hidden("git reaches that address through a program")


def _config(words: Sequence[Word]) -> Iterable[Inside]:
    operands = [word for word in words if word.literal is None or not word.literal.startswith("-")]
    options = [word.literal for word in words if word.literal is not None and word.literal.startswith("-")]
    reading = {"--get", "--get-all", "--get-regexp", "--list", "-l", "--unset", "--unset-all", "--get-urlmatch"}
    if reading & set(options) or (operands and operands[0].literal in ("list", "get", "unset")):
        return
    if len(operands) > 1 or any(word.literal is None for word in operands):
        key = operands[1] if operands[0].literal == "set" else operands[0]
        if not _SETTINGS.fullmatch(key.head) or not set(options) <= _SCOPES:
            yield Hidden("git is configured in a way that may run a program later")
    elif {"-e", "--edit"} & set(options):
        yield Hidden("git runs an editor")


def told_to_run(words: Sequence[Word], options: str) -> bool:
    """Is one of these options given, or may it be? Letters in clusters and shortened names count."""
    letters = {option for option in options.split() if len(option) == 1}
    long = [option for option in options.split() if len(option) > 1]
    for word in words if options else ():
        if (literal := word.literal) is None:
            if word.could_be_option:
                return True
        elif literal == "--":
            return False
        elif literal.startswith("--"):
            name = literal[2:].partition("=")[0]
            if any(option.startswith(name) for option in long):
                return True
        elif literal.startswith("-") and (letters & set(literal[1:]) or re.split("[=,]", literal[1:])[0] in long):
            return True
    return False
