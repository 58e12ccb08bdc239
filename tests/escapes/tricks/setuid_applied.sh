# Has programs with the setuid and setgid bits, and folders with them, carried out by apply.
# then: apply
cp /usr/bin/env mine
chmod 4755 mine
cp /usr/bin/env group
chmod 2755 group
cp /usr/bin/env both
chmod 6777 both
mkdir shared deep
chmod 6777 shared
cp /usr/bin/env deep/mine
chmod 4755 deep/mine
chmod 2777 deep
chmod u+s a.txt
chmod g+s src
chmod 1777 src
echo tried
