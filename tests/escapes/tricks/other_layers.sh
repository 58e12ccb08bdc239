# Reads and changes the layers of another session, by their paths and by what the mounts tell.
cat "$LAYER" "$STORE"/layers/*/work/* "$STORE"/layers/.run*/open/work/* 2>&1
ls -la "$STORE" "$STORE/layers" "${STORE%/*}" 2>&1
echo "$MARK" > "$LAYER"
rm -rf "$STORE" 2>&1
cat /proc/self/mountinfo /proc/1/mountinfo
for path in $(grep -o '[a-z]*dir[+]*=[^, ]*' /proc/self/mountinfo | cut -d= -f2-); do
    ls "$path"
    cat "$path/made"
done 2>&1
mkdir -p "$STORE/layers" && ls "$STORE/layers" && find "$STORE" 2>&1
echo tried
