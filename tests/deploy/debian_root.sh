#!/usr/bin/env bash
# Makes a minimal Debian, as a tar file, of the packages that this host's own apt would take; once.
#   debian_root.sh FILE.tar [PACKAGE…]      more than the minimum
set -euo pipefail

readonly tar=$1
shift
if [[ -s $tar ]]; then exit 0; fi

# shellcheck source=/dev/null
. /etc/os-release
# Of what the host's apt has: Debian itself.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  if [[ -r $file ]] && grep -qE 'debian(-security)?/?( |$)' "$file"; then sources+=("$file"); fi
done
mkdir -p "$(dirname "$tar")"
unfinished="$tar.$$.tar"
trap 'rm -f "$unfinished"' EXIT
nice -n 5 mmdebstrap --quiet --variant=minbase --include="$(IFS=, && echo "ca-certificates${*:+,$*}")" \
  --aptopt='Acquire::Check-Valid-Until "false"' "$VERSION_CODENAME" "$unfinished" "${sources[@]}"
mv "$unfinished" "$tar"
