"""Says what part of the lines and of the branches the tests reach; fails where either is below 95 %.

Usage: coverage json --quiet -o - | python tests/lines_and_branches.py
"""

import json
import sys

LEAST = 95


def main() -> bool:
    totals = json.load(sys.stdin)["totals"]
    lines, branches = totals["percent_statements_covered"], totals["percent_branches_covered"]
    print(f"lines {lines:.2f} %, branches {branches:.2f} %; at least {LEAST} % wanted of each")
    return min(lines, branches) < LEAST


if __name__ == "__main__":
    sys.exit(main())
