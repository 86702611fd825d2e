"""What draws estimators by chance is shared with a program: its folder goes on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
