"""Talk to a server with Triton's clients, and print what they got as JSON."""

import json
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http

url, address, rows = sys.argv[1], sys.argv[2], np.array(json.loads(sys.argv[3]), np.float32)


def tensor(kind, array, **more):
    one = kind.InferInput("input", array.shape, "FP32")
    one.set_data_from_numpy(array, **more)
    return one


def seen(answer):
    return {name: answer.as_numpy(name).tolist() for name in ("doubled", "prediction")}


def refusal(kind, client, model, array):
    try:
        client.infer(model, [tensor(kind, array)])
    except kind.InferenceServerException as error:
        return error.status()
    return None


found = {}
http = tritonclient.http.InferenceServerClient(url.removeprefix("http://"))
grpc = tritonclient.grpc.InferenceServerClient(address)
for name, kind, client in (("http", tritonclient.http, http), ("grpc", tritonclient.grpc, grpc)):
    found[name] = {
        "live": client.is_server_live() and client.is_server_ready(),
        "ready": [client.is_model_ready("double"), client.is_model_ready("double", "1"), client.is_model_ready("no")],
        "packed": seen(client.infer("double", [tensor(kind, rows)], request_id="mine")),
        "refused": [refusal(kind, client, "no", rows), refusal(kind, client, "double", rows[:, :3])],
    }
found["http"]["name"] = http.get_model_metadata("double")["inputs"][0]["name"]
found["grpc"]["name"] = grpc.get_model_metadata("double").inputs[0].name
found["http"]["json"] = seen(http.infer("double", [tensor(tritonclient.http, rows, binary_data=False)]))
wanted = [tritonclient.http.InferRequestedOutput(name, binary_data=False) for name in ("doubled", "prediction")]
found["http"]["answer as json"] = seen(http.infer("double", [tensor(tritonclient.http, rows)], outputs=wanted))
for packing in ("gzip", "deflate"):
    one = tensor(tritonclient.http, rows)
    found["http"][packing] = seen(http.infer("double", [one], request_compression_algorithm=packing))
    found["grpc"][packing] = seen(
        grpc.infer("double", [tensor(tritonclient.grpc, rows)], compression_algorithm=packing)
    )
print(json.dumps(found))
