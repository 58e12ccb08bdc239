# Mounts, moves and unmounts with the programs made for it.
mkdir -p at
for command in "mount -t tmpfs none at" "mount --bind /etc at" "mount --bind $GROUND at" "mount -o remount,rw /usr" \
    "mount -o remount,rw,bind /" "mount -o remount,exec,suid,dev ." "mount --make-rshared /" "umount /proc" "umount -l /tmp" \
    "umount -l ." "umount /etc/shadow" "mount -t proc proc at" "mount -t sysfs none at" "mount -t cgroup2 none at" \
    "mount -t overlay none -o lowerdir=/,upperdir=src,workdir=at at" "mount -t nfs 127.0.0.1:/ at" "pivot_root . at" \
    "chroot / true" "losetup -f a.txt" "fusermount -u at" "swapon /dev/null" "nsenter -t 1 -m true" "nsenter -t 1 -n true"; do
    command -v ${command%% *} > /dev/null || continue
    $command && echo "got out: $command"
done 2>&1
echo tried
