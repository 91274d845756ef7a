"""What onnxruntime alone does in a loop: runs a second and processor seconds a run, for each size of a batch.

Each run has other rows, as those of a server do: of a row that comes again and again, the processor learns which way
it takes through each tree of a forest, and predicts all branches.
"""

import json
import sys
import time
from itertools import cycle

import model
import numpy as np

given = json.loads(sys.argv[1])
session = model.open_model()
(name,) = (one.name for one in session.get_inputs())
outputs = [one.name for one in session.get_outputs()]
rows = np.load(given["rows"])
found = {}
for size in given["sizes"]:
    starts = range(0, len(rows), size)
    parts = [np.resize(np.roll(rows, -start, axis=0), (size, rows.shape[1])).astype(np.float32) for start in starts]
    batches = cycle({name: part} for part in parts)
    for _ in range(3):
        session.run(outputs, next(batches))
    count, start, busy = 0, time.perf_counter(), time.process_time()
    while (now := time.perf_counter()) - start < given["seconds"]:
        session.run(outputs, next(batches))
        count += 1
    found[f"rate {size}"] = count / (now - start)
    found[f"cpu {size}"] = (time.process_time() - busy) / count
print(json.dumps(found), flush=True)
