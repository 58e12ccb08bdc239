# Has fifos, sockets and devices carried out by apply, in place of files and folders.
# then: apply
rm -rf a.txt src
mkfifo pipe src
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock"); socket.socket(socket.AF_UNIX).bind("a.txt")'
mknod null c 1 3 2>&1
mknod wh c 0 0 2>&1
mkdir deep
mkfifo deep/pipe
echo "$MARK" > deep/file
echo tried
