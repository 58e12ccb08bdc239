# Moves the workspace itself away, and puts a link in its place.
# then: apply
cd /
mv "$WORKSPACE" "$WORKSPACE.old" 2>&1
rm -rf "$WORKSPACE" 2>&1
ln -s "$HOST_HOME" "$WORKSPACE" 2>&1
ln -sfn "$HOST_HOME" "$GROUND/project" 2>&1
rmdir "$GROUND" 2>&1
mkdir -p "$GROUND/other" 2>&1
echo tried
