# zsh -f complete.zsh DIRECTORY LINE: what zsh offers after LINE, with the completions of DIRECTORY.
# Completion needs a terminal: a second zsh gets one by zsh/zpty, and prints its matches between marks.
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1= PS2= fpath=(${(q)1} \$fpath)"
zpty -w inner 'autoload -Uz compinit && compinit -D -u'
zpty -w inner 'setopt no_beep; zstyle ":completion:*" list-colors; LISTMAX=10000; stty columns 200 -echo'
# compadd is where every match passes; -O keeps the matches instead of offering them.
zpty -w inner 'compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a hits
    builtin compadd -O hits "$@"
    local IPREFIX_NOW=$IPREFIX
    print -rl -- "<hit>"${^hits} "<hit>"$IPREFIX_NOW${^hits}
    builtin compadd "$@"
}'
zpty -w inner 'bindkey "^I" list-choices; print "<rea""dy>"'
zpty -r -m inner seen '*<ready>*'
zpty -n -w inner "$2"$'\t'
zpty -n -w inner $'\C-u'
zpty -w inner 'print "<en""d>"'
zpty -r -m inner offered '*<end>*'
print -r -- $offered | tr -d '\r' | sed -n 's/.*<hit>//p' | sort -u
zpty -d inner
