# Plants hooks in the workspace's repository, and has them looked for in the work tree.
# then: apply, host
mkdir -p .git/hooks hooks .githooks
for folder in .git/hooks hooks .githooks; do
    for hook in pre-commit post-commit post-checkout post-index-change reference-transaction prepare-commit-msg commit-msg \
        post-merge pre-auto-gc post-rewrite fsmonitor-watchman proc-receive; do
        printf '#!/bin/sh\ntouch %s\n' "$TRIP" > "$folder/$hook"
        chmod +x "$folder/$hook"
    done
done
git config core.hooksPath hooks
printf '[core]\n\thooksPath = hooks\n' > .gitconfig
echo changed > a.txt
echo tried
