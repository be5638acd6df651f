// npm oauth4webapi and openid-client run PAR, code, refresh, revoke against a served exchange. What they are to do comes in as JSON; they say a line for each way that was gone.
import fs from 'node:fs'
import { browse, fetcher, of } from './web.mjs'

const oauth = await of('oauth4webapi/build/index.js')
const openid = await of('openid-client/build/index.js')
const it = JSON.parse(fs.readFileSync(0, 'utf8'))
const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const back = 'https://app.example/back'
const scope = 'proof:read:self'

async function must(what, good) {
  if (!good) throw new Error(what)
}

async function refused(what, asks) {
  try {
    await asks()
  } catch {
    return
  }
  throw new Error(`${what} was not refused`)
}

const key = await crypto.subtle.importKey('jwk', it.key, algorithm, false, ['sign'])
const shows = fetcher({ cert: it.certificate, key: it.certificateKey })
const ask = JSON.stringify({ statement: it.statement })
const content = new Headers({ 'content-type': 'application/json' })

// First: oauth4webapi, with a key (DPoP), and with a certificate (mTLS).
async function first(id, auth, bound, web) {
  const options = { [oauth.customFetch]: web }
  const issuer = new URL(it.origin)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }))
  const client = { client_id: id }
  const all = { ...options, DPoP: bound ? oauth.DPoP(client, await oauth.generateKeyPair('ES256')) : undefined }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const params = { redirect_uri: back, response_type: 'code', scope, state, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, params, all))
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: id, request_uri: pushed.request_uri })
  const answer = oauth.validateAuthResponse(as, client, await browse(url, it.customer, 'allow', back), state)
  const code = () => oauth.authorizationCodeGrantRequest(as, client, auth, answer, back, verifier, all)
  const got = await oauth.processAuthorizationCodeResponse(as, client, await code())
  await must('the type of the token', got.token_type === (bound ? 'dpop' : 'bearer') && got.expires_in === 300 && got.scope === scope)
  const again = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, got.refresh_token, all))
  const proof = await oauth.protectedResourceRequest(again.access_token, 'POST', new URL(it.origin + '/v1/proofs'), content, ask, all)
  await must('the proof', proof.status === 200 && JSON.stringify(await proof.json()).length > 500)
  const grants = await (await oauth.protectedResourceRequest(again.access_token, 'GET', new URL(it.origin + '/v1/me/grants'), new Headers(), null, all)).json()
  await must('the grant', grants.grants.length === 1 && grants.grants[0].app === id)
  const told = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, again.access_token, options))
  await must('what the token is', told.active && told.client_id === id && (bound ? told.cnf.jkt : told.cnf['x5t#S256']))
  if (!bound) {
    await refused('a token without its certificate', () => oauth.protectedResourceRequest(again.access_token, 'GET', new URL(it.origin + '/v1/me'), new Headers(), null, { [oauth.customFetch]: fetcher() }))
  } else {
    await refused('a token of another key', async () => oauth.protectedResourceRequest(again.access_token, 'GET', new URL(it.origin + '/v1/me'), new Headers(), null, { ...options, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) }))
  }
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, again.refresh_token, options))
  await refused('a token that was revoked', () => oauth.protectedResourceRequest(again.access_token, 'GET', new URL(it.origin + '/v1/me'), new Headers(), null, all))
  await refused('a refresh token that was revoked', async () => oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, again.refresh_token, all)))
  await refused('a code again', async () => oauth.processAuthorizationCodeResponse(as, client, await code()))
}

// Second: openid-client, likewise.
async function second(id, auth, bound, web) {
  const config = await openid.discovery(new URL(it.origin), id, undefined, auth, { algorithm: 'oauth2', [openid.customFetch]: web })
  const DPoP = bound ? openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256')) : undefined
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  const params = { redirect_uri: back, scope, state, code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
  const url = await openid.buildAuthorizationUrlWithPAR(config, params, { DPoP })
  const got = await openid.authorizationCodeGrant(config, await browse(url, it.customer, 'allow', back), { pkceCodeVerifier: verifier, expectedState: state }, undefined, { DPoP })
  const again = await openid.refreshTokenGrant(config, got.refresh_token, undefined, { DPoP })
  const proof = await openid.fetchProtectedResource(config, again.access_token, new URL(it.origin + '/v1/proofs'), 'POST', ask, content, { DPoP })
  await must('the proof', proof.status === 200)
  await must('what the token is', (await openid.tokenIntrospection(config, again.access_token)).active)
  await openid.tokenRevocation(config, again.access_token)
  await must('what it was', !(await openid.tokenIntrospection(config, again.access_token)).active)
  await refused('a refresh token that was revoked', () => openid.refreshTokenGrant(config, again.refresh_token, undefined, { DPoP }))
  const no = await openid.buildAuthorizationUrlWithPAR(config, { ...params, state }, { DPoP })
  await refused('what the customer did not allow', async () => openid.authorizationCodeGrant(config, await browse(no, it.customer, 'refuse', back), { pkceCodeVerifier: verifier, expectedState: state }, undefined, { DPoP }))
  const own = await openid.clientCredentialsGrant(config, { scope: 'run:read' }, { DPoP })
  await must('what is its own', own.scope === 'run:read')
}

// The identity provider's own tokens, at the API: of a service that is no customer, bound to a key and not.
async function provider() {
  const config = await openid.discovery(new URL(it.provider), 'service', 'a-secret-of-a-service', undefined, { [openid.customFetch]: fetcher() })
  for (const bound of [true, false]) {
    const DPoP = bound ? openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256')) : undefined
    const got = await openid.clientCredentialsGrant(config, { scope: 'proofs', resource: it.origin }, { DPoP })
    const me = await (await openid.fetchProtectedResource(config, got.access_token, new URL(it.origin + '/v1/me'), 'GET', null, new Headers(), { DPoP })).json()
    await must('who it is', me.client.kind === 'external' && me.permissions.join() === scope)
    const proof = await openid.fetchProtectedResource(config, got.access_token, new URL(it.origin + '/v1/proofs'), 'POST', ask, content, { DPoP })
    await must('a proof of nobody', proof.status === 404)
  }
}

const ways = {
  'oauth4webapi, DPoP': () => first(it.byKey, oauth.PrivateKeyJwt({ key, kid: '1' }), true, fetcher()),
  'oauth4webapi, mTLS': () => first(it.byCertificate, oauth.TlsClientAuth(), false, shows),
  'openid-client, DPoP': () => second(it.byKey, openid.PrivateKeyJwt({ key, kid: '1' }), true, fetcher()),
  'openid-client, mTLS': () => second(it.byCertificate, openid.TlsClientAuth(), false, shows),
  'oidc-provider, its tokens': provider,
}
for (const [name, way] of Object.entries(ways)) {
  try {
    await way()
    console.log(JSON.stringify({ way: name, good: true }))
  } catch (e) {
    console.log(JSON.stringify({ way: name, good: false, why: `${e.stack} ${e.code ?? ''} ${JSON.stringify(e.cause ?? '')}`.slice(0, 2000) }))
  }
}
