"""`python -m wsrnas` is `wsrnas`."""

import sys

from wsrnas.cli import main

if __name__ == "__main__":
    sys.exit(main())
