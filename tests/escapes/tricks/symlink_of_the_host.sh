# Follows a link to the home that the user has in the workspace, and puts a folder in its place.
# then: apply, again
ls -la shortcut/ shortcut/.ssh 2>&1
cat shortcut/.ssh/id_rsa 2>&1
echo "$MARK" > shortcut/.bashrc
echo "$MARK" > "shortcut/$MARK"
rm -f shortcut
mkdir -p shortcut/.ssh
echo "$MARK" > shortcut/.bashrc
echo "$MARK" > shortcut/.ssh/authorized_keys
echo tried
