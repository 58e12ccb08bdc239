# Runs what an administrator runs: names, clocks, logs, modules, links, priorities, cores.
for command in "hostname $MARK" "domainname $MARK" "date -s @0" "dmesg" "insmod x.ko" "modprobe dummy" "ip link add d type dummy" \
    "ip route add default via 127.0.0.1" "ip addr add 10.9.9.9/8 dev lo" "renice -20 $$" "sysctl -w kernel.hostname=$MARK" \
    "iptables -F" "chattr +i a.txt" "setcap cap_sys_admin+ep a.txt" "ionice -c 1 true" "losetup -f" "hwclock -w"; do
    command -v ${command%% *} > /dev/null || continue
    timeout 2 $command > said && [ "${command%% *}" != ionice ] && echo "got out: $command"
done 2>&1
(ulimit -c unlimited) 2>&1 && echo "got out: ulimit"
echo tried
