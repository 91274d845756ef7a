"""FastAPI as people write it, in its faster form: validated by pydantic, run in the loop."""

import model
from fastapi import FastAPI
from pydantic import BaseModel

session = model.open_model()
app = FastAPI()


class Rows(BaseModel):
    data: list[list[float]]


class Answer(BaseModel):
    label: list[int]
    probabilities: list[list[float]]


@app.post("/score")
async def score(rows: Rows) -> Answer:
    return Answer(**model.answer(session, rows.data))
