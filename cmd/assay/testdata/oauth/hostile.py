"""Writes hostile JWTs by python3-jwcrypto. What they are to be comes in as JSON: keys of an identity provider (private), its issuer, the audience, an app's id and
private key, and the address of a trap that must not be asked. They go out as JSON: [kind, name, token], where the kind is "token" or "assertion", and a name that begins
with "good" is of one that must be taken."""
import base64
import json
import sys
import time
import uuid

from jwcrypto import jwe, jwk, jws

it = json.load(sys.stdin)
now = int(time.time())
out = []


def text(raw):
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else raw.encode()).rstrip(b"=").decode()


def sign(key, header, payload, alg="ES256"):
    token = jws.JWS(payload if isinstance(payload, (str, bytes)) else json.dumps(payload))
    token.allowed_algs = [alg, "ES256", "HS256", "RS256"]
    token.add_signature(key, alg, json.dumps({"alg": alg, **header}))
    return token.serialize(compact=True)


def raw_sign(key, header, payload):
    """Signs texts as they are, so that they may be what no encoder writes."""
    signing = text(header) + "." + text(payload)
    done = jws.JWSCore("ES256", key, '{"alg":"ES256"}', "x")
    made = done.engine.sign(key, signing.encode())
    return signing + "." + text(made)


def family(kind, key, header, good, other):
    """All that is wrong of a kind; good() is what is right, anew each time."""

    def add(name, token):
        out.append([kind, name, token])

    def signed(name, more=None, **claims):
        body = good()
        body.update(claims)
        add(name, sign(key, {**header, **(more or {})}, {k: v for k, v in body.items() if v is not None}))

    public = json.loads(key.export_public())
    pem = key.export_to_pem()
    shared = jwk.JWK(kty="oct", k=text(pem))
    spelled = jwk.JWK(kty="oct", k=text(key.export_public()))

    signed("good")
    for alg in ("none", "None", "NONE", "nOnE", ""):
        add("alg " + repr(alg), text(json.dumps({"alg": alg, **header})) + "." + text(json.dumps(good())) + ".")
    add("alg none, with a signature", text(json.dumps({"alg": "none", **header})) + "." + sign(key, header, good()).split(".", 1)[1])
    add("no alg", text(json.dumps(header)) + "." + sign(key, header, good()).split(".", 1)[1])
    add("HS256 by the public key in PEM", sign(shared, header, good(), "HS256"))
    add("HS256 by the public key in JSON", sign(spelled, header, good(), "HS256"))
    add("RS256", sign(rsa, header, good(), "RS256"))
    add("no signature", sign(key, header, good()).rsplit(".", 1)[0] + ".")
    add("two parts", sign(key, header, good()).rsplit(".", 1)[0])
    add("a signature of zeros", sign(key, header, good()).rsplit(".", 1)[0] + "." + text(bytes(64)))
    head, body, mark = sign(key, header, good()).split(".")
    add("claims of another token", head + "." + text(json.dumps({**good(), "admin": True})) + "." + mark)
    add("by another key", sign(other, header, good()))
    for typ in ("JWT" if kind == "token" else "at+jwt", "dpop+jwt", "logout+jwt", 7):
        signed(f"typ {typ}", {"typ": typ})
    signed("jku", {"jku": it["trap"] + "/jku"})
    signed("x5u", {"x5u": it["trap"] + "/x5u"})
    signed("x5c", {"x5c": [text(b"x")]})
    signed("a jwk of its own", {"jwk": public})
    add("a jwk of another, which signed it", sign(other, {**header, "jwk": json.loads(other.export_public())}, good()))
    add("a jku to another, which signed it", sign(other, {**header, "jku": it["trap"] + "/keys"}, good()))
    add("kid as an address", sign(other, {**header, "kid": it["trap"] + "/kid"}, good()))
    add("kid as a path", sign(other, {**header, "kid": "../../../../dev/null"}, good()))
    for name in ("exp", "b64", "x"):
        crit = {**header, "alg": "ES256", "crit": [name], name: False}
        add("crit " + name, raw_sign(key, json.dumps(crit), json.dumps(good())))
    add("crit of nothing", raw_sign(key, json.dumps({**header, "alg": "ES256", "crit": []}), json.dumps(good())))
    plain, spec = json.dumps(good()), json.dumps({**header, "alg": "ES256"})
    add("good, as it is spelled", raw_sign(key, spec, json.dumps(good())))
    add("a member of the header twice", raw_sign(key, spec[:-1] + f', "kid": "{header["kid"]}"}}', plain))
    add("alg twice", raw_sign(key, '{"alg": "none", ' + spec[1:], plain))
    add("a claim twice", raw_sign(key, spec, plain[:-1] + f', "exp": {now + 200}}}'))
    add("a claim twice, escaped", raw_sign(key, spec, plain[:-1] + f', "\\u0065xp": {now + 200}}}'))
    add("something behind the claims", raw_sign(key, spec, plain + "{}"))
    add("claims that are no object", raw_sign(key, spec, "[" + plain + "]"))
    add("claims that are no UTF-8", raw_sign(key, spec.encode(), plain.encode()[:-1] + b', "x": "\xff"}'))
    add("nested deep", raw_sign(key, spec, plain[:-1] + ', "x": ' + "[" * 5000 + "]" * 5000 + "}"))
    add("nested JWT", sign(key, {**header, "cty": "JWT"}, sign(key, header, good())))
    signed("huge", x="x" * 60000)
    signed("huge within the header of HTTP", x="x" * 12400)
    secret = jwe.JWE(sign(key, header, good()).encode(), json.dumps({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}))
    secret.add_recipient(jwk.JWK.generate(kty="oct", size=256))
    add("encrypted", secret.serialize(compact=True))
    signed("over", iat=now - 900, exp=now - 600)
    signed("for years", exp=now + 10**8)
    signed("without an end", exp=None)
    signed("an end as text", exp=str(now + 55))
    signed("an end without end", exp=10**40)
    signed("an end below zero", exp=-1)
    add("an end in another way", raw_sign(key, spec, json.dumps({**good(), "exp": 0}).replace('"exp": 0', '"exp": 1e400')))
    signed("of the future", iat=now + 7200, exp=now + 7230)
    signed("not good yet", nbf=now + 7200)
    signed("not good yet, as text", nbf="soon")
    signed("of nobody", sub=None)
    signed("for another server", aud="https://elsewhere.example")
    signed("for nobody", aud=None)
    signed("for two servers", aud=[it["audience"], "https://elsewhere.example"])
    signed("an audience among others that are no text", aud=[it["audience"], 7])
    signed("an audience as an object", aud={it["audience"]: True})
    signed("of another issuer", iss="https://evil.example")
    signed("of the issuer, with a slash", iss=good()["iss"] + "/")


rsa = jwk.JWK.generate(kty="RSA", size=2048)
issuer = jwk.JWK(**it["keys"][0])
stranger = jwk.JWK.generate(kty="EC", crv="P-256")
family("token", issuer, {"typ": "at+jwt", "kid": issuer.get("kid")},
       lambda: {"iss": it["issuer"], "aud": it["audience"], "sub": "somebody", "scope": "proofs", "iat": now, "exp": now + 1800}, stranger)
now = int(time.time())  # an assertion is good for a minute
app = jwk.JWK(**it["key"])
family("assertion", app, {"kid": "1"},
       lambda: {"iss": it["app"], "sub": it["app"], "aud": it["audience"], "iat": now, "exp": now + 55, "jti": uuid.uuid4().hex}, stranger)
json.dump(out, sys.stdout)
