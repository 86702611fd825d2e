"""`python -m midge`: the same as the `midge` command."""

import sys

from .cli import main

sys.exit(main())
