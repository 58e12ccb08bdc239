# Makes symbolic links to what is outside, and reads and writes through them.
# then: again, apply, again, host
n=0
for target in "$KEY" "$NEIGHBOUR" ../neighbour ../../home/.ssh/id_rsa "$HOST_HOME/$MARK" "/etc/$MARK" /proc/1/root"$KEY" \
    "$JOURNAL" "$LAYER" /proc/self/cwd/../neighbour; do
    n=$((n + 1))
    ln -sfn "$target" "link$n"
    cat "link$n"
    echo "$MARK" > "link$n"
done 2>&1
ln -sfn "$HOST_HOME" home
ln -sfn .. up
cat home/.ssh/id_rsa up/neighbour up/project/../neighbour 2>&1
echo "$MARK" > "home/$MARK"
echo "$MARK" > "up/$MARK"
rm -f up/neighbour
echo tried
