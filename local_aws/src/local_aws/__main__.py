"""``python PATH/local_aws serve …``: started by path, so that no Python path of the checkout reaches the functions."""

import sys
from pathlib import Path

# In the place of the package's own folder, whose `code` would hide the standard library's.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from local_aws.control.server import main

sys.exit(main(sys.argv[1:]))
