"""Commands that people use every day: what they do is read in full, but for what runs a program that reads its own orders.

``tests/bench/shell.py`` counts many more.
"""

from __future__ import annotations

import pytest

from agentrt.policies.shell import read

READ = r"""
ls -la
git status --short
git add -A && git commit -m "Fix the off-by-one in paging"
git log --oneline -n 20 | head -5
git diff HEAD~1 -- src/app.py
git checkout -b feature/paging origin/main
python3 -m pytest -q tests/test_paging.py -k "first or last"
grep -rn "TODO" --include='*.py' src | wc -l
find . -name '*.pyc' -type f -delete
find . -type f -size +10M -print0 | xargs -0 ls -lh
sed -i 's/foo/bar/g' config.ini
awk -F, '{ sum += $3 } END { print sum }' sales.csv
sort names.txt | uniq -c | sort -rn | head
mkdir -p build/out && cp -r assets build/out/
rm -rf build dist *.egg-info
mv report.txt "report $(date +%F).txt"
tar -czf backup.tar.gz --exclude=node_modules .
curl -fsSL https://example.com/data.json -o data.json
ps aux | grep -v grep | grep nginx
kill -TERM 4242
for f in *.log; do gzip "$f"; done
while read -r line; do echo "$line"; done < names.txt
test -d venv || python3 -m venv venv
diff <(sort a.txt) <(sort b.txt)
echo "done" | tee -a build.log
LC_ALL=C sort -u words.txt > unique.txt
head -c 100 /dev/urandom | base64
jq '.items[] | .name' data.json
du -sh * | sort -h
ln -sf ../shared/config.yaml config.yaml
rsync -av --delete site/ host:/srv/site/
""".strip().splitlines()
OPAQUE = r"""
cd src && make -j4 test
python3 -c 'print(sum(range(10)))'
pip install -r requirements.txt
npm ci && npm run build
cargo build --release 2>&1 | tail -n 20
go test ./...
docker compose up -d db
chmod +x scripts/run.sh && ./scripts/run.sh --fast
export PATH="$HOME/bin:$PATH"
if [ -f .env ]; then set -a; . ./.env; set +a; fi
time make clean all
sqlite3 app.db 'SELECT count(*) FROM users'
""".strip().splitlines()


@pytest.mark.parametrize("command", READ)
def test_it_is_read_in_full(command: str) -> None:
    assert not read(command).opaque


@pytest.mark.parametrize("command", OPAQUE)
def test_what_runs_what_nobody_reads_is_said_to(command: str) -> None:
    assert read(command).opaque
