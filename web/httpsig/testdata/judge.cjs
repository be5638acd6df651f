// Others' programs judge signed answers. Reads a JSON array of answers, of each says in one line what the judges found:
//
//	node judge.cjs NODE_MODULES <answers.json
//	{"structured-headers": true, "http-message-sig": true, "http-message-signatures": true}
const { createHash, createPublicKey, verify, webcrypto } = require('node:crypto')
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const judge = createRequire(process.argv[2] + '/judge')
const sig = judge('http-message-sig')
const { httpbis } = judge('http-message-signatures')
const sh = judge('structured-headers')

// structured-headers: the three fields are of one spelling, and the digest is that of the content.
function fields(a, headers) {
  for (const name of ['signature-input', 'signature', 'content-digest']) {
    if (headers[name] === undefined && a.status === 304 && name === 'content-digest') continue
    if (sh.serializeDictionary(sh.parseDictionary(headers[name])) !== headers[name]) return false
  }
  if (a.method === 'HEAD' || a.status === 304) return true
  const digest = Buffer.from(sh.parseDictionary(headers['content-digest']).get('sha-256')[0])
  return digest.equals(createHash('sha256').update(Buffer.from(a.content, 'base64')).digest())
}

// signature is the field of the request, where it was signed.
const signature = (a) => (a.asked ? { signature: `assay=:${a.asked}:` } : {})

async function first(a) {
  const key = await webcrypto.subtle.importKey('jwk', a.key, { name: 'Ed25519' }, false, ['verify'])
  const found = await sig.verifySignature(
    {
      kind: 'response',
      status: a.status,
      fields: a.fields.map(([name, value]) => ({ name, value })),
      request: { kind: 'request', method: a.method, targetUri: a.url, requestTarget: a.target, fields: Object.entries(signature(a)).map(([name, value]) => ({ name, value })) },
    },
    {
      label: 'assay',
      policy: {
        algorithms: ['ed25519'],
        requiredComponents: ['@status', ...['@method', '@path', '@query'].map((name) => sig.component(name, { req: true }))],
        requiredParameters: ['created', 'keyid', 'alg', 'tag'],
      },
      resolveVerifier: ({ parameters }) => {
        if (parameters.keyid !== a.keyid) throw new Error('another key')
        return sig.webcrypto.verifier(key)
      },
    },
  )
  return found.parameters.tag === 'assay-response-1'
}

async function second(a, headers) {
  const key = createPublicKey({ key: a.key, format: 'jwk' })
  return httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) =>
        keyid === a.keyid ? { id: keyid, algs: ['ed25519'], verify: async (data, signature) => verify(null, data, key, signature) } : null,
      requiredParams: ['created', 'keyid', 'alg', 'tag'],
      requiredFields: ['@status', '@method', '@path', '@query'],
    },
    { status: a.status, headers },
    { method: a.method, url: a.url, headers: signature(a) },
  )
}

async function holds(check) {
  try {
    return (await check()) === true
  } catch (e) {
    process.stderr.write(`${e}\n`)
    return false
  }
}

async function main() {
  for (const a of JSON.parse(readFileSync(0, 'utf8'))) {
    const headers = Object.fromEntries(a.fields)
    console.log(
      JSON.stringify({
        'structured-headers': await holds(() => fields(a, headers)),
        'http-message-sig': await holds(() => first(a)),
        'http-message-signatures': await holds(() => second(a, headers)),
      }),
    )
  }
}
main()
