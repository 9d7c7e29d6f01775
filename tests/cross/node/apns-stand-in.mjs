// A stand-in for APNs on Node's own HTTP/2 and crypto. It shares nothing with the gateway or its simulator,
// and judges each request by Apple's pages: "Sending notification requests to APNs", "Establishing a
// token-based connection to APNs".

import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'

export const TEAM_ID = 'STANDTEAM1'
export const KEY_ID = 'STANDKEY01'
export const BUNDLE_ID = 'com.example.stand-in'

const TOPIC_SUFFIXES = {
  alert: '', background: '', voip: '.voip', complication: '.complication',
  fileprovider: '.pushkit.fileprovider', location: '.location-query',
  liveactivity: '.push-type.liveactivity', pushtotalk: '.voip-ptt',
  widgets: '.push-type.widgets', controls: '.push-type.controls',
}
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const HEADERS = new Set([
  ':method', ':scheme', ':authority', ':path', 'authorization', 'content-type', 'content-length',
  'apns-topic', 'apns-push-type', 'apns-priority', 'apns-expiration', 'apns-id', 'apns-collapse-id',
  'apns-channel-id', 'apns-request-id',
])

/** A provider key, a CA, a certificate for localhost, and a gateway's configuration up to the origin, in `dir`. */
function prepare(dir) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(dir, 'AuthKey.p8'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const config = join(dir, 'openssl.cnf')
  writeFileSync(config, [
    '[req]', 'distinguished_name = name', '[name]',
    '[ca]', 'basicConstraints = critical, CA:TRUE', 'keyUsage = keyCertSign',
    '[localhost]', 'basicConstraints = critical, CA:FALSE', 'subjectAltName = DNS:localhost', '',
  ].join('\n'))
  const certificate = (name, ...more) => execFileSync('openssl', [
    'req', '-config', config, '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-days', '2', '-subj', `/CN=${name}`, '-extensions', name,
    '-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.pem`), ...more,
  ], { cwd: dir, stdio: 'pipe' })
  certificate('ca')
  certificate('localhost', '-CA', 'ca.pem', '-CAkey', 'ca.key')
  return publicKey
}

/** What is wrong with a request, in words; nothing for a good one. */
function faults({ headers, names, body }, publicKey, authority) {
  const found = []
  const expect = (good, what) => { if (!good) found.push(what) }
  const method = headers[':method']
  expect(method === 'POST', `:method ${method}`)
  expect(headers[':scheme'] === 'https', `:scheme ${headers[':scheme']}`)
  expect(headers[':authority'] === authority, `:authority ${headers[':authority']}`)
  expect(headers['content-type'] === 'application/json', `content-type ${headers['content-type']}`)
  expect(headers['content-length'] === String(body.length), `content-length ${headers['content-length']}`)
  for (const name of names) expect(HEADERS.has(name), `header ${name}`)
  expect(new Set(names).size === names.length, `a header is repeated: ${names}`)

  const type = headers['apns-push-type']
  expect(type in TOPIC_SUFFIXES, `apns-push-type ${type}`)
  const priority = headers['apns-priority']
  expect(['10', '5', '1'].includes(priority), `apns-priority ${priority}`)
  expect(type !== 'background' || priority === '5', `apns-priority ${priority} for background`)
  const expiration = headers['apns-expiration']
  expect(expiration === undefined || /^\d{1,11}$/.test(expiration), `apns-expiration ${expiration}`)
  const collapse = headers['apns-collapse-id']
  expect(collapse === undefined || Buffer.byteLength(collapse) <= 64, `apns-collapse-id ${collapse}`)
  if (headers[':path'].startsWith('/4/')) {
    expect(headers[':path'] === `/4/broadcasts/apps/${BUNDLE_ID}`, `:path ${headers[':path']}`)
    expect(type === 'liveactivity', `apns-push-type ${type} for a broadcast`)
    expect(headers['apns-topic'] === undefined, 'a topic for a broadcast')
    expect(UUID.test(headers['apns-request-id']), `apns-request-id ${headers['apns-request-id']}`)
  } else {
    expect(/^\/3\/device\/([0-9a-f]{2})+$/i.test(headers[':path']), `:path ${headers[':path']}`)
    const topic = headers['apns-topic']
    expect(topic === BUNDLE_ID + TOPIC_SUFFIXES[type], `apns-topic ${topic} for ${type}`)
    expect(UUID.test(headers['apns-id']), `apns-id ${headers['apns-id']}`)
  }
  const large = type === 'voip' || headers[':path'].startsWith('/4/')
  expect(body.length <= (large ? 5120 : 4096), `a payload of ${body.length} bytes`)
  found.push(...tokenFaults(headers.authorization ?? '', publicKey))
  return found
}

function tokenFaults(authorization, publicKey) {
  const parts = /^bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization)
  if (!parts) return ['authorization is no bearer token of three parts']
  const [, header, claims, signature] = parts
  const bytes = Buffer.from(signature, 'base64url')
  const found = []
  if (bytes.length !== 64) found.push(`a signature of ${bytes.length} bytes`)
  const signed = Buffer.from(`${header}.${claims}`)
  if (!verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)) {
    found.push('the signature does not verify')
  }
  const json = part => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { alg, kid, ...moreHeader } = json(header)
  if (alg !== 'ES256' || kid !== KEY_ID) found.push(`alg ${alg}, kid ${kid}`)
  delete moreHeader.typ
  if (Object.keys(moreHeader).length > 0) found.push(`the token's header has ${Object.keys(moreHeader)}`)
  const { iss, iat, ...moreClaims } = json(claims)
  if (iss !== TEAM_ID) found.push(`iss ${iss}`)
  if (!Number.isInteger(iat) || Math.abs(Date.now() / 1000 - iat) > 300) found.push(`iat ${iat}`)
  if (Object.keys(moreClaims).length > 0) found.push(`the claims have ${Object.keys(moreClaims)}`)
  return found
}

/**
 * Listens on a free port of loopback and answers each good request with 200.
 *
 * As APNs does, it allows one stream on a connection until a good provider token was seen there.
 * `goawayAfter`: a connection says GOAWAY at its so-manieth stream; that one and those before it are
 * answered, those after it never.
 */
export async function startApns(dir, { goawayAfter = Infinity } = {}) {
  const publicKey = prepare(dir)
  const server = http2.createSecureServer({
    key: readFileSync(join(dir, 'localhost.key')), cert: readFileSync(join(dir, 'localhost.pem')),
    ALPNProtocols: ['h2'], settings: { maxConcurrentStreams: 1 },
  })
  const sessions = new Set()
  const standIn = { requests: [], faults: [], connections: 0, goaways: 0, unprocessed: 0 }

  server.on('session', session => {
    standIn.connections += 1
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // A gateway that goes away resets what it leaves; its tests see what they miss.
    session.on('error', () => {})
    session.begun = 0
    session.lastId = Infinity
  })
  server.on('stream', async (stream, headers, flags, raw) => {
    const { session } = stream
    stream.on('error', () => {})
    if (stream.id > session.lastId) {
      standIn.unprocessed += 1
      return
    }
    session.begun += 1
    if (session.begun === goawayAfter) {
      session.lastId = stream.id
      session.goaway(http2.constants.NGHTTP2_NO_ERROR, stream.id)
      standIn.goaways += 1
    }
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const names = raw.filter((_, index) => index % 2 === 0)
    const found = faults({ headers, names, body }, publicKey, standIn.authority)
    let payload
    try { payload = JSON.parse(body) } catch { found.push('the payload is no JSON') }
    standIn.faults.push(...found)
    standIn.requests.push({ headers: { ...headers }, payload })
    if (found.length === 0 && !session.opened) {
      session.opened = true
      session.settings({ maxConcurrentStreams: 1000 })
    }
    const id = headers['apns-id'] ? 'apns-id' : 'apns-request-id'
    stream.respond({ ':status': found.length === 0 ? 200 : 400, [id]: headers[id] })
    stream.end(found.length === 0 ? '' : JSON.stringify({ reason: 'BadMessageId' }))
  })

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  standIn.authority = `localhost:${server.address().port}`
  standIn.config = join(dir, 'fanfare.toml')
  writeFileSync(standIn.config, `
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[apns]
production = "https://${standIn.authority}"
sandbox = "https://${standIn.authority}"
[upstream]
ca_files = ["ca.pem"]
[log]
filter = "warn"
[apps.stand-in.apns]
environment = "production"
topics = ["${BUNDLE_ID}"]
[apps.stand-in.apns.token]
key_file = "AuthKey.p8"
key_id = "${KEY_ID}"
team_id = "${TEAM_ID}"
`)
  standIn.stop = async () => {
    for (const session of sessions) session.destroy()
    server.close()
    await once(server, 'close')
  }
  return standIn
}
