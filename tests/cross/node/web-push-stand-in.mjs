// A stand-in for a browser and its push service on Node's own HTTP/2 and crypto, and npm http_ece. It shares nothing
// with the gateway or its simulator, and judges each request by RFC 8030, 8291 and 8292.

import { createECDH, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'
import ece from 'http_ece'
import { APP, certificates } from './identity.mjs'

export const SUBJECT = 'mailto:push@example.org'
const DAY = 24 * 60 * 60
const HEADERS = new Set([
  ':method', ':scheme', ':authority', ':path', 'authorization', 'ttl', 'urgency', 'topic', 'content-encoding',
  'content-type', 'content-length',
])

const json = part => JSON.parse(Buffer.from(part, 'base64url').toString())

/** The public key of an uncompressed point on P-256. */
const publicKeyOf = point => createPublicKey({
  format: 'jwk',
  key: {
    kty: 'EC', crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url'),
  },
})

/** What is wrong with an authorization, in words; nothing for a good one. */
export function vapidFaults(authorization, publicKey, audience) {
  const parts = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)$/.exec(authorization ?? '')
  if (!parts) return ['the authorization is not vapid t=…, k=…']
  const [, header, claims, signature, k] = parts
  const found = []
  const expect = (good, what) => { if (!good) found.push(what) }
  expect(k === publicKey, `k ${k}`)
  const key = { key: publicKeyOf(Buffer.from(publicKey, 'base64url')), dsaEncoding: 'ieee-p1363' }
  const signed = Buffer.from(`${header}.${claims}`)
  expect(verify('SHA256', signed, key, Buffer.from(signature, 'base64url')), 'the signature does not verify')
  const { alg, typ, ...moreHeader } = json(header)
  expect(alg === 'ES256' && typ === 'JWT', `alg ${alg}, typ ${typ}`)
  expect(Object.keys(moreHeader).length === 0, `the header has ${Object.keys(moreHeader)}`)
  const { aud, exp, sub, ...moreClaims } = json(claims)
  expect(aud === audience, `aud ${aud}`)
  const ahead = exp - Date.now() / 1000
  expect(Number.isInteger(exp) && ahead > 0 && ahead <= DAY, `exp ${exp}`)
  expect(sub === SUBJECT, `sub ${sub}`)
  expect(Object.keys(moreClaims).length === 0, `the claims have ${Object.keys(moreClaims)}`)
  return found
}

/** A browser's keys; `open` decrypts with npm http_ece. */
export function browser() {
  const keys = createECDH('prime256v1')
  keys.generateKeys()
  const auth = randomBytes(16)
  return {
    keys: { p256dh: keys.getPublicKey(), auth },
    open: body => ece.decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret: auth.toString('base64url') }),
  }
}

/**
 * Listens on a free port of loopback and answers each good message with 201; `subscribe(path)` gives a subscription,
 * of another browser where `who` is one.
 *
 * `answers`: what it says instead, by path.
 */
export async function startPushService(dir, { answers = {} } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  certificates(dir)
  const server = http2.createSecureServer({
    key: readFileSync(join(dir, 'localhost.key')), cert: readFileSync(join(dir, 'localhost.pem')),
    ALPNProtocols: ['h2'], settings: { maxConcurrentStreams: 100 },
  })
  const sessions = new Set()
  const browsers = new Map()
  const service = {
    messages: [], faults: [], tokens: new Set(), connections: 0, publicKey: point.toString('base64url'),
    subscribe: (path, who = browser()) => {
      browsers.set(path, who)
      return { endpoint: `${service.origin}${path}`, ...who.keys }
    },
  }
  server.on('session', session => {
    service.connections += 1
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => {})
  })

  const judge = async ({ headers, names, body }) => {
    const found = vapidFaults(headers.authorization, service.publicKey, service.origin)
    const expect = (name, value) => { if (headers[name] !== value) found.push(`${name} ${headers[name]}`) }
    expect(':method', 'POST')
    expect(':scheme', 'https')
    expect(':authority', service.authority)
    expect('content-length', String(body.length))
    expect('content-encoding', body.length > 0 ? 'aes128gcm' : undefined)
    if (!/^\d+$/.test(headers.ttl ?? '')) found.push(`ttl ${headers.ttl}`)
    for (const name of names) if (!HEADERS.has(name)) found.push(`header ${name}`)
    if (new Set(names).size !== names.length) found.push(`a header is repeated: ${names}`)
    const browser = browsers.get(headers[':path'])
    if (!browser) return [...found, `:path ${headers[':path']}`]
    if (body.length > 4096) found.push(`${body.length} bytes`)
    try {
      const plaintext = body.length > 0 ? await browser.open(body) : Buffer.alloc(0)
      service.messages.push({ headers, body, plaintext })
    } catch (error) {
      found.push(`the body does not decrypt: ${error.message}`)
    }
    service.tokens.add(headers.authorization)
    return found
  }
  server.on('stream', async (stream, headers, flags, raw) => {
    stream.on('error', () => {})
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const names = raw.filter((_, index) => index % 2 === 0)
    const found = await judge({ headers, names, body: Buffer.concat(chunks) })
    service.faults.push(...found)
    const taken = { status: 201, headers: { location: `${service.origin}/m/${service.messages.length}` } }
    const { status, headers: more, body = '' } = found.length > 0 ? { status: 400 } : answers[headers[':path']] ?? taken
    if (stream.destroyed) return
    stream.respond({ ':status': status, ...more })
    stream.end(body)
  })

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  service.authority = `localhost:${server.address().port}`
  service.origin = `https://${service.authority}`
  service.config = configure(dir, privateKey.export({ type: 'pkcs8', format: 'pem' }), service.publicKey)
  service.stop = async () => {
    for (const session of sessions) session.destroy()
    server.close()
    await once(server, 'close')
  }
  return service
}

/** Writes the key and the configuration of a gateway; gives its path. */
export function configure(dir, pem, publicKey) {
  writeFileSync(join(dir, 'vapid.pem'), pem, { mode: 0o600 })
  const config = join(dir, 'fanfare.toml')
  writeFileSync(config, `
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[web_push]
ca_files = ["ca.pem"]
[log]
filter = "warn"
[apps.${APP}.web_push]
key_file = "vapid.pem"
public_key = "${publicKey}"
subject = "${SUBJECT}"
hosts = ["localhost"]
any_port = true
private_addresses = true
`)
  return config
}
