// Drives a customer's browser: they allow an app, see that they did, and take it back; see customers_test.go. What it is to do comes in as JSON, its first argument is where
// the programs of npm are.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import https from 'node:https'
import { browse } from '../browser.mjs'
import { fetcher, modules, of } from './web.mjs'

const it = JSON.parse(fs.readFileSync(0, 'utf8'))
const oauth = await of('oauth4webapi/build/index.js')
const back = 'https://app.example/back'
const pair = { cert: fs.readFileSync(it.cert), key: fs.readFileSync(it.certKey) }
const site = https.createServer(pair, (_, response) => response.end('back at the app'))
await new Promise((done) => site.listen(0, '127.0.0.1', done))
const { browser, visitor, looksAt, press, looked } = await browse({ CHROMIUM: it.chromium, MODULES: modules, SPKI: it.spki, SHOTS: it.shots, PORTS: { 'app.example': site.address().port } })

// An app pushes what it asks for, and has a browser brought back to it.
const key = await crypto.subtle.importKey('jwk', it.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const client = { client_id: it.byKey }
const auth = oauth.PrivateKeyJwt({ key, kid: '1' })
const options = { [oauth.customFetch]: fetcher(), DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) }
const issuer = new URL(it.origin)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }))
const state = oauth.generateRandomState(), verifier = oauth.generateRandomCodeVerifier()
const wants = { redirect_uri: back, response_type: 'code', scope: 'proof:read:self', state, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, wants, options))

// What our pages ask for; those of the provider are its own.
const ours = []
const note = (v) => v.context.on('request', (request) => { if (request.frame().url().startsWith(it.origin)) ours.push(request.url()) })
const customer = await visitor()
note(customer)

async function signsIn() {
  await customer.page.getByRole('textbox').first().waitFor()
  await customer.page.locator('input[name=login]').fill(it.customer)
  await customer.page.locator('input[name=password]').fill('any')
  await customer.page.locator('form button').first().click()
}

const url = new URL(as.authorization_endpoint)
url.search = new URLSearchParams({ client_id: it.byKey, request_uri: pushed.request_uri })
await customer.page.goto(url.href)
await signsIn()
await customer.page.getByRole('button', { name: 'Continue' }).click() // the provider asks whether this server may know
await customer.page.getByRole('heading', { level: 1, name: 'Allow Wallet?' }).waitFor()
await looksAt(customer, 'customer-asked')
await press(customer, 'Allow')
await customer.page.waitForURL(back + '**')
const answer = oauth.validateAuthResponse(as, client, new URL(customer.page.url()), state)
const got = await oauth.processAuthorizationCodeResponse(as, client, await oauth.authorizationCodeGrantRequest(as, client, auth, answer, back, verifier, options))
const asks = () => oauth.protectedResourceRequest(got.access_token, 'GET', new URL(it.origin + '/v1/me/grants'), new Headers(), null, options)
assert.equal((await asks()).status, 200)

// The page: signing in, what was allowed, and taking it back, by the keyboard and without a script.
const plain = await visitor({ javaScriptEnabled: false, storageState: await customer.context.storageState() })
note(plain)
await plain.page.goto(it.origin + '/oauth/grants')
await plain.page.getByRole('link', { name: 'Sign in' }).click()
await plain.page.getByRole('heading', { level: 2, name: 'Wallet' }).waitFor()

await customer.page.goto(it.origin + '/oauth/grants')
await customer.page.getByRole('heading', { level: 1, name: 'What you have allowed' }).waitFor()
await looksAt(customer, 'customer-visit')
await press(customer, 'Sign in')
await customer.page.getByRole('heading', { level: 2, name: 'Wallet' }).waitFor()
await looksAt(customer, 'customer-allowed')
assert.ok(!(await customer.page.content()).includes(it.customer), 'the page names the customer')
await press(customer, 'Take it back')
await customer.page.getByRole('status').getByText('It was taken back.').waitFor()
await customer.page.getByText('You have allowed no app anything.').waitFor()
await looksAt(customer, 'customer-taken-back')
await assert.rejects(asks, 'a token of what was taken back')
await press(customer, 'Sign out')
await customer.page.getByRole('link', { name: 'Sign in' }).waitFor()

await plain.page.reload()
await plain.page.getByText('You have allowed no app anything.').waitFor()
const foreign = ours.filter((at) => ![it.origin, it.provider, 'https://app.example'].includes(new URL(at).origin))
assert.ok(ours.length > 5)
assert.deepEqual(foreign, [], 'something was asked of elsewhere')
assert.deepEqual(customer.faults, [])
console.log(`${looked()} pages were looked at, light, dark and narrow`)
await browser.close()
site.close()
