"""Every mistake a policy can hold: what is said of it, where, and what to do. No message is without its test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentrt.errors import DocumentError, UsageError
from agentrt.policies import open_policy

POLICIES = Path(__file__).parents[2] / "policies"
HERE = Path(__file__).parent

# What a pack says, where its mistake stands, the message, the hint.
MISTAKES = [
    ("limit: {}", "1:1", "unknown key `limit`", "did you mean `limits`?"),
    ("limits:\n  second: 1", "2:3", "unknown key `second`", "did you mean `seconds`?"),
    (
        "limits: {seconds: soon}",
        "1:19",
        'expected a time, such as 90s, 10m or a number of seconds, not text "soon"',
        "",
    ),
    ("limits: {seconds: 0}", "1:19", "expected a time, such as 90s, 10m or a number of seconds, not the number 0", ""),
    (
        "limits: {seconds: .inf}",
        "1:19",
        "expected a time, such as 90s, 10m or a number of seconds, not the number inf",
        "",
    ),
    (
        "limits: {memory: 64M}",
        "1:18",
        'expected a size, such as 64MB or 1GiB, or a share of the machine\'s memory, such as 75%, not text "64M"',
        "",
    ),
    (
        "limits: {memory: 101%}",
        "1:18",
        'expected a size, such as 64MB or 1GiB, or a share of the machine\'s memory, such as 75%, not text "101%"',
        "",
    ),
    (
        "require: [seccomp, landlok]",
        "1:20",
        "item 2 of `require` must be 'landlock' or 'seccomp', not text \"landlok\"",
        "did you mean landlock?",
    ),
    ("limits: {files_written: 0}", "1:25", "`files_written` must be at least 1, not 0", ""),
    ("limits: {processes: 0}", "1:21", "`processes` must be at least 1, not 0", ""),
    ("limits: {files_deleted: -1}", "1:25", "expected a whole number from 0, not the number -1", ""),
    ("limits: {files_deleted: yes}", "1:25", 'expected a whole number from 0, not text "yes"', ""),
    ("limits: {files_deleted: true}", "1:25", "expected a whole number from 0, not true", ""),
    ("limits: {requests: few}", "1:20", 'expected a whole number from 0, not text "few"', ""),
    (
        "limits:\n  files_deleted:\n    most: 1\n    becuase: x",
        "4:5",
        "unknown key `becuase`",
        "did you mean `because`?",
    ),
    ("limits:\n  files_deleted: {because: x}", "2:18", "`most` is missing", ""),
    ("budget: {actions: many}", "1:19", 'expected a whole number from 0, not text "many"', ""),
    ("budget: {action: 1}", "1:10", "unknown key `action`", "did you mean `actions`?"),
    ("budget: {cost_usd: -1}", "1:20", "expected an amount in US dollars, such as 2.50, not the number -1", ""),
    (
        "budget: {cost_usd: {most: cheap}}",
        "1:27",
        'expected an amount in US dollars, such as 2.50, not text "cheap"',
        "",
    ),
    ("budget: {irreversible: 0.5}", "1:24", "expected a whole number from 0, not the number 0.5", ""),
    ("home: shown", "1:7", "`home` must be 'hidden', not text \"shown\"", ""),
    (
        "extends: nothing",
        "1:10",
        'no policy pack is called "nothing"',
        "there is `default`, `read-only`, `strict`, `unattended`; a file is named with its folder or with .yaml",
    ),
    ("extends: mine.yaml", "1:10", "it extends itself, by mine.yaml", ""),
    ("tools: {show: [/]}", "1:16", "`/` would show the home folder", "name a folder within it"),
    ("tools: {show: [~/]}", "1:16", "`~/` would show the home folder", "name a folder within it"),
    ("tools: {show: [/opt, ~]}", "1:22", "item 2 of `show` must be text, not nothing", ""),
    ("tools: {show: /opt}", "1:15", '`show` must be a list, not text "/opt"', ""),
    (
        "tools: {hide: [~nobody-at-all/x]}",
        "1:16",
        "`~nobody-at-all/x` names no folder: Could not determine home directory.",
        "",
    ),
    ("files: {readonly: [x]}", "1:9", "unknown key `readonly`", "did you mean `read_only`?"),
    (
        "files: {read_only: [./x/y]}",
        "1:21",
        'expected a path relative to the workspace or an absolute one, such as src/**, not text "./x/y"',
        "",
    ),
    (
        "files: {hidden: [src/]}",
        "1:18",
        'expected a path relative to the workspace or an absolute one, such as src/**, not text "src/"',
        "",
    ),
    ("files: {secret: []}", "1:17", "`secret` must not be empty", ""),
    ("files: {secret: .env}", "1:17", '`secret` must be a list, not text ".env"', ""),
    (
        "files: {canaries: [~/.aws/*]}",
        "1:20",
        'expected a file of the home inside, such as ~/.aws/credentials, not text "~/.aws/*"',
        "",
    ),
    (
        "files: {canaries: [/etc/]}",
        "1:20",
        'expected a file of the home inside, such as ~/.aws/credentials, not text "/etc/"',
        "",
    ),
    ("secrets: [token]", "1:11", 'expected a secret\'s name in capitals, such as API_TOKEN, not text "token"', ""),
    ("secrets: []", "1:10", "`secrets` must not be empty", ""),
    (
        "redact: [phones]",
        "1:10",
        'no pattern is called "phones": there is card, email, iban, phone, or `{name: …, pattern: …}`',
        "",
    ),
    (
        "redact: [email, {name: Card, pattern: x}]",
        "1:24",
        'expected a name in small letters, such as customer_id, not text "Card"',
        "",
    ),
    ("redact: [{name: x}]", "1:10", "`pattern` is missing", ""),
    (
        'redact: [{name: x, pattern: "a(b"}]',
        "1:29",
        "no regular expression: missing ), unterminated subpattern, at its character 2",
        "",
    ),
    ('redact: [{name: x, pattern: "a*"}]', "1:29", "a pattern that fits where nothing is would hide everything", ""),
    ("redact: [{name: x, pattern: 5}]", "1:29", "expected a regular expression, not the number 5", ""),
    ('approved: [{run: "", program: /x}]', "1:18", 'expected words of a command, such as git push **, not text ""', ""),
    (
        "approved: [{run: git push **, program: /x}]",
        "1:18",
        "an approval is of one command to the letter: `**` is no pattern here",
        "",
    ),
    ("approved: [{run: x}]", "1:12", "`program` is missing", ""),
    (
        "approved: [{run: x, program: git}]",
        "1:30",
        'expected the absolute path of a program, such as /usr/bin/git, not text "git"',
        "",
    ),
    (
        "approved: [{run: x, program: /usr/bin/}]",
        "1:30",
        'expected the absolute path of a program, such as /usr/bin/git, not text "/usr/bin/"',
        "",
    ),
    (
        "decide:\n  - verdict: denied",
        "2:14",
        "`verdict` must be 'allow', 'ask', 'hold' or 'deny', not text \"denied\"",
        "did you mean deny?",
    ),
    ("decide:\n  - actions: [git]", "2:5", "`verdict` is missing", ""),
    ("decide:\n  - {verdict: deny, actions: []}", "2:30", "`actions` must not be empty", ""),
    (
        "decide:\n  - {verdict: deny, actions: [git, bahs]}",
        "2:36",
        'no action is called "bahs"',
        "did you mean `bash`?",
    ),
    (
        "decide: [{verdict: deny, run: ['']}]",
        "1:32",
        'expected words of a command, such as git push **, not text ""',
        "",
    ),
    ("decide: [{verdict: deny, run: ['a \"b']}]", "1:32", "expected words of a command: No closing quotation", ""),
    (
        "decide: [{verdict: deny, paths: [~/x]}]",
        "1:34",
        'expected a path relative to the workspace or an absolute one, such as src/**, not text "~/x"',
        "",
    ),
    (
        "decide: [{verdict: deny, flags: [saw_secret]}]",
        "1:34",
        "item 1 of `flags` must be 'saw_untrusted', 'read_secret' or 'frozen', not text \"saw_secret\"",
        "did you mean read_secret?",
    ),
    ("decide: [{verdict: deny, flags: []}]", "1:33", "`flags` must not be empty", ""),
    (
        'decide: [{verdict: deny, hosts: ["https://x.org"]}]',
        "1:34",
        'expected a host, such as pypi.org, *.example.com or 10.0.0.1, not text "https://x.org"',
        "",
    ),
    (
        "decide: [{verdict: deny, hosts: [127.1]}]",
        "1:34",
        "expected a host, such as pypi.org, *.example.com or 10.0.0.1, not the number 127.1",
        "",
    ),
    (
        "decide: [{verdict: deny, hosts: [127.0.1]}]",
        "1:34",
        'expected a host, such as pypi.org, *.example.com or 10.0.0.1, not text "127.0.1"',
        "",
    ),
    (
        'decide: [{verdict: deny, hosts: ["a**.org"]}]',
        "1:34",
        'expected a host, such as pypi.org, *.example.com or 10.0.0.1, not text "a**.org"',
        "",
    ),
    (
        'decide: [{verdict: deny, hosts: [x.org, "[::1]:80"]}]',
        "1:41",
        'expected a host, such as pypi.org, *.example.com or 10.0.0.1, not text "[::1]:80"',
        "",
    ),
    (
        "decide: [{verdict: deny, programs: [git]}]",
        "1:37",
        'expected the absolute path of a program, such as /usr/bin/git, not text "git"',
        "",
    ),
    ("decide: [{verdict: deny, remotes: []}]", "1:35", "`remotes` must not be empty", ""),
    ("decide: [{verdict: deny, remote: [x]}]", "1:26", "unknown key `remote`", "did you mean `remotes`?"),
    (
        "decide: [{verdict: deny, run: [rm **], match: [mv x]}]",
        "1:48",
        "the rule does not speak of mv x",
        "agentrt policy explain tells how a command is read",
    ),
    (
        "decide: [{verdict: deny, run: [rm **], not_match: [rm x]}]",
        "1:52",
        "the rule speaks of rm x",
        "agentrt policy explain tells how a command is read",
    ),
    (
        "decide: [{verdict: deny, match: [{command: x}]}]",
        "1:34",
        "expected a command, or an action with its `kind`",
        "",
    ),
    (
        "decide: [{verdict: deny, hosts: [x.org], match: [ls]}]",
        "1:50",
        "the rule does not speak of ls",
        "agentrt policy explain tells how a command is read",
    ),
    (
        "judge: [{verdict: review, match: [gone x]}]",
        "1:35",
        'expected what happened, such as deleted src/a.py or sent POST https://example.com/x, not text "gone x"',
        "",
    ),
    (
        "judge: [{verdict: review, match: [sent x.org]}]",
        "1:35",
        "expected a request, such as GET https://example.com/path or CONNECT example.com:443",
        "",
    ),
    (
        'judge: [{verdict: review, hosts: [x.org], match: ["sent GET https://y.org/"]}]',
        "1:51",
        "the rule does not speak of sent GET https://y.org/",
        "agentrt policy explain tells how a command is read",
    ),
    (
        "judge: [{verdict: accept, paths: [./x/y]}]",
        "1:35",
        'expected a path relative to the workspace or an absolute one, such as src/**, not text "./x/y"',
        "",
    ),
    (
        "judge: [{verdict: accept, change: [gone]}]",
        "1:36",
        "item 1 of `change` must be 'created', 'modified', 'deleted', 'renamed', 'mode', 'sent', 'refused' or 'queued', not text \"gone\"",
        "",
    ),
    (
        "judge: [{verdict: accept, reversibility: [maybe]}]",
        "1:43",
        "item 1 of `reversibility` must be 'reversible', 'compensable', 'irreversible' or 'unknown', not text \"maybe\"",
        "",
    ),
    (
        "judge: [{verdict: review, paths: [x], hosts: [x.org]}]",
        "1:39",
        "`hosts` speaks of requests and `paths` of files: of both at once there is nothing",
        "make it two rules",
    ),
    (
        "judge: [{verdict: review, methods: [GET], paths: [x]}]",
        "1:27",
        "`methods` speaks of requests and `paths` of files: of both at once there is nothing",
        "make it two rules",
    ),
    (
        "judge: [{verdict: review, plain: true, hosts: [x.org]}]",
        "1:40",
        "`hosts` speaks of requests and `plain` of files: of both at once there is nothing",
        "make it two rules",
    ),
    (
        "judge: [{verdict: review, hosts: [x.org], tables: [app.t]}]",
        "1:43",
        "`tables` speaks of databases and `hosts` of requests: of both at once there is nothing",
        "make it two rules",
    ),
    (
        "judge: [{verdict: review, tables: [users]}]",
        "1:36",
        'expected a database and a table of it, such as app.users or app.*, not text "users"',
        "",
    ),
    (
        "judge: [{verdict: accept, actions: [git, bahs]}]",
        "1:42",
        'no action is called "bahs"',
        "did you mean `bash`?",
    ),
    (
        "judge: [{verdict: review, methods: [get]}]",
        "1:37",
        'expected a method in capitals, such as GET, not text "get"',
        "",
    ),
    ("network: open", "1:10", 'expected `none` or a list of rules, not text "open"', ""),
    ("network:", "1:1", "nothing is said of `network`", "leave it out, or say what it is"),
    ("files:\n  hidden:", "2:3", "nothing is said of `hidden`", "leave it out, or say what it is"),
    ("decide:\n  - verdict: deny\n    run:", "3:5", "nothing is said of `run`", "leave it out, or say what it is"),
    ("limits: {files_deleted: ~}", "1:10", "nothing is said of `files_deleted`", "leave it out, or say what it is"),
    ("network: [x.org]", "1:11", 'item 1 of `network` must be a mapping, not text "x.org"', ""),
    ("network: [{methods: [GET]}]", "1:11", "`hosts` is missing", ""),
    ("network: [{hosts: []}]", "1:19", "`hosts` must not be empty", ""),
    (
        "network: [{hosts: [x.org/y]}]",
        "1:20",
        'expected a host, such as pypi.org, *.example.com or 10.0.0.1, not text "x.org/y"',
        "",
    ),
    (
        "network:\n  - {hosts: [x.org]}\n  - {hosts: [x.org], methods: [get]}",
        "3:32",
        'expected a method in capitals, such as GET, not text "get"',
        "",
    ),
    (
        "network: [{hosts: [x.org], methods: [GET, CONNECT]}]",
        "1:43",
        "of CONNECT nothing is seen but the host",
        "leave `methods` and `paths` out: then TLS stays closed",
    ),
    (
        "network: [{hosts: [x.org], paths: [simple/**]}]",
        "1:36",
        'expected a path from the host\'s root, such as /simple/**, not text "simple/**"',
        "",
    ),
    (
        "network: [{hosts: [x.org], paths: [/x?y=1]}]",
        "1:36",
        'expected a path from the host\'s root, such as /simple/**, not text "/x?y=1"',
        "",
    ),
    ("network: [{hosts: [x.org], ports: [0]}]", "1:36", "item 1 of `ports` must be at least 1, not 0", ""),
    ("network: [{hosts: [x.org], ports: [70000]}]", "1:36", "item 1 of `ports` must be at most 65535, not 70000", ""),
    (
        "network: [{hosts: [x.org], hold: maybe}]",
        "1:34",
        'expected `true`, or a time such as 10m, not text "maybe"',
        "",
    ),
    (
        "network: [{hosts: [x.org], hold: false}]",
        "1:34",
        "expected `true`, or a time such as 10m, not false",
        "",
    ),
    ("network: [{hosts: [x.org], verdict: deny, hold: 1h}]", "1:43", "`hold` is for a rule that allows", ""),
    ("network: [{hosts: [x.org], private: yes}]", "1:37", '`private` must be true or false, not text "yes"', ""),
    ("network: [{hosts: [x.org], verdict: ask}]", "1:37", "`verdict` must be 'allow' or 'deny', not text \"ask\"", ""),
    ("network: [{hosts: [x.org], verdict: deny, private: true}]", "1:43", "`private` is for a rule that allows", ""),
    (
        "network: [{hosts: [x.org], verdict: deny, reversibility: reversible}]",
        "1:43",
        "`reversibility` is for a rule that allows",
        "",
    ),
    (
        "network: [{hosts: [x.org], reversibility: unknown}]",
        "1:43",
        "`reversibility` must be 'reversible', 'compensable' or 'irreversible', not text \"unknown\"",
        "",
    ),
    ("network: [{hosts: [x.org], host: y.org}]", "1:28", "unknown key `host`", "did you mean `hosts`?"),
    (
        "network: [{hosts: [x.org], match: [x.org]}]",
        "1:36",
        "expected a request, such as GET https://example.com/path or CONNECT example.com:443",
        "",
    ),
    (
        'network: [{hosts: [x.org], match: ["GET https://y.org/"]}]',
        "1:36",
        "the rule does not speak of GET https://y.org/",
        "agentrt policy explain tells how a command is read",
    ),
    (
        'network: [{hosts: [x.org], not_match: ["CONNECT x.org:443"]}]',
        "1:40",
        "the rule speaks of CONNECT x.org:443",
        "agentrt policy explain tells how a command is read",
    ),
]

STRICTER = "put it into the policy the task names, or your own"
LOOSER = [
    ("extends: strict", "2:1", "`extends` is not for {} to say: its policy may only make things stricter"),
    ("home: hidden", "2:1", "`home` is not for {} to say: its policy may only make things stricter"),
    ("tools: {show: [/opt]}", "2:1", "`tools` is not for {} to say: its policy may only make things stricter"),
    ("secrets: [TOKEN]", "2:1", "`secrets` is not for {} to say: its policy may only make things stricter"),
    (
        "approved: [{run: ls, program: /bin/ls}]",
        "2:1",
        "`approved` is not for {} to say: its policy may only make things stricter",
    ),
    (
        "network:\n  - {hosts: [x.org], verdict: deny}\n  - {hosts: [x.org]}",
        "4:5",
        "a rule that says `allow` is not for {} to say: its policy may only make things stricter",
    ),
    (
        "judge:\n  - {verdict: review}\n  - {verdict: accept}",
        "4:5",
        "a rule that says `accept` is not for {} to say: its policy may only make things stricter",
    ),
]
"""What may stand in a task's policy, and not where things may only become stricter."""


@pytest.mark.parametrize(("text", "where", "message", "hint"), MISTAKES)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, where: str, message: str, hint: str) -> None:
    (tmp_path / "mine.yaml").write_text(f"{text}\n")
    with pytest.raises(DocumentError) as caught:
        open_policy("mine.yaml", folder=tmp_path)
    told = caught.value.message.replace(f"{tmp_path}/", "")
    assert (caught.value.where, told) == (f"{tmp_path / 'mine.yaml'}:{where}", message)
    assert caught.value.hint == hint


@pytest.mark.parametrize(("text", "where", "message"), LOOSER)
def test_a_workspace_may_only_make_things_stricter(tmp_path: Path, text: str, where: str, message: str) -> None:
    (tmp_path / ".agentrt").mkdir()
    own = tmp_path / ".agentrt/policy.yaml"
    own.write_text(f"limits: {{seconds: 1s}}\n{text}\n")
    with pytest.raises(DocumentError) as caught:
        open_policy("default", folder=tmp_path, workspace=tmp_path)
    assert (caught.value.where, caught.value.message) == (f"{own}:{where}", message.format("a workspace"))
    assert caught.value.hint == STRICTER
    assert open_policy("default", folder=tmp_path).name == "default"


@pytest.mark.parametrize(
    ("rules", "where", "message", "hint"),
    [
        ({"decide": [{"verdict": "deny", "rum": ["x"]}]}, "plan:3:3", "unknown key `rum`", "did you mean `run`?"),
        (
            {"limits": {"seconds": 1}, "tools": {}},
            "plan:3:1",
            "`tools` is not for plan to say: its policy may only make things stricter",
            STRICTER,
        ),
        (
            {"judge": [{"verdict": "review"}, {"verdict": "accept"}]},
            "plan:3:3",
            "a rule that says `accept` is not for plan to say: its policy may only make things stricter",
            STRICTER,
        ),
        (
            {"files": {"read_only": ["a"], "hidden": ["b"]}},
            "plan:4:3",
            "`files.hidden` is too late: that is set up when a session is opened",
            "put it into the policy the task names, your own, or the workspace's",
        ),
    ],
)
def test_so_may_rules_that_come_with_a_session(
    tmp_path: Path, rules: dict[str, Any], where: str, message: str, hint: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        open_policy("default", folder=tmp_path).narrowed(rules, origin="plan")
    assert (caught.value.where, caught.value.message, caught.value.hint) == (where, message, hint)


def test_rules_are_plain_data(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_policy("default", folder=tmp_path).narrowed({"limits": object()}, origin="plan")
    assert str(caught.value).startswith("plan: rules are texts, numbers, lists and mappings: ")


def test_an_unknown_pack(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_policy("defualt", folder=tmp_path)
    assert str(caught.value) == 'no policy pack is called "defualt"'
    assert caught.value.hint == "did you mean `default`?; a file is named with its folder or with .yaml"


def test_a_pack_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"gone\.yaml:1:1: no such file"):
        open_policy("packs/gone.yaml", folder=tmp_path)


# ------------------------------------------------------------------------------------------- none is without its test

RAISING = {"error", "DocumentError", "UsageError", "ValueError", "Unapprovable", "Unlike"}


def messages(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each stretch of a message or hint that is always the same."""
    tree = ast.parse(source)
    given = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in RAISING:
            said = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "hint")]
            for one in (given.get(each.id, each) if isinstance(each, ast.Name) else each for each in said):
                yield from ((node.lineno, text) for text in _constants(one))


def _constants(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _constants(part)
    elif isinstance(node, ast.BinOp | ast.IfExp):
        for child in ast.iter_child_nodes(node):
            yield from _constants(child)


def expected() -> str:
    """All texts of the tests that look at messages."""
    found = []
    for name in ("test_policies_errors.py", "test_policies_approving.py", "test_policies_accepting.py"):
        tree = ast.parse((HERE / name).read_text())
        found += [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(found)


def test_no_message_is_without_a_test() -> None:
    texts = expected()
    untested = [
        f"{file.name}:{line}: {text}"
        for file in sorted(POLICIES.glob("*.py"))
        for line, text in messages(file.read_text())
        if text.strip() not in texts
    ]
    assert untested == []


def test_that_check_sees() -> None:
    source = "hint = 'b c'\nraise ValueError(f'one {x} two')\nraise document.error('a', hint=hint)\nraise Unapprovable(str(x))\n"
    assert list(messages(source)) == [(2, "one "), (2, " two"), (3, "a"), (3, "b c")]
