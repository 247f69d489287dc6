"""Where the demo is."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "examples/payments/demo"
sys.path.insert(0, str(DEMO))
