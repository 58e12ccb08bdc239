# Has a link to the home applied, and then works beneath its name as if it were a folder.
# then: apply, again, apply
if [ "$STEP" = 1 ]; then
    ln -s "$HOST_HOME" fresh
    ln -s ../../home src2
else
    rm fresh src2
    mkdir fresh src2
    echo "$MARK" > fresh/.bashrc
    echo "$MARK" > src2/.netrc
fi
echo tried
