# Keeps the action's output open in the background, so that whoever waits for its end waits for ever.
sleep 30 &
(exec sleep 30 2>&1) &
setsid sleep 30 &
echo tried
