"""`python -m solvent` is the command `solvent`."""

import sys

from solvent.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
