"""What onnxruntime alone does in a loop: runs a second and processor seconds a run, for each size of a batch."""

import json
import sys
import time

import model
import numpy as np

given = json.loads(sys.argv[1])
session = model.open_model()
(name,) = (one.name for one in session.get_inputs())
outputs = [one.name for one in session.get_outputs()]
rows = np.load(given["rows"])
found = {}
for size in given["sizes"]:
    batch = {name: np.resize(rows, (size, rows.shape[1])).astype(np.float32)}
    for _ in range(3):
        session.run(outputs, batch)
    count, start, busy = 0, time.perf_counter(), time.process_time()
    while (now := time.perf_counter()) - start < given["seconds"]:
        session.run(outputs, batch)
        count += 1
    found[f"rate {size}"] = count / (now - start)
    found[f"cpu {size}"] = (time.process_time() - busy) / count
print(json.dumps(found), flush=True)
