_@PROGRAM@_complete_value() {
    local head=""
    case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
    list)
        case $cur in *,*) head=${cur%,*}, ;; esac
        mapfile -t COMPREPLY < <(compgen -P "$head" -W "$words" -- "${cur#"$head"}")
        compopt -o nospace 2>/dev/null
        ;;
    table)
        words=$("${COMP_WORDS[0]}" export ${file:+"$file"} --list --format csv 2>/dev/null |
            sed -e 1d -e 's/,.*//')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        ;;
    user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    group) mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
    file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    esac
}

_@PROGRAM@_complete_rest() {
    if [ "$rest" = "$COMP_CWORD" ]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$rest"
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}

_@PROGRAM@() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="@COMMANDS@" command="" file="" rest="" kind words i
    COMPREPLY=()
    # "--by=us" arrives as the three words "--by", "=" and "us".
    if [ "$cur" = "=" ]; then
        cur=""
    elif [ "$prev" = "=" ]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --) rest=$((i + 1)) && break ;;
        -*)
            _@PROGRAM@_value "$command" "${COMP_WORDS[i]}"
            [ "${COMP_WORDS[i + 1]-}" != "=" ] || i=$((i + 1))
            [ -z "$kind" ] || i=$((i + 1))
            ;;
        *)
            if [ -z "$commands" ]; then
                rest=$i && break
            elif [ -z "$command" ]; then
                command=${COMP_WORDS[i]}
            else
                file=${COMP_WORDS[i]}
            fi
            ;;
        esac
    done
    if [ -n "$rest" ]; then # another program's command line
        _@PROGRAM@_complete_rest
        return
    fi
    _@PROGRAM@_value "$command" "$prev"
    if [ -n "$kind" ]; then
        _@PROGRAM@_complete_value
        return
    fi
    case $cur in
    -*)
        _@PROGRAM@_options "$command"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
        ;;
    esac
    if [ -z "$commands" ]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    elif [ -z "$command" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands help" -- "$cur")
    elif [ "$command" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    elif [ -z "$file" ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -X '!*.pscope' -- "$cur"
            compgen -d -- "$cur")
    fi
}

complete -F _@PROGRAM@ @PROGRAM@
