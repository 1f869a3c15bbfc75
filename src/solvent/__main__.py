"""`python -m solvent` is the command `solvent`."""

import sys

from solvent.cli.main import main

if __name__ == "__main__":
    # Records keep the command as a person would type it again.
    sys.argv[0] = "solvent"
    sys.exit(main())
