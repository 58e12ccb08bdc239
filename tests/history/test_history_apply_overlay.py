"""A workspace on an overlay, as in a container: what lies in a lower layer is copied when it is moved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

IN_A_NAMESPACE = """
import subprocess, sys
from pathlib import Path
sys.path[:0] = [{history!r}, {tests!r}]
from apply_cases import CASES, MIXED, content_of, copy, effects, measure
from test_history_apply import without_links
from treestate import assert_same_tree, tree_state
from agentrt.history.apply import carry_out, plan, put_back, take_back

for case, (build, change) in {{**CASES, "mixed": MIXED}}.items():
    base = Path({base!r}) / case
    real, sandbox, aside = base / "mount/real", base / "sandbox", base / "mount/aside"
    for name in ("lower/real", "upper", "work", "mount"):
        (base / name).mkdir(parents=True)
    build(base / "lower/real")
    options = f"lowerdir={{base}}/lower,upperdir={{base}}/upper,workdir={{base}}/work,userxattr"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(base / "mount")], check=True)
    copy(real, sandbox)
    seen = measure(sandbox)
    change(sandbox)
    original = tree_state(real)
    carry_out(plan(real, effects(seen, measure(sandbox))), content_of(sandbox), aside)
    applied = tree_state(real)
    assert_same_tree(without_links(applied, frozenset()), without_links(tree_state(sandbox), frozenset()))
    take_back(aside, real)
    # an overlay splits hard links when it copies one of them
    assert_same_tree({{p: e._replace(names=()) for p, e in tree_state(real).items()}},
                     {{p: e._replace(names=()) for p, e in original.items()}})
    put_back(aside, real)
    assert_same_tree(tree_state(real), applied)
    take_back(aside, real)
    print("whole:", case)
"""


def test_on_an_overlay(tmp_path: Path) -> None:
    here = Path(__file__).parent
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    probe = "cd $0 && mkdir l u w m && mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w,userxattr m"
    if subprocess.run([*own, "sh", "-c", probe, str(tmp_path)], capture_output=True).returncode:
        pytest.skip("needs user namespaces that may mount overlays")
    script = IN_A_NAMESPACE.format(history=str(here), tests=str(here.parent), base=str(tmp_path / "cases"))
    done = subprocess.run([*own, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "whole: mixed" in done.stdout
