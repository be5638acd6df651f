// What both programs here need: requests over TLS that show a certificate or not, and a customer's browser.
import https from 'node:https'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

export const modules = process.argv[2]

export const of = (name) => import(pathToFileURL(path.join(modules, name)))

// fetcher is fetch that shows a certificate, if it is given one.
export function fetcher(shown = {}) {
  return (url, init = {}) => new Promise((done, failed) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const content = init.body === undefined || init.body === null ? undefined : Buffer.from(init.body instanceof URLSearchParams ? init.body.toString() : init.body)
    if (content) headers['content-length'] = String(content.length)
    const r = https.request(url, { method: init.method ?? 'GET', headers, ...shown, agent: new https.Agent({ keepAlive: false, ...shown }) }, (got) => {
      const parts = []
      got.on('data', (part) => parts.push(part))
      got.on('end', () => {
        const all = new Headers()
        for (let i = 0; i < got.rawHeaders.length; i += 2) all.append(got.rawHeaders[i], got.rawHeaders[i + 1])
        const empty = [204, 304].includes(got.statusCode)
        done(new Response(empty ? null : Buffer.concat(parts), { status: got.statusCode, headers: all }))
      })
    })
    r.on('error', failed)
    r.end(content)
  })
}

// browse goes where it is led, signs in as a customer, answers the question, and is where it is led away.
export async function browse(url, customer, answer, away, answers = {}) {
  const jars = {}
  let at = new URL(url), init = {}
  for (let i = 0; i < 30; i++) {
    if (at.href.startsWith(away)) return at
    const jar = (jars[at.origin] ??= new Map())
    const headers = new Headers(init.headers)
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    if (init.method === 'POST') headers.set('origin', at.origin)
    const got = await fetcher()(at, { ...init, headers, redirect: 'manual' })
    for (const cookie of got.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    init = {}
    const to = got.headers.get('location')
    if (to) {
      at = new URL(to, at)
      continue
    }
    const page = await got.text()
    const form = /<form[^>]*action="([^"]+)"/.exec(page)
    if (!form) throw new Error(`${got.status} at ${at.origin}${at.pathname}: ${page.slice(0, 400)}`)
    const fields = new URLSearchParams()
    for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) fields.set(name, value)
    if (page.includes('name="login"')) {
      fields.set('login', customer)
      fields.set('password', 'any')
    }
    if (page.includes('name="answer"')) fields.set('answer', answer)
    at = new URL(form[1].replaceAll('&amp;', '&'), at)
    init = { method: 'POST', body: fields, headers: { 'content-type': 'application/x-www-form-urlencoded', ...answers } }
  }
  throw new Error(`it leads nowhere: ${at}`)
}
