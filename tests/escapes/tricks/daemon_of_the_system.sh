# Has services of the machine run something later: cron, at, systemd.
echo "* * * * * touch $TRIP" > job
command -v crontab > /dev/null && crontab job 2>&1
for folder in /var/spool/cron/crontabs /var/spool/cron /etc/cron.d /etc/cron.hourly; do
    cp job "$folder/$MARK" 2>&1
done
for command in "at now" "batch" "systemd-run --user touch $TRIP" "systemd-run touch $TRIP" "loginctl enable-linger"; do
    command -v ${command%% *} > /dev/null || continue
    echo "touch $TRIP" | timeout 2 $command 2>&1
done
mkdir -p ~/.config/systemd/user ~/.config/autostart "$HOST_HOME/.config/autostart" 2>&1
echo "$MARK" > "$HOST_HOME/.config/autostart/$MARK"
echo tried
