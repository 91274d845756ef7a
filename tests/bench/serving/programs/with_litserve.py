"""A LitServe server."""

import sys

import litserve
import model


class Digits(litserve.LitAPI):
    def setup(self, device):  # noqa: ARG002 - LitServe's signature
        self.session = model.open_model()

    def decode_request(self, request):
        return request["data"]

    def predict(self, rows):
        return model.answer(self.session, rows)

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Digits(api_path="/score"), accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False, generate_client_file=False)
