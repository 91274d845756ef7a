"""A scoring script for Azure's inference server."""

import json

import model


def init():
    global session  # noqa: PLW0603 - as its users write it
    session = model.open_model()


def run(data):
    return model.answer(session, json.loads(data)["data"])
