# Puts a file or a link in the place of the workspace's .git, to lead the user's git elsewhere.
# then: apply, host
mv .git real
cp -r real planted
git --git-dir planted config core.fsmonitor "touch $TRIP; false"
git --git-dir planted config core.worktree "$WORKSPACE"
printf 'gitdir: planted\n' > .git
echo changed > a.txt
echo tried
