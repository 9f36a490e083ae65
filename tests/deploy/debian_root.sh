#!/usr/bin/env bash
# Makes a minimal Debian, as a tar file, of the packages that this host's own apt would take; once.
#   debian_root.sh [--release CODENAME] FILE.tar [PACKAGE…]      more than the minimum
# --release: another one than the host's, from the same mirrors.
set -euo pipefail

# shellcheck source=/dev/null
. /etc/os-release
release=$VERSION_CODENAME
if [[ $1 == --release ]]; then
  release=$2
  shift 2
fi
readonly release tar=$1
shift
if [[ -s $tar ]]; then exit 0; fi

unfinished="$tar.$$.tar"
work=$(mktemp -d)
trap 'rm -rf "$unfinished" "$work"' EXIT
# Of what the host's apt has: Debian itself.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  if [[ -r $file ]] && grep -qE 'debian(-security)?/?( |$)' "$file"; then
    sed "s/\\b$VERSION_CODENAME\\b/$release/g" "$file" >"$work/${file##*/}"
    sources+=("$work/${file##*/}")
  fi
done
mkdir -p "$(dirname "$tar")"
nice -n 5 mmdebstrap --quiet --variant=minbase --include="$(IFS=, && echo "ca-certificates${*:+,$*}")" \
  --aptopt='Acquire::Check-Valid-Until "false"' "$release" "$unfinished" "${sources[@]}"
mv "$unfinished" "$tar"
