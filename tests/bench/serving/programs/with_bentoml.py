"""A BentoML service."""

import bentoml
import model


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, traffic={"timeout": 60})
class Digits:
    def __init__(self) -> None:
        self.session = model.open_model()

    @bentoml.api
    async def score(self, data: list[list[float]]) -> dict:
        return model.answer(self.session, data)
