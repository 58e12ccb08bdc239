# Leaves processes behind that ignore every signal that can be ignored.
for number in 1 2 3; do
    setsid nohup bash -c 'trap "" TERM HUP INT QUIT USR1 USR2 PIPE ALRM CHLD CONT TSTP TTIN TTOU; while :; do sleep 0.05; echo x >> late; done' \
        < /dev/null > /dev/null 2>&1 &
    disown
done
(trap '' TERM HUP; sleep 30) &
disown -a
echo tried
