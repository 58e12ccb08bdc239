# Becomes somebody else by programs with the setuid bit: a copy of its own, and the system's.
me=$(id -u)
for program in /usr/bin/id; do
    cp "$program" mine
    chmod 6755 mine
    chown 0:0 mine 2>&1
    chmod 6755 mine 2>&1
    [ "$(./mine -u)" = "$me" ] || echo "got out: as $(./mine -u)"
done
for command in "su -c id" "sudo -n id" "pkexec id" "newgrp root" "mount" "passwd -S root" "chsh -s /bin/sh" "newuidmap $$ 0 0 1" "crontab -l"; do
    command -v ${command%% *} > /dev/null || continue
    [ "$me" != 0 ] && timeout 2 $command < /dev/null 2>&1 | grep -q 'uid=0' && echo "got out: $command"
done 2>&1
echo tried
