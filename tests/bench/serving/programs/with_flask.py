"""Flask as people write it."""

import model
from flask import Flask, request

session = model.open_model()
app = Flask(__name__)


@app.post("/score")
def score():
    return model.answer(session, request.get_json()["data"])
