"""An MLServer runtime, without its pool of processes, which costs more than it brings here."""

import model
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Digits(MLModel):
    async def load(self):
        self.session = model.open_model()
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0])
        outputs = zip(model.NAMES, model.score(self.session, rows), strict=True)
        encoded = [NumpyCodec.encode_output(name, array) for name, array in outputs]
        return InferenceResponse(model_name=self.name, outputs=encoded)
