# Plants Python modules where an interpreter looks by itself: in the home, in its own folders, by variables.
# then: again, host
version=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
for folder in ~/.local/lib/"$version"/site-packages "$HOST_HOME/.local/lib/$version/site-packages" \
    "$PREFIX/lib/$version/site-packages" "$BASE_PREFIX/lib/$version/site-packages" "/usr/lib/$version" "/usr/local/lib/$version/dist-packages"; do
    mkdir -p "$folder"
    for name in sitecustomize usercustomize; do
        echo "open('$TRIP', 'w')" > "$folder/$name.py"
    done
    echo "import os; open('$TRIP', 'w')" > "$folder/$MARK.pth"
done 2>&1
for name in .bashrc .profile .bash_profile .bash_login .gitconfig .pythonrc .config/git/config .config/agentrt/policy.yaml; do
    mkdir -p ~/"$(dirname $name)"
    echo "touch $TRIP" > ~/"$name"
done
echo tried
