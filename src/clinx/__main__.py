"""``python -m clinx`` and the ``clinx`` command."""

import sys

from clinx.cli import main

if __name__ == "__main__":
    sys.exit(main())
