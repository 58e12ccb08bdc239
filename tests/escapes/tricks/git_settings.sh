# Plants settings of git that name programs: for changes, differences, filters, signatures, editors and pagers.
# then: apply, host
printf '#!/bin/sh\ntouch %s\ncat\n' "$TRIP" > run.sh
chmod +x run.sh
for key in core.fsmonitor core.pager core.editor core.sshCommand core.askPass diff.external filter.x.clean filter.x.smudge \
    filter.x.process diff.x.command diff.x.textconv gpg.program credential.helper sequence.editor merge.x.driver alias.log; do
    git config "$key" "$WORKSPACE/run.sh"
done
git config commit.gpgSign true
git config include.path ../planted
printf '[core]\n\tfsmonitor = ./run.sh\n' > planted
printf '* filter=x diff=x merge=x\n' > .gitattributes
printf '[submodule "x"]\n\tpath = sub\n\turl = ext::sh -c touch%%%% %s\n\tupdate = !touch %s\n' "$TRIP" "$TRIP" > .gitmodules
echo changed > a.txt
echo new > new.txt
echo tried
