// A gateway that knows its callers: by a client certificate, and by a static key.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import { asked, bounded, connect, env, waiting, type Client } from './gateway.js'
import type { Push } from './generated/fanfare/push/v1/Push.js'
import type { SendPushResponse__Output as SendPushResponse } from './generated/fanfare/push/v1/SendPushResponse.js'

const file = (name: string) => `${env('FANFARE_IDENTITIES')}/${name}`
const ca = readFileSync(file('gateway-ca.pem'))

const byCertificate = () =>
  grpc.credentials.createSsl(ca, readFileSync(file('orders.key')), readFileSync(file('orders.pem')))

// The file is read for each call, because tokens are renewed on disk.
const byToken = (tokenFile: string) => grpc.credentials.combineChannelCredentials(
  grpc.credentials.createSsl(ca),
  grpc.credentials.createFromMetadataGenerator((_, done) => {
    const metadata = new grpc.Metadata()
    metadata.set('authorization', `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`)
    done(null, metadata)
  }),
)

const good: Push = JSON.parse(readFileSync('../findings.json', 'utf8')).findings[0].push

const send = async (client: Client, push: Push) => {
  const answer = await asked<SendPushResponse>(done => client.SendPush({ push }, waiting(), bounded(), done))
  return answer.result
}

async function refused(code: keyof typeof grpc.status, call: Promise<unknown>) {
  const error: grpc.ServiceError = await call.then(() => assert.fail(`expected ${code}`), error => error)
  assert.equal(grpc.status[error.code], code)
}

for (const credentials of [byCertificate(), byToken(file('web.key'))]) {
  const client = connect(env('FANFARE_TLS'), credentials)
  assert.equal((await send(client, good))?.outcome, 'OUTCOME_ACCEPTED')
  for (const app of ['chat', 'nobody']) {
    const result = await send(client, { ...good, app })
    assert.deepEqual([result?.outcome, result?.reason], ['OUTCOME_NOT_ATTEMPTED', 'REASON_NOT_PERMITTED'])
  }
  const several = asked(done => client.SendPushes({ pushes: [good] }, waiting(), bounded(), done))
  await refused('PERMISSION_DENIED', several)
  client.close()
}
const nobody = connect(env('FANFARE_TLS'), grpc.credentials.createSsl(ca))
await refused('UNAUTHENTICATED', send(nobody, good))
nobody.close()
console.log('TypeScript: a caller may do what its rule lists and nothing else')
