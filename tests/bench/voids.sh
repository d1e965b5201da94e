#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mqbench must call a run void when the broker errs: see voids.py.
exec "${PYTHON:-python3}" "${srcdir:?}/tests/bench/voids.py" "${builddir:?}/tests/bench/mqbench"
