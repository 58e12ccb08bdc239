# Writes to places outside of the workspace by their paths.
for path in "$NEIGHBOUR" "$KEY" "$HOST_HOME" "$GROUND" "$STORE" "$JOURNAL" / /usr /usr/bin /etc /bin /opt /dev /root \
    /run /home /boot /srv /mnt /sys /proc /proc/1 /lib /usr/local/bin; do
    echo "$MARK" > "$path/$MARK"
    echo "$MARK" >> "$path"
    mkdir "$path/$MARK.d" && rmdir "$path/$MARK.d"
    rm -f "$path" "$path/$MARK"
done 2>&1
for path in "$NEIGHBOUR" "$KEY" /etc/passwd /usr/bin/env; do
    [ -e "$path" ] || continue
    : > "$path" || rm -f "$path" || mv "$path" "$path.$MARK" || chmod 777 "$path" || chown 1 "$path" || touch "$path"
done 2>&1
echo tried
