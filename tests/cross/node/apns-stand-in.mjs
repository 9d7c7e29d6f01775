// A stand-in for APNs on Node's own HTTP/2 and crypto. It shares nothing with the gateway or its simulator,
// and judges each request by Apple's pages: "Sending notification requests to APNs", "Establishing a
// token-based connection to APNs".

import { verify } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { basename, join } from 'node:path'
import { BUNDLE_ID, configure, KEY_ID, prepare, TEAM_ID } from './identity.mjs'
import { digest, until } from './traffic.mjs'

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
 * `streams`: how many it allows from then on.
 * `goawayAfter`: a connection says GOAWAY at its so-manieth stream; that one and those before it are
 * answered, those after it never. `graceful`: in Node's own way, `session.close()`.
 * `beforeAnswer(token)`: what a good request waits for before its answer.
 */
export async function startApns(dir, options = {}) {
  const { goawayAfter = Infinity, graceful = false, streams = 1000, beforeAnswer = () => {} } = options
  const publicKey = prepare(dir)
  const server = http2.createSecureServer({
    key: readFileSync(join(dir, 'localhost.key')), cert: readFileSync(join(dir, 'localhost.pem')),
    ALPNProtocols: ['h2'], settings: { maxConcurrentStreams: 1 },
  })
  const sessions = new Set()
  const standIn = {
    requests: [], arrived: [], faults: [], connections: 0, goaways: 0, unprocessed: 0, resets: 0, peak: 0, streams,
  }

  server.on('session', session => {
    standIn.connections += 1
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // A gateway that goes away resets its connections. That is no error here: its tests see which answers are missing.
    session.on('error', () => {})
    Object.assign(session, { begun: 0, inFlight: 0, lastId: Infinity, opened: false })
  })
  const goAway = (session, stream) => {
    standIn.goaways += 1
    if (graceful) {
      session.close()
    } else {
      session.lastId = stream.id
      session.goaway(http2.constants.NGHTTP2_NO_ERROR, stream.id)
    }
  }
  const answer = async (session, stream, headers, raw) => {
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const names = raw.filter((_, index) => index % 2 === 0)
    const found = faults({ headers, names, body }, publicKey, standIn.authority)
    let payload
    try { payload = JSON.parse(body) } catch { found.push('the payload is no JSON') }
    const id = headers['apns-id'] ? 'apns-id' : 'apns-request-id'
    const token = basename(headers[':path'])
    standIn.faults.push(...found)
    standIn.requests.push({ headers: { ...headers }, payload })
    standIn.arrived.push({ token, id: headers[id], digest: digest(body) })
    await beforeAnswer(token)
    if (found.length === 0 && !session.opened && !session.closed) {
      session.opened = true
      session.settings({ maxConcurrentStreams: standIn.streams })
    }
    if (stream.destroyed) return
    stream.respond({ ':status': found.length === 0 ? 200 : 400, [id]: headers[id] })
    stream.end(found.length === 0 ? '' : JSON.stringify({ reason: 'BadMessageId' }))
  }
  server.on('stream', async (stream, headers, flags, raw) => {
    const { session } = stream
    stream.on('error', () => {})
    // Without a session the connection is gone already.
    if (!session || stream.id > session.lastId) {
      standIn.unprocessed += 1
      return
    }
    stream.on('aborted', () => { standIn.resets += 1 })
    session.begun += 1
    session.inFlight += 1
    standIn.peak = Math.max(standIn.peak, session.inFlight)
    if (session.begun === goawayAfter) goAway(session, stream)
    // This runs before the end of the answer reaches the socket, so nobody can have opened a stream in its place.
    try {
      await answer(session, stream, headers, raw)
    } catch (error) {
      if (!stream.aborted) throw error
    } finally {
      session.inFlight -= 1
    }
  })

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  standIn.authority = `localhost:${server.address().port}`
  standIn.config = configure(dir, standIn.authority)
  /** Allows this many streams from now on; waits until the other side has agreed and has no more in flight. */
  standIn.allow = async streams => {
    standIn.streams = streams
    const open = [...sessions].filter(({ opened, closed }) => opened && !closed)
    await Promise.all(open.map(session => {
      return new Promise(resolve => session.settings({ maxConcurrentStreams: streams }, resolve))
    }))
    await until(() => open.every(({ inFlight }) => inFlight <= streams), `${streams} in flight`)
    standIn.peak = Math.max(0, ...[...sessions].map(({ inFlight }) => inFlight))
  }
  standIn.stop = async () => {
    for (const session of sessions) session.destroy()
    server.close()
    await once(server, 'close')
  }
  return standIn
}
