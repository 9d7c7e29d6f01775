// google-auth-library: a service account's key, the metadata server, and an identity token.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { GoogleAuth } from 'google-auth-library'
import { startSimulator } from '../../../examples/testing/node/fanfare-simulator.mjs'
import { agentTo } from './google.mjs'

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'

let simulator
before(async () => {
  simulator = await startSimulator()
  // The library's own ways: another metadata server, and no look-up whether this machine is Google's.
  process.env.GCE_METADATA_HOST = new URL(simulator.facts.fcm.metadata).host
  process.env.METADATA_SERVER_DETECTION = 'assume-present'
  delete process.env.GOOGLE_APPLICATION_CREDENTIALS
  process.env.CLOUDSDK_CONFIG = simulator.dir
})
after(() => simulator.stop())
beforeEach(() => simulator.reset())

/** Sends a message with the headers that the library made. */
async function status(client) {
  const { fcm } = simulator.facts
  const url = `${fcm.origin}/v1/projects/${fcm.projects[0]}/messages:send`
  const answer = await client.request({
    url, method: 'POST', data: { message: { token: 'ok:1', notification: { title: 'Hello' } } }, validateStatus: () => true,
  })
  return answer.status
}

test('a key file is good for an access token', async () => {
  const auth = new GoogleAuth({
    keyFile: simulator.path('service-account.json'), scopes: [SCOPE],
    clientOptions: { transporterOptions: { agent: agentTo(simulator) } },
  })
  const client = await auth.getClient()
  assert.ok((await client.getAccessToken()).token)
  assert.equal(await auth.getProjectId(), simulator.facts.fcm.projects[0])
})

test('the metadata server is found, and its access token is good', async () => {
  const auth = new GoogleAuth({ scopes: [SCOPE] })
  assert.equal(await auth.getProjectId(), simulator.facts.fcm.projects[0])
  const client = await auth.getClient()
  assert.equal(client.constructor.name, 'Compute')
  assert.match((await auth.getCredentials()).client_email, /@/)
  assert.equal(await status(client), 200)
})

test('the metadata server gives an identity token', async () => {
  const client = await new GoogleAuth().getIdTokenClient('https://example.com')
  const token = await client.idTokenProvider.fetchIdToken('https://example.com')
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  assert.equal(claims.aud, 'https://example.com')
})

test('an access token that ended is renewed after a 401', async () => {
  // Without this option the library trusts the time that it was told, as it does with Google.
  const client = await new GoogleAuth({ scopes: [SCOPE], clientOptions: { forceRefreshOnFailure: true } }).getClient()
  assert.equal(await status(client), 200)
  await simulator.expireTokens()
  const { fcm } = simulator.facts
  const answer = await client.request({
    url: `${fcm.origin}/v1/projects/${fcm.projects[0]}/messages:send`, method: 'POST',
    data: { message: { token: 'ok:2', notification: { title: 'Hello' } } },
  })
  assert.equal(answer.status, 200)
  const statuses = (await simulator.journal({ service: 'fcm', token: 'ok:2' })).map(entry => entry.status)
  assert.deepEqual(statuses, [401, 200])
})
