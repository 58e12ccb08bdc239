# Plants repositories: nested ones, a bare one in the work tree, a file in place of .git, alternates.
# then: apply, host
printf '#!/bin/sh\ntouch %s\n' "$TRIP" > run.sh
chmod +x run.sh
mkdir -p nested bare/objects bare/refs GIT~1 .GIT/hooks sub
git init -q nested && git -C nested config core.fsmonitor "$WORKSPACE/run.sh"
printf 'ref: refs/heads/main\n' > bare/HEAD
printf '[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = ./run.sh\n' > bare/config
cp bare/HEAD HEAD && cp bare/config config && mkdir -p objects refs
printf 'gitdir: ../bare\n' > sub/.git
printf '#!/bin/sh\ntouch %s\n' "$TRIP" > .GIT/hooks/post-commit
chmod +x .GIT/hooks/post-commit
mkdir -p .git/objects/info && echo "$HOST_HOME" > .git/objects/info/alternates
echo changed > a.txt
echo tried
