#!/bin/sh
# Makes a base image from Debian's packages alone, for machines that reach no image registry:
#   docker/base.sh [IMAGE]        (default: asrprof-base)
# It has the Python of Debian bookworm, 3.11. Needs mmdebstrap and, for it, root or a user namespace.
set -eu
image=${1:-asrprof-base}
command -v mmdebstrap >/dev/null || {
    echo "base: error: mmdebstrap is missing (Debian: apt-get install mmdebstrap)" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "base: making $image from Debian's packages" >&2
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
    bookworm "$folder/base.tar"
docker import --change 'CMD ["python3"]' "$folder/base.tar" "$image" >/dev/null
echo "base: done; build on it with BASE_IMAGE=$image" >&2
