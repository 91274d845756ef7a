"""Takes whole requests and makes whole answers."""

from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    assert AMLRequest


@rawhttp
def run(request):
    what = request.args.get("what", "")
    answers = {
        "bytes": lambda: AMLResponse(request.get_data()[::-1], 201, {"Content-Type": "image/png", "X-Own": "1"}),
        "text": lambda: AMLResponse("a text", 200),
        "none": lambda: AMLResponse(None, 200),
        "empty": lambda: AMLResponse("", 204),
        "json": lambda: AMLResponse({"a": request.get_json()}, 418, {}, json_str=True),
        "failed": lambda: AMLResponse("no", 503),
        "odd": lambda: AMLResponse("odd", 299),
        "twice": lambda: AMLResponse("x", 200, {"X-Own": "1,2"}),
        "dict": lambda: {"method": request.method, "path": request.path, "data": request.get_data(as_text=True)},
        "args": lambda: request.args.getlist("x"),
        "form": request.form.to_dict,
        "header": lambda: [request.headers.get("X-OWN"), request.content_type, request.mimetype, request.is_json],
        "forge": lambda: AMLResponse("x", 200, {"X-Own": "1\r\nforged: 1"}),
        "unread": request.get_json,
    }
    return answers[what]()
