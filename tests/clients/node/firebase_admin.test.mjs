// firebase-admin, by sendEach over HTTP/2 and by send over HTTP/1.1.

import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { cert, deleteApp, initializeApp } from 'firebase-admin/app'
import { getMessaging } from 'firebase-admin/messaging'
import { startSimulator } from '../../../examples/testing/node/fanfare-simulator.mjs'
import { agentTo, leadHttp2To } from './google.mjs'

const AT_ONCE = 2000
// What sendEach takes at once.
const CHUNK = 500

let simulator, leave, app, messaging
let apps = 0

/** An app that has no access token yet: firebase-admin keeps one credential for each key file that it is shown. */
function makeApp() {
  const agent = agentTo(simulator)
  const name = `app-${++apps}`
  copyFileSync(simulator.path('service-account.json'), simulator.path(`${name}.json`))
  const { projects: [projectId] } = simulator.facts.fcm
  return initializeApp({ credential: cert(simulator.path(`${name}.json`), agent), httpAgent: agent, projectId }, name)
}

before(async () => {
  simulator = await startSimulator()
  leave = leadHttp2To(simulator)
})
after(async () => {
  leave()
  await simulator.stop()
})
beforeEach(async () => {
  await simulator.reset()
  if (app) await deleteApp(app)
  app = makeApp()
  messaging = getMessaging(app)
})
after(() => deleteApp(app))

const message = token => ({ token, notification: { title: 'Hello' } })

const OUTCOMES = {
  'unregistered:1': 'messaging/registration-token-not-registered',
  'mismatch:1': 'messaging/mismatched-credential',
  'quota:1': 'messaging/message-rate-exceeded',
  'quota-device:1': 'messaging/message-rate-exceeded',
  'invalid:1': 'messaging/invalid-argument',
  'apns-auth:1': 'messaging/third-party-auth-error',
  'internal:1': 'messaging/internal-error',
}

test('sendEach tells each outcome', async () => {
  const tokens = ['ok:1', ...Object.keys(OUTCOMES)]
  const batch = await messaging.sendEach(tokens.map(message))
  assert.equal(batch.successCount, 1)
  assert.match(batch.responses[0].messageId, /^projects\/demo-project\/messages\//)
  assert.deepEqual(batch.responses.slice(1).map(({ error }) => error.code), Object.values(OUTCOMES))
  // One connection and odd numbers of streams: it is HTTP/2.
  const entries = (await simulator.journal({ service: 'fcm' })).filter(entry => entry.token)
  assert.equal(new Set(entries.map(entry => entry.connection)).size, 1)
  assert.ok(entries.length === tokens.length && entries.every(entry => entry.stream % 2 === 1))
})

test('send tells each outcome', async () => {
  assert.match(await messaging.send(message('ok:1')), /^projects\/demo-project\/messages\//)
  for (const [token, code] of Object.entries(OUTCOMES)) await assert.rejects(messaging.send(message(token)), { code })
})

test('a quota says how long it lasts', async () => {
  const { responses: [{ error }] } = await messaging.sendEach([message('quota-device:1')])
  assert.equal(error.code, 'messaging/message-rate-exceeded')
  // The errors of this version do not carry the answer's headers, so what it was told is read where it was said.
  assert.match(error.message, /quota|exceeded/i)
  const [entry] = await simulator.wait(1, { service: 'fcm', token: 'quota-device:1', stage: 'settled' })
  assert.deepEqual([entry.status, entry.reason], [429, 'QUOTA_EXCEEDED'])
})

test('a message that is too large is an invalid argument', async () => {
  const large = { token: 'ok:1', notification: { title: 'Hello', body: 'x'.repeat(4097) } }
  const { responses: [{ error }] } = await messaging.sendEach([large])
  assert.equal(error.code, 'messaging/invalid-argument')
})

test('an expired access token is told, and a new one is good', async () => {
  assert.equal((await messaging.sendEach([message('ok:1')])).successCount, 1)
  await simulator.expireTokens()
  const { responses: [{ error }] } = await messaging.sendEach([message('ok:2')])
  // That is how firebase-admin calls FCM's UNAUTHENTICATED.
  assert.equal(error.code, 'messaging/third-party-auth-error')
  // It never renews a token that was refused, but the next app does.
  const fresh = makeApp()
  assert.equal((await getMessaging(fresh).sendEach([message('ok:3')])).successCount, 1)
  await deleteApp(fresh)
})

test('2,000 at once are accepted', async () => {
  const chunks = Array.from({ length: AT_ONCE / CHUNK }, (_, chunk) =>
    messaging.sendEach(Array.from({ length: CHUNK }, (_, i) => message(`ok:${chunk * CHUNK + i}`))))
  for (const batch of await Promise.all(chunks)) assert.equal(batch.successCount, CHUNK, batch.responses.find(response => response.error)?.error)
  const entries = await simulator.wait(AT_ONCE, { service: 'fcm', stage: 'settled' })
  assert.equal(new Set(entries.filter(entry => entry.token && entry.status === 200).map(entry => entry.token)).size, AT_ONCE)
})
