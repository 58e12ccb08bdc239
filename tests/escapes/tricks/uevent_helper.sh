# Names a program that the kernel is to run for new devices, and makes the kernel see one.
echo "$TRIP" > /sys/kernel/uevent_helper
echo "$TRIP" > /proc/sys/kernel/hotplug
for file in /sys/class/*/*/uevent /sys/devices/virtual/*/*/uevent; do
    echo change > "$file"
    break
done
ls /sys 2>&1
echo tried
