"""Talk to a server with KServe's clients, and print what they got as JSON."""

import asyncio
import json
import logging
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

url, address, rows = sys.argv[1], sys.argv[2], np.array(json.loads(sys.argv[3]), np.float32)
logging.disable()


def request(*, packed, model="double", **more):
    one = InferInput("input", list(rows.shape), "FP32")
    one.set_data_from_numpy(rows, binary_data=packed)
    return InferRequest(model_name=model, infer_inputs=[one], request_id="mine", **more)


def seen(answer):
    return {**{one.name: one.as_numpy().tolist() for one in answer.outputs}, "id": answer.id}


async def refusal(call):
    try:
        await call
    except Exception as error:  # noqa: BLE001 - its kinds are of several libraries
        return str(error)


async def main():
    rest, grpc = InferenceRESTClient(RESTConfig(protocol="v2")), InferenceGRPCClient(address)
    wanted = [RequestedOutput(name, parameters={"binary_data": True}) for name in ("doubled", "prediction")]
    return {
        "http": {
            "live": await rest.is_server_live(url) and await rest.is_server_ready(url),
            "ready": await rest.is_model_ready(url, "double"),
            "json": seen(await rest.infer(url, request(packed=False), model_name="double")),
            "packed": seen(await rest.infer(url, request(packed=True, request_outputs=wanted), model_name="double")),
            "refused": await refusal(rest.infer(url, request(packed=True, model="no"), model_name="no")),
        },
        "grpc": {
            "live": await grpc.is_server_live() and await grpc.is_server_ready(),
            "ready": await grpc.is_model_ready("double"),
            "json": seen(await grpc.infer(request(packed=False))),
            "packed": seen(await grpc.infer(request(packed=True))),
            "refused": await refusal(grpc.infer(request(packed=True, model="no"))),
        },
    }


print(json.dumps(asyncio.run(main())))
