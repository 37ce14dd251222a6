"""``python -m psp``, which is ``psp`` where it is installed: the studio on the command line."""

import sys

from psp.cli.main import main

sys.exit(main())
