#!/bin/sh
# Installs the tutorial from this folder, without a network: sh install.sh [FOLDER]
for python in "${PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14 python; do
    if command -v "$python" >/dev/null 2>&1; then exec "$python" "$(dirname "$0")/install.py" "$@"; fi
done
echo "There is no Python on this machine. START_HERE.html says which one to install." >&2
exit 1
