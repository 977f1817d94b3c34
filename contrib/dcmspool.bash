# Completion of dcmspool(1) for bash: commands, options, destinations, states,
# items. Sourced by bash-completion from its completions folder, or by hand.

_dcmspool()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous='' command='' conf=() i
	local states='new active deferred hold failed sent corrupt'
	local filters='--all --dest --state --source --study --older --status'
	local acts="$filters --yes --dry-run -0"

	[ "$COMP_CWORD" -eq 0 ] || previous=${COMP_WORDS[COMP_CWORD - 1]}
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c) conf=(-c "${COMP_WORDS[++i]}") ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done

	COMPREPLY=()
	case $previous in
	-c | -o | --output)
		_dcmspool_files -f
		return
		;;
	--dest | --all)
		_dcmspool_words "$(_dcmspool_destinations)"
		return
		;;
	--state)
		_dcmspool_words "$states"
		return
		;;
	--source | --study | --older | --status | --timeout)
		return
		;;
	esac

	case $command in
	'') _dcmspool_words "-c -n -V -h $(dcmspool -h 2>/dev/null |
		sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')" ;;
	status) _dcmspool_words '-q --json --watch' ;;
	list) _dcmspool_words "$filters -0 -l --json --unsorted $(
		_dcmspool_destinations)" ;;
	show) _dcmspool_words "$filters --json $(_dcmspool_items)" ;;
	trace)
		_dcmspool_words '--json'
		_dcmspool_files -f
		;;
	retry) _dcmspool_words "$acts $(_dcmspool_items deferred,failed,hold)" ;;
	hold) _dcmspool_words "$acts $(_dcmspool_items new,deferred,failed)" ;;
	release) _dcmspool_words "$acts $(_dcmspool_items hold)" ;;
	fail) _dcmspool_words "$acts $(_dcmspool_items new,deferred,hold)" ;;
	edit) _dcmspool_words "$acts -- $(_dcmspool_items hold,failed)" ;;
	remove) _dcmspool_words "$acts $(_dcmspool_items)" ;;
	move | copy) _dcmspool_words "$acts $(_dcmspool_items) $(
		_dcmspool_destinations)" ;;
	export)
		_dcmspool_words "$acts $(_dcmspool_items)"
		_dcmspool_files -d
		;;
	import)
		_dcmspool_words "-0 --dry-run $(_dcmspool_destinations)"
		_dcmspool_files -f
		;;
	pause | resume | flush) _dcmspool_words "$(_dcmspool_destinations)" ;;
	wait) _dcmspool_words "--timeout $(_dcmspool_destinations)" ;;
	check) _dcmspool_words '--json --repair' ;;
	expire) _dcmspool_words '--dry-run' ;;
	metrics)
		_dcmspool_words '--json -o --output'
		_dcmspool_files -f
		;;
	report)
		_dcmspool_words '--json'
		_dcmspool_files -f
		;;
	esac
}

_dcmspool_words() # WORDS
{
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(
		compgen -W "$1" -- "$current")
}

_dcmspool_files() # -f | -d
{
	compopt -o filenames 2>/dev/null
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen "$1" -- "$current")
}

_dcmspool_destinations()
{
	dcmspool "${conf[@]}" status 2>/dev/null |
		sed -n 's/^destination	\([^	]*\)	.*/\1/p'
}

# Names that are one word: of a long queue, the first thousand.
_dcmspool_items() # [STATES]
{
	dcmspool "${conf[@]}" list --unsorted ${1:+--state "$1"} 2>/dev/null |
		sed -n '1,1000s/.*	\([A-Za-z0-9._-]*\)$/\1/p'
}

complete -F _dcmspool dcmspool
