"""What Python does first in every process of this image (`site`): Ray's own processes do without pandas."""

import sys

from turo.cluster.lean_imports import PANDAS_FREE, Finder

sys.meta_path.insert(0, Finder(PANDAS_FREE))
