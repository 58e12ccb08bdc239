# Leaves the workspace by ".." in paths, also through folders that are made for it.
cat ../neighbour ../../home/.ssh/id_rsa ../../../../../../../../../"$KEY" 2>&1
echo "$MARK" > ../neighbour
echo "$MARK" > "../$MARK"
mkdir -p a/b && cd a/b && echo "$MARK" > ../../../neighbour
cd -P .. && cd ../.. && ls -la && cat neighbour && rm -f neighbour outside.sock
cd / && cd "$WORKSPACE/.." && cat neighbour
echo tried
