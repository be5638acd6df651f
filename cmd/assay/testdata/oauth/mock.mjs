// Another identity provider: npm oauth2-mock-server. Its arguments: modules, port, files of certificate and key, origin of the server that its tokens are for. It says, in a line of JSON,
// its keys, private parts too, and tokens that it gave out by its own endpoint; and then it listens.
import fs from 'node:fs'
import { fetcher, of } from './web.mjs'

const [, , , port, cert, key, origin] = process.argv
const { OAuth2Server } = await of('oauth2-mock-server/dist/index.mjs')

const server = new OAuth2Server(key, cert)
await server.issuer.keys.generate('ES256', { kid: 'mock-1' })
await server.start(Number(port), '127.0.0.1')
server.issuer.url = `https://127.0.0.1:${port}`

// What it writes into tokens beside what it always does, as a real one would be set up to.
const good = { aud: origin, sub: 'somebody', scope: 'proofs' }
const ways = {
  good: [{ typ: 'at+jwt' }, good],
  'as it comes': [{}, {}],
  'an ID token': [{}, good],
  'of another type': [{ typ: 'dpop+jwt' }, good],
  'for another server': [{ typ: 'at+jwt' }, { ...good, aud: 'https://elsewhere.example' }],
  'of the other issuer': [{ typ: 'at+jwt' }, { ...good, iss: process.argv[7] }],
  'for longer than an hour': [{ typ: 'at+jwt' }, { ...good, exp: Math.floor(Date.now() / 1000) + 7200 }],
  'without a role': [{ typ: 'at+jwt' }, { ...good, scope: 'other' }],
  'of nobody': [{ typ: 'at+jwt' }, { ...good, sub: undefined }],
}
const tokens = {}
for (const [name, [header, payload]] of Object.entries(ways)) {
  server.service.once('beforeTokenSigning', (token) => {
    Object.assign(token.header, header)
    Object.assign(token.payload, payload)
  })
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'proofs' })
  const got = await fetcher({ ca: fs.readFileSync(cert) })(`${server.issuer.url}/token`, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  tokens[name] = (await got.json()).access_token
}
console.log(JSON.stringify({ keys: server.issuer.keys.toJSON(true), tokens }))
