# Reads and rewrites the journal, and what lies beside it.
import os
import shutil
import sqlite3

from prelude import MARK, TOLD, attempt, show

for path in (TOLD["JOURNAL"], TOLD["JOURNAL"] + "-wal", "/proc/1/root" + TOLD["JOURNAL"], TOLD["STORE"] + "/workspace"):
    show(path, 1 << 20)
    with attempt(), open(path, "r+b") as file:
        file.write(MARK.encode())
try:
    with sqlite3.connect(f"file:{TOLD['JOURNAL']}?mode=rw", uri=True) as journal:
        print(journal.execute("select * from sqlite_schema").fetchall())
        journal.execute("drop table operations")
except sqlite3.Error as error:
    print(error)
shutil.rmtree(TOLD["STORE"], ignore_errors=True)
with attempt():
    os.makedirs(TOLD["STORE"])
    with open(TOLD["JOURNAL"], "w") as file:
        file.write(MARK)
print("tried")
