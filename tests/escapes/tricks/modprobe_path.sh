# Names a program that the kernel is to run in place of modprobe, and makes it ask for a module.
echo "$TRIP" > /proc/sys/kernel/modprobe
printf '\xff\xff\xff\xff' > unknown && chmod +x unknown && ./unknown
python3 -c 'import socket; socket.socket(27, 1)'
python3 -c 'import socket; socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).bind(("hash", "no-such-thing"))'
echo tried
