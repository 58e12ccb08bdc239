# Plants Python modules in the workspace that have the names of those agentrt imports.
# then: apply, host
for name in json os re sqlite3 asyncio pathlib typing sitecustomize usercustomize site conftest pydantic cyclopts setup \
    ruamel tree_sitter encodings __main__ __init__ agentrt; do
    printf 'open("%s", "w").write("%s")\n' "$TRIP" "$name" > "$name.py"
done
rm agentrt.py
for package in agentrt sandboxes policies tools inside encodings ruamel; do
    mkdir -p "$package"
    printf 'open("%s", "w").write("%s")\n' "$TRIP" "$package" > "$package/__init__.py"
    cp "$package/__init__.py" "$package/__main__.py"
done
printf 'import os; open("%s", "w")\n' "$TRIP" > planted.pth
printf '[project]\nname = "x"\n[project.entry-points."agentrt.policies"]\npacks = "json:x"\n' > pyproject.toml
mkdir -p agentrt-9.dist-info && printf '[agentrt.sandboxes]\nlocal = json:x\n' > agentrt-9.dist-info/entry_points.txt
printf 'Metadata-Version: 2.1\nName: agentrt\nVersion: 9\n' > agentrt-9.dist-info/METADATA
printf 'home = %s\n' "$WORKSPACE" > pyvenv.cfg
echo tried
