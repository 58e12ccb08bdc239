# Plants a virtual environment whose interpreter is a link to the home, so that the home would be shown next time.
# then: apply, reopen, again, apply, reopen, again
mkdir -p .venv/bin venv env/bin
printf 'home = %s\ninclude-system-site-packages = true\n' "$HOST_HOME/.ssh" > .venv/pyvenv.cfg
for name in python python3; do
    ln -sfn "$HOST_HOME/.ssh/id_rsa" ".venv/bin/$name"
    ln -sfn "$GROUND/neighbour" "env/bin/$name"
done
ln -sfn "$HOST_HOME" venv/bin
ln -sfn "$HOST_HOME" tools
ln -sfn "$GROUND" node_modules
cat "$KEY" "$NEIGHBOUR" .venv/bin/python venv/bin/.ssh/id_rsa env/bin/python tools/.ssh/id_rsa node_modules/neighbour 2>&1
echo tried
