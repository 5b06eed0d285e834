#!/bin/sh
# Usage: tests/mutation.sh MODULE
# Mutates one module of infoplane in a copy, and says which mutants survive the fast tests of that module.
set -e
module=$1
tests=tests/$(dirname "$module")/test_$(basename "$module").py
copy=build/mutation/$module
source=src/infoplane/$module.py

rm -rf "$copy"
mkdir -p "$copy"
cp -R src tests docs "$copy"
cd "$copy"
# mutmut leaves functions with decorators alone: those that Numba compiles, and properties, become plain ones
sed -E -z -i 's/@numba\.njit\(cache=True\)\n//g
    s/@property\n    def (\w+)\(/\1 = property(lambda self: self.of_\1())\n\n    def of_\1(/g' "$source"
printf '%s\n' '[mutmut]' 'source_paths = src' "only_mutate = $source" 'also_copy = docs' \
    'process_isolation = forkserver' 'timeout_constant = 5' 'timeout_multiplier = 4' \
    'pytest_add_cli_args = --hypothesis-profile=ci' 'pytest_add_cli_args_test_selection =' > setup.cfg
printf '    %s\n' "$tests" '-m' 'not slow' >> setup.cfg
export OMP_NUM_THREADS=1
mutmut run --max-children 1 > log
mutmut results
mutmut results --all true | sed 's/.*: //' | sort | uniq -c
