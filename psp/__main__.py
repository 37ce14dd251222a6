"""``python -m psp``: the studio on the command line."""

import sys

from psp.cli.main import main

sys.exit(main())
