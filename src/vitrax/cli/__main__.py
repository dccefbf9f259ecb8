"""Run the command line: `python -m vitrax.cli`."""

import sys

from . import main


sys.exit(main())
