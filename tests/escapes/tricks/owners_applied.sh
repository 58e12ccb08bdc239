# Has files of other owners carried out by apply.
# then: apply
for owner in 0:0 1:1 65534:65534 1000:1000 "$(id -u):$(($(id -g) + 1))"; do
    echo "$owner" > "of-$owner"
    chown "$owner" "of-$owner" 2>&1
done
chown 1:1 a.txt src 2>&1
echo tried
