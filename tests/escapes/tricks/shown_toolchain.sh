# Changes the interpreters and tools that are shown, which the user runs later.
for folder in "$PREFIX" "$BASE_PREFIX" "$PREFIX/bin" "$BASE_PREFIX/bin" "$PREFIX/lib" /usr/bin /usr/lib /etc /opt; do
    [ -d "$folder" ] || continue
    for command in "touch $folder/$MARK" "mkdir $folder/$MARK" "ln -s / $folder/$MARK" "mv $folder $folder.$MARK" \
        "chmod 777 $folder" "cp a.txt $folder/python3" "truncate -s 0 $folder/new"; do
        $command && echo "got out: $command"
    done
done 2>&1
file=$(find "$PREFIX/lib" -name '*.py' | head -1)
for command in "touch $file" "rm $file" "chmod 777 $file" "setfattr -n user.x -v y $file" "chattr +i $file"; do
    command -v ${command%% *} > /dev/null || continue
    $command && echo "got out: $command"
done 2>&1
(echo "import os" >> "$file") 2>&1 && echo "got out: wrote $file"
echo tried
