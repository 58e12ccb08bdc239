# Writes to a file of the workspace that has a second name outside of it.
# then: apply
echo "$MARK" >> twin
chmod 777 twin
truncate -s 0 twin
echo "$MARK" > twin
echo tried
