// Others' programs sign requests. Reads a JSON array of requests; of each says in one line the fields that each program adds:
//
//	node sign.cjs NODE_MODULES <requests.json
//	{"http-message-sig": {"Signature-Input": …, "Signature": …}, "http-message-signatures": {…}}
const { createPrivateKey, sign, webcrypto } = require('node:crypto')
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const signer = createRequire(process.argv[2] + '/sign')
const sig = signer('http-message-sig')
const { httpbis } = signer('http-message-signatures')

const derived = ['@method', '@authority', '@path', '@query']

async function first(q) {
  const key = await webcrypto.subtle.importKey('jwk', q.key, { name: 'Ed25519' }, false, ['sign'])
  const fields = await sig.createSignature(
    {
      kind: 'request',
      method: q.method,
      targetUri: q.url,
      requestTarget: q.target,
      fields: Object.entries(q.headers).map(([name, value]) => ({ name, value })),
    },
    {
      label: 'assay',
      components: [...derived, ...Object.keys(q.headers)],
      parameters: { created: q.created, nonce: q.nonce, keyid: q.keyid, alg: 'ed25519', tag: 'assay-request-1' },
      signer: sig.webcrypto.signer(key),
    },
  )
  return fields
}

async function second(q) {
  const key = createPrivateKey({ key: q.key, format: 'jwk' })
  const signed = await httpbis.signMessage(
    {
      name: 'assay',
      key: { id: q.keyid, alg: 'ed25519', sign: async (data) => sign(null, data, key) },
      fields: [...Object.keys(q.headers), ...derived],
      params: ['tag', 'created', 'keyid', 'alg', 'nonce'],
      paramValues: { created: new Date(q.created * 1000), nonce: q.nonce, tag: 'assay-request-1' },
    },
    { method: q.method, url: q.url, headers: q.headers },
  )
  return signed.headers
}

const lower = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase().replace(/^signatureinput$/, 'signature-input'), value]))

async function main() {
  for (const q of JSON.parse(readFileSync(0, 'utf8'))) {
    console.log(JSON.stringify({ 'http-message-sig': lower(await first(q)), 'http-message-signatures': lower(await second(q)) }))
  }
}
main()
