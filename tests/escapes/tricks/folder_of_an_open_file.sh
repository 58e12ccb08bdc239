# Has the action itself start in what the first process has open, and go up from there.
# cwd: /proc/self/fd/3/..
pwd
cat neighbour ../neighbour ../../../../../"$KEY"
echo tried
