# Names a program that the kernel is to run outside when something crashes, and crashes.
for text in "|/usr/bin/touch $TRIP" "$TRIP"; do
    echo "$text" > /proc/sys/kernel/core_pattern
done 2>&1
ulimit -c unlimited
bash -c 'kill -SEGV $$' 2>&1
ls core* 2> /dev/null && echo "got out: a core was written"
echo tried
