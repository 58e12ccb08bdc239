# Opens the machine's own devices, wherever they may be.
for name in mem kmem port kmsg sda vda nvme0n1 root loop0 loop-control fuse kvm net/tun vsock vhost-vsock vhost-net \
    uinput input/event0 snapshot hpet rtc0 watchdog mapper/control cuse autofs btrfs-control console tty0 tty1 ptmx \
    hwrng cpu/0/msr ppp userfaultfd; do
    [ "$name" = ptmx ] && continue
    head -c 1 "/dev/$name" > got && [ -s got ] && echo "got out: read /dev/$name"
    exec 9<> "/dev/$name" && echo "got out: opened /dev/$name"
    exec 9>&-
done 2>&1
ls /dev
rm -f got
echo tried
