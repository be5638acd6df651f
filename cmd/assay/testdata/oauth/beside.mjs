// The same bad requests to this server and to npm oidc-provider. What they are to be asked of comes in as JSON; out goes a line for each: what either answered.
import fs from 'node:fs'
import { browse, fetcher, of } from './web.mjs'

const jose = await of('jose/dist/webapi/index.js')
const it = JSON.parse(fs.readFileSync(0, 'utf8'))
const back = 'https://app.example/back'
const fetch = fetcher()
const random = () => crypto.randomUUID() + crypto.randomUUID()
const sha256 = async (text) => Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64url')
const signing = await jose.importJWK(it.key, 'ES256')
const pair = await jose.generateKeyPair('ES256', { extractable: true })
const other = await jose.generateKeyPair('ES256', { extractable: true })
const verifier = random()
const challenge = await sha256(verifier)
const now = () => Math.floor(Date.now() / 1000)

const assertion = (key, id, origin) => new jose.SignJWT({ jti: random() }).setProtectedHeader({ alg: 'ES256', kid: '1' }).setIssuer(id).setSubject(id).setAudience(origin).setIssuedAt().setExpirationTime(now() + 50).sign(key)
const jwtType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ours = {
  origin: it.origin, id: it.byKey, scope: 'proof:read:self', par: '/oauth/par', authorize: '/oauth/authorize', token: '/oauth/token', introspect: '/oauth/introspect', revoke: '/oauth/revoke',
  auth: async (form, headers, how) => {
    if (how === 'none') return form.push(['client_id', it.byKey])
    const id = how === 'unknown' ? 'aaaaaaaaaaaaaaaa' : it.byKey
    form.push(['client_assertion_type', jwtType], ['client_assertion', await assertion(how === 'wrong' ? other.privateKey : signing, id, it.origin)])
  },
}
const theirs = {
  origin: it.provider, id: 'app', scope: 'openid offline_access', par: '/request', authorize: '/auth', token: '/token', introspect: '/token/introspection', revoke: '/token/revocation',
  auth: async (form, headers, how) => {
    if (how === 'none') return form.push(['client_id', 'app'])
    headers.set('authorization', 'Basic ' + Buffer.from(`${how === 'unknown' ? 'unknown' : 'app'}:${how === 'wrong' ? 'wrong' : 'a-secret-of-an-app'}`).toString('base64'))
  },
}

async function proof(side, path, how = {}) {
  const by = how.by ?? pair
  const jwk = await jose.exportJWK(by.publicKey)
  return new jose.SignJWT({ htm: how.htm ?? 'POST', htu: how.htu ?? side.origin + path, iat: how.iat ?? now(), jti: how.jti ?? random() }).setProtectedHeader({ alg: 'ES256', typ: how.typ ?? 'dpop+jwt', jwk: how.jwk === null ? undefined : jwk }).sign(by.privateKey)
}

// post is a request to an endpoint; how says what is wrong with it beside its parameters.
async function post(side, path, params, how = {}) {
  const form = Array.isArray(params) ? params : Object.entries(params).filter(([, v]) => v !== undefined)
  const headers = new Headers({ 'content-type': how.type ?? 'application/x-www-form-urlencoded' })
  await side.auth(form, headers, how.auth)
  if (how.dpop !== null) headers.set('dpop', typeof how.dpop === 'string' ? how.dpop : await proof(side, path, how.dpop))
  const body = how.body ?? form.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(v)}`).join('&')
  const got = await fetch(side.origin + path + (how.query ?? ''), { method: how.method ?? 'POST', headers, body: how.method === 'GET' ? undefined : body })
  const text = await got.text()
  let json = {}
  try {
    json = JSON.parse(text)
  } catch { /* it is none */ }
  return { status: got.status, error: json.error ?? (json.active === false ? 'inactive' : undefined), json }
}

const wants = (side, changes = {}) => ({ client_id: side === theirs ? side.id : undefined, response_type: 'code', redirect_uri: back, scope: side.scope, state: 'a state of a test', prompt: side === theirs ? 'consent' : undefined, code_challenge: challenge, code_challenge_method: 'S256', ...changes })
const pushes = (changes, how) => (side) => post(side, side.par, typeof changes === 'function' ? changes(side) : wants(side, changes), how)

async function push(side, how) {
  const got = await post(side, side.par, wants(side), how)
  if (!got.json.request_uri) throw new Error(`${side.origin} does not take what is good: ${JSON.stringify(got)}`)
  return got.json.request_uri
}

async function code(side, how) {
  const url = `${side.origin}${side.authorize}?` + new URLSearchParams({ client_id: side.id, request_uri: await push(side, how) })
  return (await browse(url, it.customer, 'allow', back)).searchParams.get('code')
}
const ofCode = (value, changes = {}) => ({ grant_type: 'authorization_code', code: value, redirect_uri: back, code_verifier: verifier, ...changes })
const changes = (changed, how) => async (side) => post(side, side.token, ofCode(await code(side), changed), how)
const asks = (params, how) => (side) => post(side, side.token, params, how)
async function refresh(side) {
  const got = await post(side, side.token, ofCode(await code(side)))
  if (!got.json.refresh_token) throw new Error(`${side.origin} gives no tokens: ${JSON.stringify(got)}`)
  return got.json
}
const refreshes = (changed, how) => async (side) => post(side, side.token, { grant_type: 'refresh_token', refresh_token: (await refresh(side)).refresh_token, ...changed }, how)

// brings is a browser that brings something; where it is led is no app's.
const brings = (params) => async (side) => {
  const got = await fetch(`${side.origin}${side.authorize}?${await params(side)}`)
  return { status: got.status, error: got.headers.get('location')?.startsWith(back) ? 'redirected' : got.status >= 400 ? 'page' : undefined }
}
const query = (all) => new URLSearchParams(all).toString()

const all = {
  'par: nobody': pushes({}, { auth: 'none' }),
  'par: an unknown app': pushes({}, { auth: 'unknown' }),
  'par: an app by another key': pushes({}, { auth: 'wrong' }),
  'par: no response_type': pushes({ response_type: undefined }),
  'par: response_type token': pushes({ response_type: 'token' }),
  'par: response_type code token': pushes({ response_type: 'code token' }),
  'par: response_type unknown': pushes({ response_type: 'x' }),
  'par: no redirect_uri': pushes({ redirect_uri: undefined }),
  'par: another redirect_uri': pushes({ redirect_uri: 'https://evil.example/back' }),
  'par: redirect_uri at another port': pushes({ redirect_uri: 'https://app.example:444/back' }),
  'par: redirect_uri with a slash more': pushes({ redirect_uri: back + '/' }),
  'par: redirect_uri with a query': pushes({ redirect_uri: back + '?x=1' }),
  'par: redirect_uri with a fragment': pushes({ redirect_uri: back + '#x' }),
  'par: redirect_uri without TLS': pushes({ redirect_uri: back.replace('https', 'http') }),
  'par: redirect_uri at a loopback address': pushes({ redirect_uri: 'http://127.0.0.1:5000/back' }),
  'par: no code_challenge': pushes({ code_challenge: undefined, code_challenge_method: undefined }),
  'par: code_challenge plain': pushes({ code_challenge_method: 'plain' }),
  'par: no code_challenge_method': pushes({ code_challenge_method: undefined }),
  'par: code_challenge short': pushes({ code_challenge: 'short' }),
  'par: code_challenge of other characters': pushes({ code_challenge: challenge.slice(1) + '!' }),
  'par: code_challenge_method without it': pushes({ code_challenge: undefined }),
  'par: an unknown scope': pushes({ scope: 'anything' }),
  'par: response_mode fragment': pushes({ response_mode: 'fragment' }),
  'par: response_mode form_post': pushes({ response_mode: 'form_post' }),
  'par: response_mode unknown': pushes({ response_mode: 'x' }),
  'par: a request_uri': pushes({ request_uri: 'urn:ietf:params:oauth:request_uri:x' }),
  'par: a request object': pushes({ request: 'x.y.z' }),
  'par: redirect_uri twice': pushes((side) => [...Object.entries(wants(side)).filter(([, v]) => v), ['redirect_uri', 'https://evil.example/back']]),
  'par: state twice': pushes((side) => [...Object.entries(wants(side)).filter(([, v]) => v), ['state', 'another state']]),
  'par: another resource': pushes({ resource: 'not an address' }),
  'par: dpop_jkt of another key': pushes({ dpop_jkt: challenge }),
  'par: a proof for another address': pushes({}, { dpop: { htu: 'https://elsewhere.example/par' } }),
  'par: a proof for another method': pushes({}, { dpop: { htm: 'GET' } }),
  'par: a proof that is old': pushes({}, { dpop: { iat: now() - 1000 } }),
  'par: a proof of the future': pushes({}, { dpop: { iat: now() + 1000 } }),
  'par: a proof of another type': pushes({}, { dpop: { typ: 'JWT' } }),
  'par: a proof without a key': pushes({}, { dpop: { jwk: null } }),
  'par: a proof that is none': pushes({}, { dpop: 'x' }),
  'par: JSON': pushes({}, { type: 'application/json', body: '{}' }),
  'par: nothing sent': pushes({}, { body: '' }),
  'par: prompt none': pushes({ prompt: 'none' }),
  'authorize: nothing': brings(() => ''),
  'authorize: no app': brings(async (side) => query({ request_uri: await push(side) })),
  'authorize: an unknown app': brings(async (side) => query({ client_id: 'unknown', request_uri: await push(side) })),
  'authorize: not pushed': brings((side) => query(JSON.parse(JSON.stringify({ ...wants(side), client_id: side.id })))),
  'authorize: an unknown request_uri': brings((side) => query({ client_id: side.id, request_uri: 'urn:ietf:params:oauth:request_uri:unknown' })),
  'authorize: a request_uri elsewhere': brings((side) => query({ client_id: side.id, request_uri: 'https://evil.example/request' })),
  'authorize: an app twice': brings(async (side) => query({ client_id: side.id, request_uri: await push(side) }) + '&client_id=' + side.id),
  'token: nobody': asks(ofCode('x'), { auth: 'none' }),
  'token: an unknown app': asks(ofCode('x'), { auth: 'unknown' }),
  'token: an app by another key': asks(ofCode('x'), { auth: 'wrong' }),
  'token: no grant_type': asks({ code: 'x' }),
  'token: an unknown grant_type': asks({ grant_type: 'x' }),
  'token: grant_type password': asks({ grant_type: 'password', username: 'x', password: 'y' }),
  'token: no code': asks({ grant_type: 'authorization_code', redirect_uri: back, code_verifier: verifier }),
  'token: an unknown code': asks(ofCode('x')),
  'token: a code twice': async (side) => {
    const value = await code(side)
    const first = await post(side, side.token, ofCode(value))
    if (first.status !== 200) throw new Error(JSON.stringify(first))
    return post(side, side.token, ofCode(value))
  },
  'token: another verifier': changes({ code_verifier: random() }),
  'token: no verifier': changes({ code_verifier: undefined }),
  'token: a short verifier': changes({ code_verifier: 'short' }),
  'token: another redirect_uri': changes({ redirect_uri: 'https://app.example/other' }),
  'token: no redirect_uri': changes({ redirect_uri: undefined }),
  'token: no proof': changes({}, { dpop: null }),
  'token: a proof by another key than the code': changes({}, { dpop: { by: other } }),
  'token: a proof twice': async (side) => {
    const again = await proof(side, side.token)
    await post(side, side.token, ofCode(await code(side)), { dpop: again })
    return post(side, side.token, ofCode(await code(side)), { dpop: again })
  },
  'token: grant_type twice': asks([['grant_type', 'authorization_code'], ['grant_type', 'refresh_token'], ['code', 'x']]),
  'token: parameters in the URL': asks(undefined ?? [], { query: '?grant_type=authorization_code&code=x' }),
  'refresh: no token': asks({ grant_type: 'refresh_token' }),
  'refresh: an unknown token': asks({ grant_type: 'refresh_token', refresh_token: 'x' }),
  'refresh: an access token': async (side) => post(side, side.token, { grant_type: 'refresh_token', refresh_token: (await refresh(side)).access_token }),
  'refresh: by another key': refreshes({}, { dpop: { by: other } }),
  'refresh: no proof': refreshes({}, { dpop: null }),
  'introspect: nobody': (side) => post(side, side.introspect, { token: 'x' }, { auth: 'none', dpop: null }),
  'introspect: no token': (side) => post(side, side.introspect, {}, { dpop: null }),
  'introspect: an unknown token': (side) => post(side, side.introspect, { token: 'x' }, { dpop: null }),
  'revoke: nobody': (side) => post(side, side.revoke, { token: 'x' }, { auth: 'none', dpop: null }),
  'revoke: no token': (side) => post(side, side.revoke, {}, { dpop: null }),
}
for (const [name, ask] of Object.entries(all)) {
  const say = async (side) => {
    const { status, error } = await ask(side)
    return `${status} ${error ?? ''}`.trim()
  }
  console.log(JSON.stringify({ name, ours: await say(ours), theirs: await say(theirs) }))
}
