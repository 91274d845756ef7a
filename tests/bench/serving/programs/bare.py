"""The standard library's server with onnxruntime, and nothing else: the floor for starting and memory."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import model

session = model.open_model()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write for head and body
    disable_nagle_algorithm = True

    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(model.answer(session, document["data"])).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts):
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
