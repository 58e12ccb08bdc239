# Writes to terminals of the machine, by the names they have outside.
for name in "$TERMINAL" /dev/pts/* /dev/tty /dev/console /dev/tty[0-9] /proc/1/fd/[0-2]; do
    [ "$name" = /dev/pts/ptmx ] && continue
    echo "$MARK" > "$name"
    timeout 1 head -c 10 "$name"
done 2>&1 < /dev/null
command -v wall > /dev/null && timeout 2 wall "$MARK" 2>&1
echo tried
