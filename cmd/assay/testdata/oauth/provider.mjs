// An identity provider: npm oidc-provider. Its arguments: modules, port, files of certificate and key, origin of the server that it is for.
import https from 'node:https'
import fs from 'node:fs'
import { of } from './web.mjs'

const [, , , port, cert, key, origin] = process.argv
const { default: Provider } = await of('oidc-provider/lib/index.js')
const jose = await of('jose/dist/webapi/index.js')

const pair = await jose.generateKeyPair('ES256', { extractable: true })
const jwk = { ...(await jose.exportJWK(pair.privateKey)), kid: 'first', alg: 'ES256', use: 'sig' }
const provider = new Provider(`https://127.0.0.1:${port}`, {
  jwks: { keys: [jwk] },
  clients: [
    { client_id: 'assay', client_secret: 'a-secret-of-the-server', redirect_uris: [`${origin}/oauth/callback`], id_token_signed_response_alg: 'ES256' },
    { client_id: 'service', client_secret: 'a-secret-of-a-service', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], id_token_signed_response_alg: 'ES256' },
    { client_id: 'app', client_secret: 'a-secret-of-an-app', redirect_uris: ['https://app.example/back'], grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'ES256', require_pushed_authorization_requests: true, dpop_bound_access_tokens: true },
  ],
  cookies: { keys: ['of a test'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  enabledJWA: { idTokenSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256', 'EdDSA'] },
  features: {
    devInteractions: { enabled: true }, clientCredentials: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true }, pushedAuthorizationRequests: { enabled: true }, dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true, defaultResource: () => origin, useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'proofs', audience: origin, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
    },
  },
})
https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, provider.callback()).listen(Number(port), '127.0.0.1', () => console.log('listening'))
