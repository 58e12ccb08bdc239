# Has the action itself start in a folder of another process.
# cwd: /proc/1/cwd
pwd
cat .ssh/id_rsa ../neighbour ../../"$KEY"
echo tried
