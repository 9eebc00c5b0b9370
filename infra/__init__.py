from __future__ import annotations

import os

# delta-rs keeps freed memory for each of its threads: by default a stage's grows from query to query. Read at import.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0")
