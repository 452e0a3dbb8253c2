#!/bin/sh
# The session of docs/session.md, run anew: in an empty folder, sh PATH/docs/session.sh PYTHON
# Needs the command neuromanifold, and a Python with torch, numpy and safetensors.
here=$(dirname "$(realpath "$0")")
python=${1:-python3}
cp "$here/session.py" .
run() {
    echo "\$ $*"
    "$@"
    status=$?
    [ $status -eq 0 ] || echo "(status $status)"
    echo
}
run "$python" session.py train
run neuromanifold inspect net.safetensors --activation tanh --data train.csv --target y --noise 0.0025 --plot spectrum.svg
run neuromanifold reduce net.safetensors --activation tanh --data train.csv --target y --noise 0.0025 -o reduced.safetensors
run neuromanifold equivalent net.safetensors reduced.safetensors --activation tanh
run neuromanifold compress net.safetensors --activation tanh --data train.csv --target y --noise 0.0025 --budget 0.1 -o compressed.safetensors
run neuromanifold equivalent net.safetensors compressed.safetensors --activation tanh
run neuromanifold fisher net.safetensors --activation tanh --data train.csv --target y --noise 0.0025 -o G.npy
run "$python" session.py compare net.safetensors reduced.safetensors compressed.safetensors
