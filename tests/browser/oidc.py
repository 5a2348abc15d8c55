"""A provider of identities that signs everybody in at once, as OpenID Connect has it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt  # Comes with Authlib, which Streamlit signs people in with.
from joserfc.jwk import RSAKey

CLIENT = "xfactor-lab"
SECRETS = """[auth]
redirect_uri = "http://localhost:{{port}}/oauth2callback"
cookie_secret = "only for this test, and long enough"
client_id = "{client}"
client_secret = "only for this test"
server_metadata_url = "{address}/.well-known/openid-configuration"
"""


class Provider(ThreadingHTTPServer):
    """Answers on a free port of this machine; `claims` say who sits before the browser."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("localhost", 0), _Handler)
        self.address = f"http://localhost:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
        self.claims: dict[str, Any] = {}
        self.nonce = ""

    def identity(self) -> str:
        """The signed token that says who it is."""
        now = int(time.time())
        said = {"iss": self.address, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600}
        header = {"alg": "RS256", "kid": "one"}
        return jwt.encode(header, {**said, "nonce": self.nonce, **self.claims}, self.key)

    def write_secrets(self, path: Path) -> None:
        """What the operator puts into `secrets.toml`."""
        path.write_text(SECRETS.format(client=CLIENT, address=self.address), encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        at = urlsplit(self.path)
        if at.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(at.query).items()}
            self.server.nonce = asked["nonce"]
            back = urlencode({"code": "code", "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        elif at.path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False)]})
        else:
            own = self.server.address
            self._json(
                {
                    "issuer": own,
                    "authorization_endpoint": f"{own}/authorize",
                    "token_endpoint": f"{own}/token",
                    "jwks_uri": f"{own}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        token = {"access_token": "a", "token_type": "Bearer", "expires_in": 600}
        self._json({**token, "id_token": self.server.identity()})

    def _json(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test says what went wrong."""


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that answers."""
    with Provider() as provider:
        thread = threading.Thread(target=provider.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
