"""The page that browsers see at ``/``: what is served, and a form to try it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

import orjson

from modelyard_scoring.service.folder import ServedModel, Service

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
textarea, input, select { width: 100%; box-sizing: border-box; font: 14px/1.4 ui-monospace, monospace; }
textarea { height: 12rem; }
label { display: block; margin-top: .8rem; }
button { margin: .8rem .5rem 0 0; padding: .4rem 1rem; font: inherit; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .8rem; border: 1px solid #8888; }
"""

_SCRIPT = """
const at = (id) => document.getElementById(id);
const headers = () => {
  const key = at('key');
  return key && key.value ? {Authorization: 'Bearer ' + key.value} : {};
};
const show = (text) => { at('answer').textContent = text; };
const ask = async (path, options) => {
  show('…');
  try {
    const answer = await fetch(path, options);
    show(answer.status + ' ' + answer.statusText + '\\n' + await answer.text());
  } catch (error) { show(String(error)); }
};
at('form').addEventListener('submit', (event) => {
  event.preventDefault();
  ask(at('path').value, {
    method: 'POST', body: at('request').value,
    headers: {'Content-Type': 'application/json', ...headers()},
  });
});
for (const link of at('key') ? document.querySelectorAll('a[href$=".json"]') : []) {
  link.addEventListener('click', (event) => { event.preventDefault(); ask(link.href, {headers: headers()}); });
}
at('fill').addEventListener('click', async () => {
  const answer = await fetch('/openapi.json', {headers: headers()});
  if (!answer.ok) { show(answer.status + ' ' + await answer.text()); return; }
  const content = (await answer.json()).paths[at('path').value].post.requestBody.content;
  const example = content['application/json'].example;
  at('request').value = example === undefined ? '' : JSON.stringify(example);
});
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>{style}</style>
</head>
<body>
<h1>{name}</h1>
<p>Serves {models}. <a href="/openapi.json">OpenAPI</a> · <a href="/swagger.json">Swagger</a> ·
{metrics}<a href="/ready">Ready?</a></p>
<form id="form">
<label for="path">Path</label><select id="path">{paths}</select>
{key}
<label for="request">Request (JSON)</label><textarea id="request" spellcheck="false">{request}</textarea>
<button>Score</button><button type="button" id="fill">Fill in the sample</button>
</form>
<h2>Answer</h2>
<pre id="answer" aria-live="polite"></pre>
<script>{script}</script>
</body>
</html>
"""
_KEY = '<label for="key">Key</label><input id="key" type="password" autocomplete="off">'

_METRICS = '<a href="/metrics">Metrics</a> · '


def page(service: Service, scored: Sequence[ServedModel], *, keyed: bool, metrics: bool = True) -> bytes:
    """Write the page; where a key is asked for, it does not show the sample.

    Parameters
    ----------
    metrics
        Whether they are served at the same port.
    """
    sample = None if keyed else scored[0].sample
    request = "" if sample is None else orjson.dumps(sample.request).decode()
    paths = ["/score", *(f"/score/{model.name}" for model in scored)]
    return _PAGE.format(
        name=escape(service.name),
        models=escape(", ".join(str(model) for model in service.models) or "a script"),
        paths="".join(f"<option>{escape(path)}</option>" for path in paths),
        key=_KEY if keyed else "",
        metrics=_METRICS if metrics else "",
        request=escape(request),
        style=_STYLE,
        script=_SCRIPT,
    ).encode()


def page_headers() -> bytes:
    """Give headers that let the browser run the page's own script and style, and nothing else."""
    policy = (
        f"default-src 'none'; connect-src 'self'; script-src '{_hash(_SCRIPT)}'; style-src '{_hash(_STYLE)}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    lines = [f"content-security-policy: {policy}", "x-content-type-options: nosniff", "cache-control: no-store"]
    return "".join(line + "\r\n" for line in lines).encode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
