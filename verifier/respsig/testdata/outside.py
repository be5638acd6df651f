"""What a program of others says of our form: http-message-signatures (PyPI, 3.0.0), which TestOutside runs.

    outside.py verify VECTORS     every happy vector of SPEC part 28 is a signature of RFC 9421 to it
    outside.py sign > made.json   an immutable answer that it signs, and a key list of the key
"""

import base64, datetime, hashlib, json, pathlib, sys, types

from cryptography.hazmat.primitives.asymmetric import ed25519
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms, resolvers


class Lines:
    """Fields as they came, one name several times perhaps."""

    def __init__(self, pairs):
        self.pairs = pairs

    def items(self):
        return self.pairs


def thumbprint(raw):
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).rstrip(b"=").decode()


class Keys(resolvers.HTTPSignatureKeyResolver):
    def __init__(self, public, private=None):
        self.public, self.private = public, private

    def resolve_public_key(self, key_id):
        return self.public[key_id]

    def resolve_private_key(self, key_id):
        return self.private


class AtAnyTime(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input, max_age=None):
        pass


def message(receipt):
    asked = {"Signature": "assay=:%s:" % receipt["asked"]} if "asked" in receipt else {}
    request = types.SimpleNamespace(method=receipt["method"], url=receipt["url"], headers=asked)
    headers = Lines([(h["name"], h["value"]) for h in receipt["headers"]])
    return types.SimpleNamespace(status_code=receipt["status"], headers=headers, request=request)


def verify(folder):
    count = 0
    for path in sorted(pathlib.Path(folder).glob("happy-*.json")):
        vector = json.loads(path.read_text())
        listed = json.loads(base64.b64decode(json.loads(vector["keys"])["payload"]))["keys"]
        raw = [bytes.fromhex(k["key"].removeprefix("ed25519:")) for k in listed]
        keys = Keys({thumbprint(r): ed25519.Ed25519PublicKey.from_public_bytes(r) for r in raw})
        verifier = AtAnyTime(signature_algorithm=algorithms.ED25519, key_resolver=keys)
        found = verifier.verify(message(json.loads(vector["receipt"])), expect_tag="assay-response-1", expect_label="assay", max_age=None)
        assert len(found) == 1, path
        count += 1
    print(count)


def sign():
    private = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"outside").digest())
    raw = private.public_key().public_bytes_raw()
    content = b'{"made":"outside"}'
    headers = {
        "cache-control": "public, max-age=31536000, immutable",
        "content-digest": "sha-256=:%s:" % base64.b64encode(hashlib.sha256(content).digest()).decode(),
        "content-type": "application/json",
        "etag": '"7"',
    }
    request = types.SimpleNamespace(method="GET", url="https://exchange.example/a%2Fb?x=1", headers={})
    answer = types.SimpleNamespace(status_code=200, headers=headers, request=request)
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Keys({}, private)).sign(
        answer,
        key_id=thumbprint(raw),
        created=datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc),
        use_existing_digest=True,
        label="assay",
        tag="assay-response-1",
        covered_component_ids=(
            '"@status"', '"content-type"', '"content-digest"', '"cache-control"', '"etag"', '"@method";req', '"@path";req', '"@query";req',
        ),
    )
    compact = {"separators": (",", ":"), "sort_keys": True}
    receipt = {
        "content": base64.b64encode(content).decode(), "method": "GET", "status": 200, "type": "assay/v1/receipt", "url": request.url,
        "headers": sorted(({"name": k.lower(), "value": v} for k, v in headers.items()), key=lambda h: h["name"]),
    }
    keys = {
        "exchange": "Demo Exchange", "issued": "2026-11-01T00:00:00Z", "type": "assay/v1/response-keys",
        "keys": [{"from": "2026-11-01T00:00:00Z", "key": "ed25519:" + raw.hex(), "until": "2026-11-02T00:00:00Z"}],
    }
    print(json.dumps({"keys": json.dumps(keys, **compact), "receipt": json.dumps(receipt, **compact)}, indent=2))


verify(sys.argv[2]) if sys.argv[1] == "verify" else sign()
