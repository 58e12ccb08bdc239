# Makes devices: the disk that the home is on, memory, and harmless ones.
# then: apply
set -- $DISK
for node in "b $1 $2" "b $1 0" "b 8 0" "b 7 0" "b 253 0" "c 1 1" "c 1 2" "c 1 4" "c 1 11" "c 1 5" "c 5 1" "c 10 200" "c 10 229" "c 10 237"; do
    for folder in . /tmp ~ /dev/shm /dev /var/tmp; do
        mknod "$folder/node" $node || continue
        echo "made $node"
        head -c 16 "$folder/node" > got && [ -s got ] && echo "got out: read $node"
        echo "$MARK" > "$folder/node"
        rm -f "$folder/node" got
    done
done 2>&1
echo tried
