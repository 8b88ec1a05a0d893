"""Whether the standard's own library takes this service's messages: `webhooks.py BASE_URL PLAN TOKEN`.

The service must be run with `--webhooks-allow-private true`, and TOKEN be that of someone who has a role on PLAN. A subscriber
is begun on this machine, a webhook made for it, tested, rotated and tested again; every message must be verified by
`standardwebhooks` from PyPI, by the new secret and, as long as it counts, by the old one too.
"""

import http.server
import json
import queue
import sys
import threading
import urllib.request

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

base, plan, token = sys.argv[1:4]
got = queue.Queue()


class Subscriber(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        got.put((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(method, path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", **({"Content-Type": "application/json"} if data else {}), **(headers or {})}
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Subscriber)
threading.Thread(target=server.serve_forever, daemon=True).start()
made = ask("POST", f"/v1/plans/{plan}/webhooks", {"url": f"http://127.0.0.1:{server.server_port}/hook"})
path = f"/v1/plans/{plan}/webhooks/{made['id']}"
try:
    ask("POST", f"{path}/test")
    headers, body = got.get(timeout=30)
    told = Webhook(made["secret"]).verify(body, headers)
    assert told["type"] == "webhook.test", told
    try:
        Webhook(made["secret"]).verify(body + b" ", headers)
    except WebhookVerificationError:
        pass
    else:
        sys.exit("a message that was touched is taken for whole")
    rotated = ask("POST", f"{path}/rotate")
    ask("POST", f"{path}/test")
    headers, body = got.get(timeout=30)
    for secret in (rotated["secret"], made["secret"]):
        Webhook(secret).verify(body, headers)
finally:
    ask("DELETE", path, headers={"If-Match": "*"})
print("standardwebhooks verifies the messages, by the new secret and by the one before")
