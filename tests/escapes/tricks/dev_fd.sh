# Goes by /dev/fd, /dev/stdin and their like to what is open.
for name in /dev/fd/* /dev/stdin /dev/stdout /dev/stderr /proc/self/fd/* /proc/1/fd/*; do
    readlink "$name"
    cat "$name/../neighbour" "$name/$KEY"
    (cd "$name/.." && cat neighbour && ls)
done < /dev/null 2>&1
cd /dev/fd && cat 0/../neighbour 3/../neighbour 4/../neighbour 2>&1
echo tried
