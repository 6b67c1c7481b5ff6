# Read by ./serve and ./test: makes ready what a list of pins asks for, and does nothing when all is ready.
# Expects $root, the checkout. POSIX sh; every step can be repeated after it was broken off half-way.

# shellcheck shell=sh disable=SC2154,SC3013 # the caller sets root; Debian's sh knows -nt
unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV || true
python="$root/.venv/bin/python"
# A home that cannot be written holds no download cache either.
[ -w "${HOME:-/nowhere}" ] || export PIP_CACHE_DIR="$root/.cache/pip" npm_config_cache="$root/.cache/npm"

say() {
	printf '%s\n' "$*"
}

fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

has() {
	command -v "$1" >/dev/null 2>&1
}

# The names in a list file, without its comments.
names_in() {
	sed -e 's/#.*//' "$1"
}

# Prints those of the given Debian packages that are not installed. Asks no network.
missing_packages() {
	has dpkg-query || return 0
	# shellcheck disable=SC2016 # the dollar is dpkg's
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
	for package in "$@"; do
		printf '%s\n' "$installed" | grep -qxF "installed $package" || printf '%s ' "$package"
	done
}

# Installs Debian packages, or names them and stops when this account may not.
install_packages() {
	[ "$#" -gt 0 ] || return 0
	if ! has apt-get; then
		fail "Missing on this system: $*" "This set-up knows Debian and Ubuntu. Please install them and start again."
	fi
	if [ "$(id -u)" -eq 0 ]; then
		as_root='env'
	elif has sudo && sudo -n true 2>/dev/null; then
		as_root='sudo -n env'
	else
		fail "These system packages are missing: $*" \
			"Ask someone with administrator rights to run this, then start again:" \
			"  apt-get update && apt-get install --no-install-recommends $*"
	fi
	say "Installing system packages: $*"
	log=$(mktemp)
	# shellcheck disable=SC2086 # two words on purpose
	if ! {
		$as_root DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 update &&
			$as_root DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
				install --no-install-recommends "$@"
	} >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		fail "The system packages could not be installed: $*" "The reason stands above."
	fi
	rm -f "$log"
}

# Prints a Python of 3.11 or later, or nothing.
find_python() {
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
		if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
			command -v "$candidate"
			return
		fi
	done
}

# What a stamp must say for the pins of one list to be installed here: the pins, the place, the Python.
stamp_for() {
	printf '%s %s %s' "$(sha256sum <"$root/requirements/$1.txt")" "$root" "$("$python" -V 2>&1)"
}

is_installed() {
	[ -x "$python" ] && [ -f "$root/.venv/.$1.stamp" ] && [ "$(cat "$root/.venv/.$1.stamp")" = "$(stamp_for "$1")" ]
}

# A virtual environment that works and was made at this very place: a copied one runs the other's scripts.
is_sound() {
	"$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 &&
		grep -qF "$root/.venv/bin/python" "$root/.venv/bin/pip"
}

make_venv() {
	is_sound && return
	found=$(find_python)
	if [ -z "$found" ]; then
		fail "Python 3.11 or later is needed and was not found."
	fi
	if ! "$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then
		install_packages "python$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
	fi
	say "Making .venv with $("$found" -V)"
	rm -rf "$root/.venv"
	"$found" -m venv "$root/.venv" || fail "The virtual environment could not be made. The reason stands above."
}

# Installs the pins of one list. The stamp comes last, so a broken-off run is done again.
install_pins() {
	is_installed "$1" && return
	make_venv
	say "Installing the pinned packages of requirements/$1.txt"
	rm -f "$root/.venv/.$1.stamp"
	# The list is whole, so nothing is resolved: left to itself pip asks for the newest release of a package that another
	# one wants with an extra, and stops at its missing hash on the day that release comes out.
	"$python" -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --no-deps \
		--require-hashes -r "$root/requirements/$1.txt" </dev/null ||
		fail "The Python packages could not be installed. The reason stands above."
	# docopt has no wheel, and the one package that names it (GOV.UK Notify's client) never loads it: it is left out.
	broken=$("$python" -m pip check --disable-pip-version-check 2>&1) && broken=""
	broken=$(printf '%s\n' "$broken" | grep -v '^notifications-python-client [0-9.]* requires docopt, which is not installed\.$') || :
	[ -z "$broken" ] || fail "The pinned Python packages do not fit each other:" "$broken"
	stamp_for "$1" >"$root/.venv/.$1.stamp.new"
	mv "$root/.venv/.$1.stamp.new" "$root/.venv/.$1.stamp"
}

# Prints every translation whose compiled form is missing or older.
stale_translations() {
	for words in "$root"/translations/*/LC_MESSAGES/*.po; do
		if [ -f "$words" ] && ! [ "${words%.po}.mo" -nt "$words" ]; then
			printf '%s\n' "$words"
		fi
	done
}

# Compiles them; a translation with an error stops the start and leaves the last good one in place.
compile_translations() {
	stale_translations | while IFS= read -r words; do
		language=$(basename "$(dirname "$(dirname "$words")")")
		compiled=${words%.po}.mo
		"$python" -c 'import sys; from babel.messages.frontend import main; sys.exit(main())' \
			--quiet compile --locale "$language" \
			--input-file "$words" --output-file "$compiled.new" || {
			rm -f "$compiled.new"
			fail "The words of $language could not be compiled. The reason stands above."
		}
		mv "$compiled.new" "$compiled"
	done || exit 1
}

has_static() {
	manifest="$root/static/build/manifest.json"
	[ -f "$manifest" ] && [ -z "$(find "$root/static" -path "$root/static/build" -prune -o -type f -newer "$manifest" -print)" ]
}

build_static() {
	has_static || (cd "$root" && "$python" -c 'from inclusion_app.core import assets; assets.build()') ||
		fail "The style sheet and script could not be built. The reason stands above."
}

is_prepared() {
	# shellcheck disable=SC2046 # names have no spaces
	[ -z "$(missing_packages $(names_in "$root/requirements/system.txt"))" ] || return 1
	for list in "$@"; do
		is_installed "$list" || return 1
	done
	[ -z "$(stale_translations)" ] && has_static
}

# prepare LIST…: everything the pins of these lists, the words and the static files need. Two at once take turns.
prepare() {
	is_prepared "$@" && return
	if ! { mkdir -p "$root/.cache" && touch "$root/.cache/prepare.lock"; } 2>/dev/null; then
		fail "Something is missing or has changed, and this account may not write here: $root" \
			"Start once from the account that owns the folder."
	fi
	{
		flock 9
		# shellcheck disable=SC2046
		install_packages $(missing_packages $(names_in "$root/requirements/system.txt"))
		for list in "$@"; do
			install_pins "$list"
		done
		compile_translations
		build_static
	} 9>"$root/.cache/prepare.lock"
}
