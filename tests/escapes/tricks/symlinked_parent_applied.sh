# Fills a new folder, and puts a link to the home in its place, so that an apply would write through it.
# then: again, apply
if [ "$STEP" = 1 ]; then
    mkdir -p deep/.ssh src/new
    echo "$MARK" > deep/.ssh/authorized_keys
    echo "$MARK" > src/.bashrc
else
    mv deep kept
    ln -s "$HOST_HOME" deep
    mv src/.bashrc .bashrc
    rm -r src
    ln -s ../../home src
fi
echo tried
