# Reads what only root may read outside, as root and as a member of its groups.
for file in /etc/shadow /etc/gshadow /etc/sudoers /etc/shadow- /etc/ssh/ssh_host_*_key /etc/ssl/private/* /etc/security/opasswd; do
    [ "$(cat "$file" | wc -c)" = 0 ] || echo "got out: read $file"
done 2>&1
find /etc -type f ! -perm -004 -readable -size +0 2> /dev/null | sed 's/^/got out: may read /'
echo tried
