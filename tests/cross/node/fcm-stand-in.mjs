// A stand-in for FCM and Google's token endpoint on Node's own HTTP/2 and crypto. It shares nothing with the gateway
// or its simulator, and judges each request by Google's pages: "Using OAuth 2.0 for Server to Server Applications",
// "Send a message using FCM HTTP v1 API".

import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'
import { APP, certificates } from './identity.mjs'

export const PROJECT = 'stand-in-project'
const EMAIL = 'sender@key-project.iam.gserviceaccount.com'
const KEY_ID = 'stand-in-key-0001'
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const SEND = `/v1/projects/${PROJECT}/messages:send`
const HEADERS = new Set([
  ':method', ':scheme', ':authority', ':path', 'authorization', 'content-type', 'content-length',
])

const json = part => JSON.parse(Buffer.from(part, 'base64url').toString())

/** What is wrong with an assertion, in words; nothing for a good one. */
export function assertionFaults(assertion, publicKey, audience) {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(assertion ?? '')
  if (!parts) return ['the assertion has not three parts']
  const [, header, claims, signature] = parts
  const found = []
  const expect = (good, what) => { if (!good) found.push(what) }
  const signed = Buffer.from(`${header}.${claims}`)
  expect(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url')), 'the signature does not verify')
  const { alg, kid, typ, ...moreHeader } = json(header)
  expect(alg === 'RS256' && kid === KEY_ID && typ === 'JWT', `alg ${alg}, kid ${kid}, typ ${typ}`)
  expect(Object.keys(moreHeader).length === 0, `the header has ${Object.keys(moreHeader)}`)
  const { iss, scope, aud, iat, exp, ...moreClaims } = json(claims)
  expect(iss === EMAIL, `iss ${iss}`)
  expect(scope === SCOPE, `scope ${scope}`)
  expect(aud === audience, `aud ${aud}`)
  expect(Number.isInteger(iat) && Math.abs(Date.now() / 1000 - iat) < 300, `iat ${iat}`)
  expect(Number.isInteger(exp) && exp > iat && exp - iat <= 3600, `exp ${exp}`)
  expect(Object.keys(moreClaims).length === 0, `the claims have ${Object.keys(moreClaims)}`)
  return found
}

/** What is wrong with a request's head, whatever it asks for. */
function headFaults({ headers, names, body }, authority, type) {
  const found = []
  const expect = (name, value) => { if (headers[name] !== value) found.push(`${name} ${headers[name]}`) }
  expect(':method', 'POST')
  expect(':scheme', 'https')
  expect(':authority', authority)
  expect('content-type', type)
  expect('content-length', String(body.length))
  for (const name of names) if (!HEADERS.has(name)) found.push(`header ${name}`)
  if (new Set(names).size !== names.length) found.push(`a header is repeated: ${names}`)
  return found
}

/** An error of Google's APIs. Source: Firebase, "FCM Error Codes". */
export const refusal = (code, status, errorCode, headers = {}) => ({
  status: code,
  headers,
  body: {
    error: {
      code, status, message: 'refused',
      details: errorCode ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }] : [],
    },
  },
})

/**
 * Listens on a free port of loopback, gives tokens for good assertions, and answers each good push with 200.
 *
 * `answers`: what it says instead, by registration token; `refusal()` makes one.
 */
export async function startFcm(dir, { answers = {} } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  certificates(dir)
  const server = http2.createSecureServer({
    key: readFileSync(join(dir, 'localhost.key')), cert: readFileSync(join(dir, 'localhost.pem')),
    ALPNProtocols: ['h2'], settings: { maxConcurrentStreams: 100 },
  })
  const sessions = new Set()
  const bearers = new Set()
  const standIn = { pushes: [], assertions: [], faults: [], connections: 0, revoke: () => bearers.clear() }
  server.on('session', session => {
    standIn.connections += 1
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => {})
  })

  const token = request => {
    const form = new URLSearchParams(request.body.toString())
    const found = headFaults(request, standIn.authority, 'application/x-www-form-urlencoded')
    if (request.headers.authorization) found.push('an authorization at the token endpoint')
    const grant = form.get('grant_type')
    if (grant !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') found.push(`grant_type ${grant}`)
    if ([...form.keys()].length !== 2) found.push(`the form has ${[...form.keys()]}`)
    found.push(...assertionFaults(form.get('assertion'), publicKey, standIn.tokenUri))
    standIn.assertions.push(form.get('assertion'))
    standIn.faults.push(...found)
    if (found.length > 0) return { status: 400, body: { error: 'invalid_grant', error_description: found.join('; ') } }
    const access_token = `ya29.${randomBytes(24).toString('base64url')}`
    bearers.add(access_token)
    return { status: 200, body: { access_token, expires_in: 3599, token_type: 'Bearer' } }
  }
  const push = request => {
    const found = headFaults(request, standIn.authority, 'application/json')
    const bearer = /^Bearer ([\w.-]+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (!bearer) found.push('authorization is no bearer token')
    let body = {}
    try { body = JSON.parse(request.body) } catch { found.push('the body is no JSON') }
    const targets = ['token', 'fid', 'topic', 'condition'].filter(name => name in (body.message ?? {}))
    if (targets.length !== 1) found.push(`the message has ${targets.length} targets`)
    standIn.faults.push(...found)
    standIn.pushes.push({ body, bearer })
    if (found.length > 0) return refusal(400, 'INVALID_ARGUMENT')
    if (!bearers.has(bearer)) return refusal(401, 'UNAUTHENTICATED')
    const name = `projects/${PROJECT}/messages/0:${standIn.pushes.length}%${randomBytes(8).toString('hex')}`
    return answers[body.message.token] ?? { status: 200, body: { name } }
  }
  server.on('stream', async (stream, headers, flags, raw) => {
    stream.on('error', () => {})
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const request = { headers, names: raw.filter((_, index) => index % 2 === 0), body: Buffer.concat(chunks) }
    const asked = { '/token': token, [SEND]: push }[headers[':path']]
    if (!asked) standIn.faults.push(`:path ${headers[':path']}`)
    const { status, headers: more = {}, body } = asked ? asked(request) : refusal(404, 'NOT_FOUND')
    if (stream.destroyed) return
    stream.respond({ ':status': status, 'content-type': 'application/json; charset=UTF-8', ...more })
    stream.end(typeof body === 'string' ? body : JSON.stringify(body))
  })

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  standIn.authority = `localhost:${server.address().port}`
  standIn.tokenUri = `https://${standIn.authority}/token`
  standIn.config = configure(dir, standIn, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  standIn.stop = async () => {
    for (const session of sessions) session.destroy()
    server.close()
    await once(server, 'close')
  }
  return standIn
}

/** Writes the key of a service account, as Google gives it, and the configuration of a gateway; gives its path. */
function configure(dir, { authority, tokenUri }, private_key) {
  writeFileSync(join(dir, 'service-account.json'), JSON.stringify({
    type: 'service_account', project_id: 'key-project', private_key_id: KEY_ID, private_key,
    client_email: EMAIL, client_id: '1', token_uri: tokenUri,
  }), { mode: 0o600 })
  const config = join(dir, 'fanfare.toml')
  writeFileSync(config, `
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[fcm]
origin = "https://${authority}"
ca_files = ["ca.pem"]
[log]
filter = "warn"
[apps.${APP}.fcm]
project = "${PROJECT}"
key_file = "service-account.json"
`)
  return config
}
