"""Which remotes a git command speaks to, by name or address. None stands for one that is not known."""

from __future__ import annotations

from collections.abc import Sequence

from .patterns import Words

_OPTIONS = {
    "push": (
        "nqvuf46d",
        "o",
        "all branches mirror tags follow-tags no-follow-tags dry-run force delete prune set-upstream quiet verbose "
        "progress no-progress thin no-thin atomic no-atomic porcelain verify no-verify signed no-signed "
        "force-with-lease no-force-with-lease force-if-includes no-force-if-includes "
        "recurse-submodules no-recurse-submodules ipv4 ipv6",
        "repo push-option receive-pack exec",
    ),
    "fetch": (
        "aqvfktnpPu46",
        "jo",
        "append atomic dry-run force keep prune prune-tags no-tags tags no-recurse-submodules recurse-submodules "
        "unshallow update-shallow quiet verbose progress no-progress set-upstream write-fetch-head "
        "no-write-fetch-head ipv4 ipv6",
        "depth deepen shallow-since shallow-exclude jobs refmap server-option upload-pack negotiation-tip filter",
    ),
    "pull": (
        "qvafkntrpS46",
        "jsXo",
        "quiet verbose progress no-progress rebase no-rebase commit no-commit edit no-edit ff no-ff ff-only squash "
        "no-squash stat no-stat autostash no-autostash all append dry-run force keep prune tags no-tags set-upstream "
        "verify no-verify signoff no-signoff allow-unrelated-histories recurse-submodules unshallow ipv4 ipv6",
        "depth deepen jobs strategy strategy-option server-option upload-pack refmap",
    ),
    "ls-remote": (
        "htqb",
        "o",
        "heads branches tags refs quiet exit-code get-url symref",
        "sort server-option upload-pack exec",
    ),
    "clone": (
        "lnqvs46",
        "objbc",
        "local no-local no-hardlinks shared dissociate no-checkout bare sparse mirror single-branch no-single-branch "
        "no-tags tags recurse-submodules recursive shallow-submodules no-shallow-submodules remote-submodules quiet "
        "verbose progress reject-shallow ipv4 ipv6",
        "origin branch depth jobs reference reference-if-able filter template separate-git-dir shallow-since "
        "shallow-exclude config server-option upload-pack bundle-uri revision",
    ),
    "remote add": ("f", "tm", "fetch tags no-tags mirror", "track master"),
    "remote set-url": ("", "", "push add delete", ""),
    "submodule add": ("fq", "b", "force quiet", "branch name reference depth"),
}  # fmt: skip
"""Letters that stand alone, letters with a value, long options that stand alone, long ones with a value."""

_CONFIGURED = frozenset(
    {"remote ", "submodule ", "remote update", "submodule update", "submodule init", "submodule sync"}
)
"""They speak to what is in the configuration; of the two short ones it is not known what they are."""


def remotes_of(argv: Words) -> Sequence[str | None]:
    """Of git without options in front of its command: with them it is a command of its own as well."""
    if len(argv) < 2 or (argv[0] or "").rpartition("/")[2] != "git":
        return ()
    command, rest = argv[1], list(argv[2:])
    if command in ("remote", "submodule"):
        while rest and rest[0] in ("-v", "--verbose", "-q", "--quiet", "--cached"):
            del rest[0]
        if not rest:
            return ()
        command, *rest = f"{command} {rest[0] or ''}", *rest[1:]
        if command in _CONFIGURED:
            return (None,)
    if command is None or not command:
        return (None,)
    return _named(command, rest) if command in _OPTIONS else ()


def _named(command: str, rest: Sequence[str | None]) -> Sequence[str | None]:
    from .shell.inside import Options, Unclear, skip
    from .shell.words import ANYTHING, text

    try:
        words = [ANYTHING if word is None else text(word) for word in (command, *rest)]
        skipped = skip(words, Options(*_OPTIONS[command][:2], "", *_OPTIONS[command][2:]))
    except Unclear:
        return (None,)
    given = [value.literal for option, value in skipped.given if option == "repo" and value is not None]
    names = [word.literal for word in skipped.rest]
    if command == "remote add" or command == "remote set-url":
        return names[:2] if len(names) > 1 else (None,)
    return [*names[:1], *given] or ([None] if command != "clone" else [])
