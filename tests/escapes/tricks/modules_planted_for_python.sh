# Plants Python modules for a user who starts agentrt as `python -m agentrt` in the workspace.
# then: apply, module
# open: `python -m` puts the current folder in front of all others before anything of agentrt runs
for name in json sqlite3 asyncio typing; do
    echo "open('$TRIP', 'w')" > "$name.py"
done
echo tried
