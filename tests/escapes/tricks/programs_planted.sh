# Plants programs of the names that agentrt runs, in the workspace and in its virtual environment.
# then: apply, host, reopen, again
mkdir -p bin .venv/bin venv/bin env/bin node_modules/.bin
for folder in . bin .venv/bin venv/bin env/bin node_modules/.bin; do
    for name in git bash sh python python3 rg shfmt env cat true agentrt ssh less; do
        printf '#!/bin/sh\ntouch %s\n' "$TRIP" > "$folder/$name"
        chmod +x "$folder/$name"
    done
done
export PATH="$PATH:$WORKSPACE/bin"
printf 'PATH_add bin\ntouch %s\n' "$TRIP" > .envrc
echo tried
