# Has the action itself start in the folder around the workspace.
# cwd: ..
pwd
cat neighbour
echo "$MARK" > neighbour
ls -a
echo tried
