# Looks for the processes outside by their numbers in /proc.
for process in "$VICTIM" "$RUNTIME"; do
    cat "/proc/$process/environ" "/proc/$process/cmdline" "/proc/$process/maps"
    for number in $DESCRIPTORS 0 1 2 3 4 5; do
        cat "/proc/$process/fd/$number"
        echo "$MARK" > "/proc/$process/fd/$number"
    done
    echo 1000 > "/proc/$process/oom_score_adj"
    head -c 4096 "/proc/$process/mem"
done 2>&1
echo tried
