# Reads and leaves files in shared memory, and in every place programs share.
cat "$SHARED_FILE" /dev/shm/* /run/* /run/user/*/* /dev/mqueue/* /dev/hugepages/* 2>&1
echo "$MARK" > "$SHARED_FILE"
rm -f "$SHARED_FILE"
for folder in /dev/shm /dev/mqueue /run /run/lock /run/user/"$(id -u)" /var/run /var/lock /tmp /var/tmp /dev/hugepages; do
    echo "$MARK" > "$folder/$MARK"
done 2>&1
echo tried
