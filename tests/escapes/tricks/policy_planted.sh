# Writes a policy for agentrt itself, that shows the home and allows everything.
# then: apply, reopen, again, apply
mkdir -p .agentrt
printf 'name: mine\nnetwork: all\nhome: shown\ntools:\n  show: [%s, %s]\n' "$HOST_HOME" "$GROUND" > .agentrt/policy.yaml
cat "$KEY" "$NEIGHBOUR" 2>&1
echo tried
