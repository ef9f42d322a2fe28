#!/bin/sh
# Makes an environment for each of the systems that kb is compared with.
#
#   sh benchmarks/peers/setup.sh FOLDER [NAME...]
#
# FOLDER gets a virtual environment for each NAME (default: llamaindex txtai chroma), with the versions that
# requirements-NAME.txt pins. PYTHON names the interpreter (default: python3). One that is complete is left as it is.
# haiku is not made by default, for it needs Python 3.12 or later: PYTHON=python3.13 sh setup.sh FOLDER haiku
set -eu

here=$(dirname "$0")
folder=${1:?usage: setup.sh FOLDER [NAME...]}
shift
[ $# -gt 0 ] || set -- llamaindex txtai chroma

for name in "$@"; do
    [ -e "$folder/$name/.installed" ] && continue
    "${PYTHON:-python3}" -m venv "$folder/$name"
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check \
        -r "$here/requirements-$name.txt"
    touch "$folder/$name/.installed"
done
