# Registers a program that the kernel is to run for files of a new format.
ls /proc/sys/fs/binfmt_misc
echo ":$MARK:M::$MARK::/usr/bin/touch:FC" > /proc/sys/fs/binfmt_misc/register
mkdir -p at && mount -t binfmt_misc none at 2>&1 && echo "got out: mounted"
echo "$MARK" > file && chmod +x file && ./file 2>&1
echo tried
