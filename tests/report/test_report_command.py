"""``agentrt report``: the file, whole or not at all, of sessions that were worked on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pages import Page
from warm import warm

from agentrt.cli.options import Where
from agentrt.cli.report import report
from agentrt.history.store import Lock, locate

PLUGIN = "[agentrt.sandboxes]\nmemory = agentrt.testing.memory_sandbox:open_sandbox\n"


class Ground:
    """A workspace, and ``agentrt`` in it on plain copies."""

    def __init__(self, folder: Path) -> None:
        package = folder / "plugins/memory-1.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: memory\nVersion: 1\n")
        (package / "entry_points.txt").write_text(PLUGIN)
        self.workspace, self.out = folder / "ws", folder / "out"
        self.workspace.mkdir()
        self.out.mkdir()
        (self.workspace / "a.txt").write_text("one\n")
        path = f"{package.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AGENTRT_")}
        self.env = {**inherited, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": path, "TOP_SECRET": "hush-hush"}
        self.env["AGENTRT_SANDBOX"] = "memory"

    def __call__(self, *words: str, code: int = 0, **env: str) -> tuple[str, str]:
        where = ("--workspace", str(self.workspace))
        done = warm().run([*where, *words], cwd=self.out, env={**self.env, **env})
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def agentrt(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@pytest.mark.parametrize("box", ["memory", "local"])
def test_a_session_is_told_whole(agentrt: Ground, box: str) -> None:
    agentrt.env["AGENTRT_SANDBOX"] = box
    agentrt("new", "The title")
    agentrt("exec", "--", "echo two > a.txt; mkdir d; echo '<b>' > 'd/<i>.html'")
    agentrt("exec", "--", "echo three > a.txt; echo told; exit 3", code=3)
    agentrt("undo")
    agentrt("fork", "1")
    agentrt("exec", "--session", "s1", "--", "rm a.txt")
    out, _ = agentrt("--session", "s1", "report")
    assert out == "agentrt-s1.html is written: 4 operations, 2 to review\n"
    html = (agentrt.out / "agentrt-s1.html").read_text("utf-8")
    page = Page(html)
    assert page.mistakes == [] and page.of("h1") == ["The title"]
    assert [line for line in page.of("ins") if line.startswith("+")][:3] == ["+two\n", "+<b>\n", "+three\n"]
    assert page.of("del")[:2] == ["-one\n", "-two\n"]
    assert "⑂ fork" in page.text and "session s2 from here" in page.text
    assert "↶ undone" in page.text and "● to review" in page.text and "told" in page.text
    assert str(agentrt.workspace) in page.text
    # Of this machine nothing but the workspace's place.
    assert "hush-hush" not in html and html.count(str(agentrt.workspace.parent)) == html.count(str(agentrt.workspace))


def test_a_file_that_is_there_is_left_alone(agentrt: Ground) -> None:
    agentrt("exec", "--", "true")
    (agentrt.out / "agentrt-s1.html").write_text("mine")
    _, err = agentrt("report", code=2)
    assert "is there already" in err and "--force" in err
    assert (agentrt.out / "agentrt-s1.html").read_text() == "mine"
    out, _ = agentrt("report", "--force", "--json")
    assert json.loads(out) == {
        "file": "agentrt-s1.html",
        "session": "s1",
        "diffs": True,
        "because": "",
        "operations": 1,
        "to_review": 0,
        "irreversible": 0,
    }
    assert "<!doctype html>" in (agentrt.out / "agentrt-s1.html").read_text("utf-8")
    assert [path.name for path in agentrt.out.iterdir()] == ["agentrt-s1.html"]


def test_it_goes_to_standard_output_on_request(agentrt: Ground) -> None:
    agentrt("exec", "--", "echo x > x")
    out, _ = agentrt("report", "-")
    assert out.startswith("<!doctype html>") and out.endswith("</html>") and list(agentrt.out.iterdir()) == []
    assert "no room" in agentrt("report", "-", "--json", code=2)[1]


def test_mistakes_leave_nothing_behind(agentrt: Ground) -> None:
    _, err = agentrt("report", code=2)
    assert "hint: " in err
    agentrt("exec", "--", "true")
    assert "cannot be written: No such file" in agentrt("report", "no/such/folder.html", code=2)[1]
    assert "is a folder" in agentrt("report", str(agentrt.out), code=2)[1]
    assert "no option --ops" in agentrt("report", "--ops", code=2)[1]
    assert "s9" in agentrt("report", "--session", "s9", code=2)[1]
    assert list(agentrt.out.iterdir()) == []


def test_while_another_process_works_there_it_does_without_diffs_and_says_so(
    agentrt: Ground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agentrt("exec", "--", "echo two > a.txt")
    for name, value in agentrt.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AGENTRT_SANDBOX")  # the plug-in is unknown to this process
    monkeypatch.setattr("agentrt.opening._PATIENCE", 0.05)
    with Lock(locate(agentrt.workspace)).acquire():
        assert report(str(agentrt.out / "r.html"), where=Where(workspace=agentrt.workspace)) == 0
    page = Page((agentrt.out / "r.html").read_text("utf-8"))
    assert "There are no changes line by line in this report:" in page.of("strong")
    assert "is being worked on by" in page.text and "modified  a.txt" in page.text and page.of("ins") == []
    assert "without the changes line by line" in capsys.readouterr().err
