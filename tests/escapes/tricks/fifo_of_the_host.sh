# Speaks to a program outside by a fifo that is in the workspace.
(timeout 1 bash -c 'echo "$MARK" > fifo') 2>&1
(timeout 1 bash -c 'echo "$MARK" > "$FIFO"; exec 9<> fifo; echo "$MARK" >&9; cp a.txt fifo; ln fifo pipe; echo x > pipe') 2>&1
echo tried
